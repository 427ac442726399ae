"""What a room's task does when something goes wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from room_world import ROOM_ID, Person, talking

from sottovoce.client.credentials import AccountKeyChanged
from sottovoce.client.device_store import DeviceStore
from sottovoce.client.errors import StoreUnwritable
from sottovoce.client.kept_room import KeptRoom
from sottovoce.client.sync import RoomSync
from sottovoce.client.tables import account as account_table
from sottovoce.client.tables import rooms as rooms_table
from sottovoce.client.tables.account import ContactRecord
from sottovoce.crypto.secret import Secret

FIRST, SECOND = (bytes([number]) * 32 for number in (1, 2))


async def _sync(store: DeviceStore, person: Person) -> RoomSync:
    record = rooms_table.room(person.database, ROOM_ID)
    assert record is not None
    await store.transact(lambda database: rooms_table.put_room(database, record))
    kept = KeptRoom(record, person.around, store, lambda: None)
    return RoomSync(kept, cast("Any", None), lambda _: None, may_found=False)


async def test_a_known_key_is_not_forgotten_when_the_news_of_another_cannot_be_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (alice,) = talking("alice")
    store = await DeviceStore.open(tmp_path / "store.db", Secret(bytes(32)))
    sync = await _sync(store, alice)
    known = alice.around.contacts.by_name["bob"] = ContactRecord("bob", FIRST, True, None)

    def full(*_: object) -> None:
        raise StoreUnwritable("store.db")

    with monkeypatch.context() as patch:
        patch.setattr(account_table, "put_contact", full)
        with pytest.raises(StoreUnwritable):
            await sync._stand_still(AccountKeyChanged("bob", SECOND))
    assert alice.around.contacts.by_name["bob"] == known
    await store.close()
