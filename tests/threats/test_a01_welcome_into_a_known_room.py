"""A1: a group of the server's own making does not take the place of a room, though it has the room's id."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from room_world import NOW, ROOM_ID, Person, talking

from sottovoce.client.announcing import Announcer
from sottovoce.client.committing import plan_commit
from sottovoce.client.device_store import DeviceStore
from sottovoce.client.errors import StoreUnwritable
from sottovoce.client.join_secret import JoinSecret
from sottovoce.client.joined_rooms import JoinedRooms
from sottovoce.client.joining import capabilities
from sottovoce.client.policy import Access
from sottovoce.client.tables import account as account_table
from sottovoce.client.tables.rooms import AddUser, Membership, RoomRecord, StoredIntent
from sottovoce.crypto.secret import Secret
from sottovoce.crypto.suites import DEFAULT
from sottovoce.link.parts import InboxItem
from sottovoce.mls import KeyPackageBundle, Lifetime, generate_key_package

NAME = "lobby"  # what the people of room_world call theirs
OTHER = JoinSecret(Secret(bytes([1]) * 32), 0)
"""The secret of the room that bob means."""


class _Offline:
    """A session whose server never answers, as an evil one need not."""

    async def online(self) -> None:
        await asyncio.Event().wait()


@dataclass
class Welcomed:
    """Bob, and a Welcome to a room that mallory has founded; ``secret`` is that room's."""

    rooms: JoinedRooms
    bundle: KeyPackageBundle
    item: InboxItem
    secret: JoinSecret

    async def accept(self) -> RoomRecord | None:
        await self.rooms.accept_welcome(self.item, self.bundle.ref, self.bundle)
        sync = self.rooms.by_id.get(ROOM_ID)
        return None if sync is None else sync.record


@asynccontextmanager
async def welcomed(folder: Path) -> AsyncIterator[Welcomed]:
    (mallory,) = talking("mallory", access=Access.INVITE)
    bob = Person("bob", mallory.log)
    bundle = generate_key_package(
        DEFAULT,
        bob.around.own.credential,
        bob.around.own.key_pair,
        lifetime=Lifetime(NOW - 60, NOW + 86400),
        capabilities=capabilities(),
        random=os.urandom,
    )
    planned = plan_commit(mallory.state, StoredIntent(1, AddUser("bob", [bundle.message])), NOW)
    assert planned is not None
    (welcome,) = planned.request(0).welcomes
    store = await DeviceStore.open(folder / "store.db", Secret(bytes(32)))
    rooms = JoinedRooms(
        bob.around,
        store,
        cast("Any", _Offline()),
        Announcer(),
        secrets_changed=lambda: None,
        invite=None,
    )
    item = InboxItem(1, ROOM_ID, 2, bytes(32), welcome.payload)
    yield Welcomed(rooms, bundle, item, mallory.state.join_secret)
    for sync in rooms.by_id.values():
        await sync.stop()
    await store.close()


async def test_who_is_in_no_such_room_is_added(tmp_path: Path) -> None:
    async with welcomed(tmp_path) as bob:
        record = await bob.accept()
        assert record is not None
        assert (record.membership, record.was_added) == (Membership.MEMBER, True)


@pytest.mark.parametrize("membership", [Membership.JOINING, Membership.OUT_OF_STEP])
async def test_who_is_on_the_way_into_a_room_stays_on_it(tmp_path: Path, membership: Membership) -> None:
    """By an invite link, say, while the server gives no turn to enter; or back into the room."""
    async with welcomed(tmp_path) as bob:
        sync = await bob.rooms.enter(ROOM_ID, NAME, Access.INVITE, OTHER, may_found=False)
        sync.kept.state.update(membership=membership)
        record = await bob.accept()
        assert record is not None
        assert (record.membership, record.join_secret) == (membership, OTHER.secret)


async def test_who_holds_the_rooms_secret_may_be_added_meanwhile(tmp_path: Path) -> None:
    async with welcomed(tmp_path) as bob:
        await bob.rooms.enter(ROOM_ID, NAME, Access.INVITE, bob.secret, may_found=False)
        record = await bob.accept()
        assert record is not None
        assert (record.membership, record.was_added) == (Membership.MEMBER, False)


async def test_a_room_that_was_left_comes_back_as_one_that_somebody_else_chose(tmp_path: Path) -> None:
    async with welcomed(tmp_path) as bob:
        sync = await bob.rooms.enter(ROOM_ID, NAME, Access.INVITE, OTHER, may_found=False)
        sync.kept.state.update(membership=Membership.LEFT)
        await sync.kept.save(sync.kept.state.begin())
        record = await bob.accept()
        assert record is not None
        assert (record.membership, record.was_added) == (Membership.MEMBER, True)


async def test_who_could_not_be_added_has_met_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StoreUnwritable("store.db")

    async with welcomed(tmp_path) as bob:
        monkeypatch.setattr(account_table, "put_contact", full)
        with pytest.raises(StoreUnwritable):
            await bob.accept()
        assert bob.rooms._around.contacts.by_name == {}


async def test_a_newer_link_brings_a_room_back_into_step(tmp_path: Path) -> None:
    async with welcomed(tmp_path) as bob:
        sync = await bob.rooms.enter(ROOM_ID, NAME, Access.INVITE, OTHER, may_found=False)
        sync.kept.state.update(membership=Membership.OUT_OF_STEP)
        secret = JoinSecret(Secret(os.urandom(32)), 7)
        assert await bob.rooms.enter(ROOM_ID, NAME, Access.INVITE, secret, may_found=False) is sync
        assert sync.kept.state.join_secret == secret
