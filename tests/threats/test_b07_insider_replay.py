"""B7: a member's own message again, under a fresh key and the next counter, is shown once for good."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from room_world import Log, Person, talking

from sottovoce.client.content import MimiContent
from sottovoce.client.device_store import DeviceStore
from sottovoce.client.events import ReceivedMessage
from sottovoce.client.kept_room import KeptRoom
from sottovoce.client.tables import outbox as outbox_table
from sottovoce.client.tables import rooms as rooms_table
from sottovoce.crypto.secret import Secret


def say(person: Person, content: bytes) -> None:
    record = outbox_table.add(person.database, person.state.record.room_id, content)
    person.outbox._unacknowledged[record.position] = record
    person.send()


@pytest.mark.parametrize("at", ["once", "a batch later", "after a restart", "after a commit"])
def test_shown_once(at: str) -> None:
    mallory, bob = talking("mallory", "bob")
    content = MimiContent.of_text("pay me 5", salt=bytes(16)).encode()
    say(mallory, content)
    if at != "once":
        bob.read()
    if at == "after a restart":
        bob.restart()
    if at == "after a commit":
        mallory.read()
        bob.join()
        mallory.read()
    say(mallory, content)
    say(mallory, MimiContent.of_text("and so on", salt=bytes(16)).encode())
    bob.read()
    assert [text for _, text in bob.messages()] == ["pay me 5", "and so on"]
    bob.restart()
    assert [text for _, text in bob.messages()] == ["pay me 5", "and so on"]


def test_nobody_repeats_anothers_message_under_its_name() -> None:
    alice, mallory, bob = talking("alice", "mallory", "bob")
    content = MimiContent.of_text("the true text", salt=bytes(16)).encode()
    say(alice, content)
    mallory.read()
    say(mallory, content)
    bob.read()
    assert bob.messages() == [("alice", "the true text"), ("mallory", "the true text")]


def test_the_same_words_twice_are_two_messages() -> None:
    alice, bob = talking("alice", "bob")
    for _ in range(2):
        alice.type("yes")
        alice.send()
    bob.read()
    assert [text for _, text in bob.messages()] == ["yes", "yes"]


async def test_a_replay_is_told_and_stays_told(tmp_path: Path) -> None:
    alice = Person("alice", Log())
    store = await DeviceStore.open(tmp_path / "store.db", Secret(bytes(32)))
    await store.transact(lambda database: rooms_table.put_room(database, alice.state.record))
    kept = KeptRoom(alice.state.record, alice.around, store, lambda: None)
    for seq in (1, 2):
        changes = kept.state.begin()
        message = ReceivedMessage(
            seq=seq,
            at=datetime.now(UTC),
            sender="mallory",
            text="pay me 5",
            is_mine=False,
            device_id=bytes(16),
            message_id=b"m" * 32,
            verified=False,
        )
        changes.items.append((message, message.message_id))
        await kept.save(changes)
    await kept.load()
    assert ["second time" in alarm.what_happened for alarm in kept.state.alarms] == [True]
    await store.close()
