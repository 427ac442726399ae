"""A room as its user sees it: what two people compared is what is trusted; history; what was read."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from room_world import Person, talking

from sottovoce.client.errors import CannotBeAdded, KeyChanged, UnknownUser
from sottovoce.client.events import ReceivedMessage
from sottovoce.client.room import Room
from sottovoce.client.tables import account as account_table
from sottovoce.client.tables.account import ContactRecord
from sottovoce.link.messages import KeyPackagesClaimReply

FIRST, SECOND, THIRD = (bytes([number]) * 32 for number in (1, 2, 3))


class _Store:
    def __init__(self, person: Person) -> None:
        self.database = person.database

    async def transact(self, work: Callable[[Any], Any]) -> Any:
        return work(self.database)


def _room(person: Person) -> Room:
    return Room(cast("Any", None), person.around, cast("Any", _Store(person)), cast("Any", None))


def _room_of(person: Person, session: object = None) -> Room:
    """A room whose task does not run."""
    kept = SimpleNamespace(state=person.state)
    sync = SimpleNamespace(kept=kept, record=person.state.record)
    return Room(cast("Any", sync), person.around, cast("Any", _Store(person)), cast("Any", session))


def _shown(person: Person, key: bytes | None) -> None:
    """Somebody shows another key for the contact."""
    contacts = person.around.contacts
    contacts.by_name["bob"] = msgspec.structs.replace(contacts.by_name["bob"], changed_key=key)


@pytest.fixture
def alice() -> Person:
    (person,) = talking("alice")
    person.around.contacts.by_name["bob"] = ContactRecord("bob", FIRST, False, None)
    return person


async def test_the_key_whose_number_was_compared_is_trusted_not_one_that_came_since(alice: Person) -> None:
    room = _room(alice)
    room.safety_number("bob")
    _shown(alice, SECOND)
    await room.verify("bob")
    bob = alice.around.contacts.by_name["bob"]
    assert (bob.account_key, bob.verified, bob.changed_key) == (FIRST, True, SECOND)


async def test_a_changed_key_is_trusted_once_its_number_was_compared(alice: Person) -> None:
    room = _room(alice)
    _shown(alice, SECOND)
    room.safety_number("bob")
    await room.verify("bob")
    bob = alice.around.contacts.by_name["bob"]
    assert (bob.account_key, bob.verified, bob.changed_key) == (SECOND, True, None)


async def test_a_key_that_is_shown_no_more_is_not_trusted(alice: Person) -> None:
    room = _room(alice)
    _shown(alice, SECOND)
    room.safety_number("bob")
    _shown(alice, THIRD)
    with pytest.raises(KeyChanged):
        await room.verify("bob")
    assert not alice.around.contacts.by_name["bob"].verified


async def test_who_shows_another_number_is_verified_no_more(alice: Person) -> None:
    room = _room(alice)
    await room.verify("bob")
    await room.distrust("bob")
    bob = alice.around.contacts.by_name["bob"]
    assert (bob.account_key, bob.verified) == (FIRST, False)
    with pytest.raises(UnknownUser):
        await room.distrust("carol")


async def test_each_decision_has_its_time_and_a_later_one_a_later_time(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, times = _room(alice), []
    for clock in (1000, 900, 2000):  # seconds; one's clock may go back
        monkeypatch.setattr(time, "time", lambda clock=clock: clock)
        await (room.verify if clock == 900 else room.distrust)("bob")
        times.append(alice.around.contacts.by_name["bob"].decided_at)
    assert times == [1000, 1001, 2000]
    assert account_table.contacts(alice.database) == [ContactRecord("bob", FIRST, False, None, 2000)]


async def test_a_changed_key_with_another_number_goes_on_waiting(alice: Person) -> None:
    room = _room(alice)
    await room.verify("bob")
    _shown(alice, SECOND)
    room.safety_number("bob")
    await room.distrust("bob")
    bob = alice.around.contacts.by_name["bob"]
    assert (bob.account_key, bob.verified, bob.changed_key) == (FIRST, True, SECOND)


async def test_nobody_is_verified_who_is_not_known(alice: Person) -> None:
    with pytest.raises(UnknownUser):
        await _room(alice).verify("carol")


async def test_who_is_there_but_has_no_key_package_is_not_called_unknown(alice: Person) -> None:
    """As after three months away; which is not what a wrong name is."""

    class _Link:
        async def request(self, *_: object) -> KeyPackagesClaimReply:
            return KeyPackagesClaimReply(1, [])

        async def online(self) -> _Link:
            return self

    room = _room_of(alice, session=_Link())
    with pytest.raises(CannotBeAdded, match=r"Ask bob to connect once, .* invite link"):
        await room.add("bob")


async def test_history_is_read_backwards_and_on(alice: Person) -> None:
    room = _room_of(alice)
    for text in ("one", "two", "three"):
        alice.type(text)
        alice.send()
        alice.read()
    newest = await room.history(limit=2)
    assert [stored.item.text for stored in newest if isinstance(stored.item, ReceivedMessage)] == [
        "two",
        "three",
    ]
    (first,) = await room.history(before=newest[0].position, limit=1)
    assert isinstance(first.item, ReceivedMessage)
    assert first.item.text == "one"
    assert await room.history_after(first.position) == newest
    assert await room.history_after(first.position, limit=1) == newest[:1]


async def test_what_was_read_is_remembered_and_told() -> None:
    alice, bob = talking("alice", "bob")
    room, told = _room_of(bob), []
    room._sync.kept.announce = lambda: told.append(True)
    for text in ("one", "two", "three"):
        alice.type(text)
    alice.send()
    bob.type("mine")
    bob.read()
    assert await room.unread() == 3
    first = (await room.history())[-3]
    await room.mark_read(first.position)
    assert (await room.unread(), await room.read_position()) == (2, first.position)
    await room.mark_read(first.position)
    await room.mark_read(0)
    assert (await room.unread(), await room.read_position()) == (2, first.position)
    assert len(told) == 1
