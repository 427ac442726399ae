"""What waits to be in the log: in order, under the ids of the timeline, and decoded once each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from room_world import ROOM_ID, Person, talking

from sottovoce.client.content import MimiContent, NullPart
from sottovoce.client.events import ReceivedMessage
from sottovoce.client.pending import PendingMessages
from sottovoce.client.tables import outbox as outbox_table


class _Store:
    def __init__(self, person: Person) -> None:
        self.database = person.database

    async def transact(self, work: Callable[[Any], Any]) -> Any:
        return work(self.database)


@pytest.fixture
def alice() -> Person:
    return talking("alice", "bob")[0]


def _pending(person: Person) -> PendingMessages:
    return PendingMessages(cast("Any", _Store(person)), person.around, ROOM_ID)


async def test_it_waits_until_it_was_read_back(alice: Person) -> None:
    pending = _pending(alice)
    assert await pending.read() == []
    alice.type("one")
    alice.type("two")
    waiting = await pending.read()
    assert [message.text for message in waiting] == ["one", "two"]
    assert waiting[0].order < waiting[1].order
    alice.send()
    assert await pending.read() == waiting, "the server has it, the timeline has not"
    alice.type("three")
    alice.read()
    assert [message.text for message in await pending.read()] == ["three"]
    said = [item.message_id for item in alice.timeline() if isinstance(item, ReceivedMessage)]
    assert said == [message.message_id for message in waiting]


async def test_each_is_decoded_once(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[bytes] = []
    original = MimiContent.decode

    def decode(octets: bytes) -> MimiContent:
        decoded.append(octets)
        return original(octets)

    monkeypatch.setattr(MimiContent, "decode", decode)
    pending = _pending(alice)
    for number in range(3):
        alice.type(f"line {number}")
        assert len(await pending.read()) == len(decoded) == number + 1
    assert await pending.read() == await _pending(alice).read()


async def test_what_is_no_text_is_not_shown(alice: Person) -> None:
    deletion = MimiContent(salt=bytes(16), body=NullPart(), replaces=bytes(32))
    outbox_table.add(alice.database, ROOM_ID, deletion.encode())
    alice.type("one")
    assert [message.text for message in await _pending(alice).read()] == ["one"]
