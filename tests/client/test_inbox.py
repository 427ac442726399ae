"""The inbox is emptied, however much is in it; key packages are replaced before they end, then forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from room_world import NOW, Log, Person, talking

from sottovoce.client import inbox as inbox_module
from sottovoce.client.committing import plan_commit
from sottovoce.client.device_store import DeviceStore
from sottovoce.client.errors import LinkLost
from sottovoce.client.inbox import STOCK, Inbox
from sottovoce.client.policy import Access
from sottovoce.client.tables import account as account_table
from sottovoce.client.tables.rooms import AddUser, StoredIntent
from sottovoce.crypto.secret import Secret
from sottovoce.link.messages import (
    Done,
    InboxDelete,
    InboxFetch,
    InboxFetchReply,
    KeyPackagesLeft,
    KeyPackagesLeftReply,
    KeyPackagesPublish,
)
from sottovoce.link.parts import InboxItem
from sottovoce.mls import KeyPackageBundle

AT_ONCE = 2
DAY = 86400


class _Server:
    """Gives the oldest two; ``deletes`` or only says so."""

    def __init__(self, waiting: int, *, deletes: bool) -> None:
        self.waiting = [InboxItem(number, bytes(16), 1, bytes(32), b"garbage") for number in range(waiting)]
        self.deletes = deletes
        self.requests = 0

    async def request(self, build: Any, _: type) -> Any:
        self.requests += 1
        request = build(self.requests)
        if isinstance(request, InboxFetch):
            return InboxFetchReply(request.id, self.waiting[:AT_ONCE])
        assert isinstance(request, InboxDelete)
        assert request.item_ids
        if self.deletes:
            self.waiting = [item for item in self.waiting if item.item_id not in request.item_ids]
        return Done(request.id)


def _inbox(person: Person, store: DeviceStore) -> Inbox:
    async def accept(*_: object) -> None:
        raise AssertionError("garbage was taken for a Welcome")

    return Inbox(person.around, store, cast("Any", None), accept)


@pytest.mark.parametrize(("deletes", "left", "requests"), [(True, 0, 7), (False, 5, 3)])
async def test_what_the_server_gives_in_parts_is_taken_whole(
    tmp_path: Path, deletes: bool, left: int, requests: int
) -> None:
    """And what an evil one gives again and again is not."""
    (bob,) = talking("bob")
    store = await DeviceStore.open(tmp_path / "store.db", Secret(bytes(32)))
    server = _Server(5, deletes=deletes)
    await _inbox(bob, store)._empty(cast("Any", server))
    assert (len(server.waiting), server.requests) == (left, requests)
    await store.close()


class _Directory:
    """Keeps key packages as the server does, and gives the Welcomes that wait."""

    def __init__(self) -> None:
        self.one_time: list[bytes] = []
        self.last_resort: bytes | None = None
        self.last_resort_used = False
        self.publishes: list[KeyPackagesPublish] = []
        self.waiting: list[InboxItem] = []
        self.is_failing = False

    async def request(self, build: Any, _: type) -> Any:
        match build(1):
            case KeyPackagesLeft():
                return KeyPackagesLeftReply(1, len(self.one_time), self.last_resort_used)
            case KeyPackagesPublish() as request:
                if self.is_failing:
                    raise LinkLost("the server is gone")
                self._publish(request)
                return Done(1)
            case InboxFetch():
                return InboxFetchReply(1, self.waiting)
            case InboxDelete():
                self.waiting = []
                return Done(1)
            case request:
                raise AssertionError(request)

    def _publish(self, request: KeyPackagesPublish) -> None:
        self.publishes.append(request)
        if request.last_resort is not None:
            self.one_time.clear()
            self.last_resort, self.last_resort_used = request.last_resort, False
        self.one_time += request.key_packages


@dataclass
class _Device:
    """Bob's inbox, on a store and a clock of its own."""

    store: DeviceStore
    person: Person = field(default_factory=lambda: Person("bob", Log()))
    server: _Directory = field(default_factory=_Directory)
    now: float = NOW
    accepted: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        session: Any = self
        self.inbox = Inbox(self.person.around, self.store, session, self._accept, clock=lambda: self.now)

    failure = None

    async def online(self) -> _Directory:
        """What the inbox asks of the session."""
        return self.server

    async def _accept(self, _: InboxItem, ref: bytes, __: KeyPackageBundle) -> None:
        self.accepted.append(ref)

    async def look(self, *, day: float) -> None:
        self.now = NOW + day * DAY
        await self.inbox._look(cast("Any", self.server))

    async def private_halves(self) -> int:
        return len(await self.store.transact(account_table.key_packages))


@pytest.fixture
async def device(tmp_path: Path) -> AsyncIterator[_Device]:
    store = await DeviceStore.open(tmp_path / "store.db", Secret(bytes(32)))
    yield _Device(store)
    await store.close()


async def test_key_packages_are_replaced_when_a_third_of_their_life_is_left(device: _Device) -> None:
    """The last-resort one too: nobody claimed any, so only their age tells."""
    await device.look(day=0)
    first, first_last = list(device.server.one_time), device.server.last_resort
    assert len(first) == STOCK
    await device.look(day=59)
    assert device.server.one_time == first
    await device.look(day=60)
    second = list(device.server.one_time)
    assert len(second) == STOCK
    assert not {*first, first_last} & {*second, device.server.last_resort}
    await device.look(day=61)
    assert device.server.one_time == second


async def test_what_was_not_published_for_sure_is_published_at_the_next_look(device: _Device) -> None:
    await device.look(day=0)
    device.server.is_failing = True
    with pytest.raises(LinkLost):
        await device.look(day=60)
    device.server.is_failing = False
    await device.look(day=60)
    assert len(device.server.publishes) == 2


async def test_a_clock_that_was_ahead_does_not_put_the_renewal_off(device: _Device) -> None:
    await device.look(day=1000)
    await device.look(day=0)
    assert len(device.server.publishes) == 2
    await device.look(day=-0.01)
    assert len(device.server.publishes) == 2, "a clock set back by minutes is nothing"


async def test_few_are_topped_up_and_none_or_a_used_last_resort_replaces_all(device: _Device) -> None:
    await device.look(day=0)
    del device.server.one_time[2:]
    await device.look(day=1)
    assert device.server.publishes[-1].last_resort is None
    assert len(device.server.one_time) == 2 + STOCK
    device.server.last_resort_used = True
    await device.look(day=2)
    assert not device.server.last_resort_used
    assert len(device.server.one_time) == STOCK
    device.server.one_time.clear()
    await device.look(day=3)
    assert device.server.publishes[-1].last_resort is not None
    assert len(device.server.one_time) == STOCK


async def test_private_keys_are_forgotten_a_week_after_their_end(device: _Device) -> None:
    """Threats A10. Of all: the last-resort one, those withdrawn, those that were claimed for nothing."""
    await device.look(day=0)
    await device.look(day=60)
    await device.look(day=90 + 6.9)
    assert await device.private_halves() == 2 * (STOCK + 1)
    await device.look(day=90 + 7.1)
    assert await device.private_halves() == STOCK + 1


@pytest.mark.parametrize(("comes_on_day", "accepted"), [(96, 1), (98, 0)])
async def test_a_welcome_that_comes_late_is_taken_for_a_week(
    device: _Device, comes_on_day: int, accepted: int
) -> None:
    await device.look(day=0)
    welcome = _welcome_for(device.server.one_time[0])
    await device.look(day=comes_on_day)
    device.server.waiting = [welcome]
    await device.look(day=comes_on_day)
    assert len(device.accepted) == accepted


async def test_a_welcome_that_waited_while_the_device_was_away_is_taken(device: _Device) -> None:
    """It may be away for as long as it likes: keys are forgotten when the inbox is empty."""
    await device.look(day=0)
    assert device.server.last_resort is not None
    device.server.waiting = [_welcome_for(device.server.last_resort)]
    await device.look(day=500)
    assert len(device.accepted) == 1
    assert await device.private_halves() == STOCK + 1


async def test_a_connection_that_lasts_is_no_reason_to_let_them_end(
    device: _Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_module, "LOOKS_AGAIN_AFTER", 0.01)
    run = asyncio.create_task(device.inbox.run())
    async with asyncio.timeout(60):
        for publishes in (1, 2, 3):
            while len(device.server.publishes) < publishes:  # noqa: ASYNC110 - the server is a list
                await asyncio.sleep(0.01)
            device.now += 60 * DAY
    run.cancel()


def _welcome_for(key_package: bytes) -> InboxItem:
    """As of somebody who adds bob to a room."""
    (alice,) = talking("alice", access=Access.INVITE)
    planned = plan_commit(alice.state, StoredIntent(1, AddUser("bob", [key_package])), NOW)
    assert planned is not None
    assert planned.staged.welcome is not None
    return InboxItem(1, bytes(16), 1, bytes(32), planned.staged.welcome)
