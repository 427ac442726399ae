"""Memory and store agree, also when storing fails."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from room_world import SECRET, Log, Person, talking

from sottovoce.client.device_store import DeviceStore
from sottovoce.client.errors import StoreUnwritable
from sottovoce.client.kept_room import KeptRoom, observed_future
from sottovoce.client.tables import account as account_table
from sottovoce.client.tables import rooms as rooms_table
from sottovoce.client.tables.database import Database
from sottovoce.client.tables.rooms import Membership, RoomRecord
from sottovoce.crypto.secret import Secret


async def _kept(tmp_path: Path) -> KeptRoom:
    store = await DeviceStore.open(tmp_path / "store.db", Secret(bytes(32)))
    record = RoomRecord(bytes(16), "lobby", "open", Membership.JOINING, SECRET.secret, 0)
    await store.transact(lambda database: rooms_table.put_room(database, record))
    return KeptRoom(record, Person("alice", Log()).around, store, lambda: None)


async def test_what_was_saved_is_told_and_loaded_again(tmp_path: Path) -> None:
    kept = await _kept(tmp_path)
    before = kept.revision
    kept.state.update(name="renamed")
    await kept.save(kept.state.begin())
    assert kept.revision == before + 1
    kept.state.update(name="forgotten")
    await kept.load()
    assert kept.record.name == "renamed"
    await kept.store.close()


async def test_what_could_not_be_stored_did_not_happen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await _kept(tmp_path)

    def full(_: Database, __: RoomRecord) -> None:
        raise StoreUnwritable("store.db")

    kept.state.update(counter=7)
    with monkeypatch.context() as patch:
        patch.setattr(rooms_table, "put_room", full)
        with pytest.raises(StoreUnwritable):
            await kept.save(kept.state.begin())
    assert kept.record.counter == 0
    await kept.store.close()


async def test_a_pin_that_could_not_be_stored_is_no_pin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await _kept(tmp_path)
    (bob,) = talking("bob")

    def full(*_: object) -> None:
        raise StoreUnwritable("store.db")

    changes = kept.state.begin()
    kept.state.pin_first_contacts(changes, bob.state.group.members())
    assert "bob" in kept.around.contacts.by_name
    with monkeypatch.context() as patch:
        patch.setattr(account_table, "put_contact", full)
        with pytest.raises(StoreUnwritable):
            await kept.save(changes)
    assert "bob" not in kept.around.contacts.by_name
    await kept.store.close()


async def test_a_failure_nobody_fetches_is_no_noise() -> None:
    noise: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: noise.append(context))
    observed_future().set_exception(KeyError("unseen"))
    await asyncio.sleep(0)
    assert noise == []
