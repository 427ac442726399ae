"""What a room's task does when something goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from room_world import ROOM_ID, Person, talking

from sottovoce.client.content import MimiContent
from sottovoce.client.credentials import AccountKeyChanged
from sottovoce.client.device_store import DeviceStore
from sottovoce.client.errors import LinkLost, NotInRoom, StoreUnwritable
from sottovoce.client.events import ClientEvent, RoomTrouble
from sottovoce.client.kept_room import KeptRoom
from sottovoce.client.sync import RoomSync
from sottovoce.client.tables import account as account_table
from sottovoce.client.tables import log as log_table
from sottovoce.client.tables import rooms as rooms_table
from sottovoce.client.tables.account import ContactRecord
from sottovoce.client.tables.rooms import Membership, RemoveUser
from sottovoce.crypto.secret import Secret
from sottovoce.link.messages import Done

FIRST, SECOND = (bytes([number]) * 32 for number in (1, 2))


async def _sync(
    store: DeviceStore,
    person: Person,
    *,
    secrets_changed: Callable[[], None] = lambda: None,
    emit: Callable[[ClientEvent], None] = lambda _: None,
) -> RoomSync:
    record = rooms_table.room(person.database, ROOM_ID)
    assert record is not None
    await store.transact(lambda database: rooms_table.put_room(database, record))
    kept = KeptRoom(record, person.around, store, secrets_changed)
    return RoomSync(kept, cast("Any", None), emit, may_found=False)


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


@pytest.mark.parametrize(
    ("user", "words"), [("Alice", "under your name, Alice"), ("dave", "Two accounts in the room")]
)
async def test_a_room_with_two_keys_under_a_name_is_explained_once(
    tmp_path: Path, user: str, words: str
) -> None:
    """Nobody can decide here: a room stood still, and nothing said why."""
    (alice,) = talking("alice")
    store = await DeviceStore.open(tmp_path / "store.db", Secret(bytes(32)))
    told: asyncio.Queue[ClientEvent] = asyncio.Queue()
    sync = await _sync(store, alice, emit=told.put_nowait)
    sync.kept.state.update(membership=Membership.JOINING)
    for _ in range(2):
        standing = asyncio.create_task(sync._stand_still(AccountKeyChanged(user, SECOND)))
        assert isinstance(await told.get(), RoomTrouble)
        sync.unblock()
        await standing
    (explanation,) = sync.kept.state.alarms
    assert words in explanation.what_happened
    assert await store.transact(lambda db: log_table.alarms(db, ROOM_ID, 10)) == [explanation]
    await store.close()


async def test_what_was_to_be_sent_is_not_sent_by_who_left_and_comes_again(tmp_path: Path) -> None:
    (alice,) = talking("alice")
    store = await DeviceStore.open(tmp_path / "store.db", Secret(bytes(32)))
    sync = await _sync(store, alice)
    await sync.sending.add(MimiContent.of_text("too late", salt=bytes(16)).encode())
    await sync.commits.intend(RemoveUser("bob"))

    class Link:
        async def request(self, build: Any, _: type) -> Done:
            return Done(build(0).id)

    left = asyncio.get_running_loop().create_future()
    await sync._leave(cast("Any", Link()), left)
    assert left.done()
    assert sync.record.membership is Membership.LEFT
    await sync.kept.load()
    assert not sync.kept.outbox.has_unacknowledged
    assert sync.kept.state.intents == []
    assert await sync.kept.pending.read() == []
    await store.close()


@pytest.mark.parametrize("membership", [Membership.MEMBER, Membership.LEFT, Membership.REMOVED])
async def test_a_room_that_one_is_out_of_leaves_the_vault(tmp_path: Path, membership: Membership) -> None:
    (alice,) = talking("alice")
    store = await DeviceStore.open(tmp_path / "store.db", Secret(bytes(32)))
    changes: list[None] = []
    sync = await _sync(store, alice, secrets_changed=lambda: changes.append(None))
    sync.kept.state.update(membership=membership)
    is_out = membership is not Membership.MEMBER
    await sync._end(NotInRoom("lobby") if is_out else LinkLost("closed by this side"))
    assert len(changes) == is_out
    await store.close()
