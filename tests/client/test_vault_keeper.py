"""A vault that no longer fits: a person hears of it once, and the server is not asked again for nothing."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from sottovoce.client import vault_keeper
from sottovoce.client.events import AccountTrouble, ClientEvent
from sottovoce.client.join_secret import JoinSecret
from sottovoce.client.tables.account import AccountRecord
from sottovoce.client.trust import PinnedContact
from sottovoce.client.vault import Vault, VaultRoom, open_vault
from sottovoce.client.vault_keeper import VaultKeeper
from sottovoce.crypto.secret import Secret
from sottovoce.link.messages import Done, VaultPut

SECRET = Secret(bytes(32))
ACCOUNT = AccountRecord("alice", bytes(16), SECRET, SECRET, SECRET, b"", SECRET, 1)
ROOMS = tuple(
    VaultRoom(number.to_bytes(16, "big"), f"room {number}", JoinSecret(SECRET, 0)) for number in range(200)
)


class World:
    """A server that stores every vault, and a device whose rooms a test chooses."""

    failure = None

    def __init__(self) -> None:
        self.rooms = ROOMS
        self.contacts: tuple[PinnedContact, ...] = ()
        self.collected = 0
        self.stored: list[Vault] = []
        self.told: list[ClientEvent] = []
        self.keeper = VaultKeeper(
            ACCOUNT, cast("Any", self), cast("Any", self), self.collect, self.adopt, emit=self.told.append
        )

    def collect(self) -> Vault:
        self.collected += 1
        return Vault(SECRET, self.contacts, self.rooms)

    async def adopt(self, _: Vault) -> None:
        raise AssertionError("no other device stores anything")

    async def online(self) -> World:
        return self

    async def request(self, build: Any, _: type) -> Done:
        put: VaultPut = build(0)
        self.stored.append(open_vault(put.vault, ACCOUNT.vault_key))
        return Done(put.id)

    async def transact(self, _: Any) -> None:
        pass

    async def change(self) -> None:
        """Something to store; returns once it was looked at, and had time to be looked at again."""
        self.keeper.changed()
        for _ in range(100):
            await asyncio.sleep(0)


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(vault_keeper, "SETTLING", 0.0)
    world = World()
    task = asyncio.create_task(world.keeper.run())
    yield world
    task.cancel()
    await asyncio.wait((task,))


async def test_what_does_not_fit_is_told_once_and_tried_when_something_changes(world: World) -> None:
    await world.change()
    assert (world.collected, len(world.told), world.stored) == (1, 1, [])
    (event,) = world.told
    assert isinstance(event, AccountTrouble)
    assert "Leave rooms" in event.reason
    await world.change()
    assert (world.collected, len(world.told)) == (2, 1)
    world.rooms = ROOMS[:2]
    await world.change()
    assert [vault.rooms for vault in world.stored] == [ROOMS[:2]]
    world.rooms = ROOMS
    await world.change()
    assert len(world.told) == 2, "it is full again"


async def test_rooms_and_decisions_come_before_contacts_that_can_be_met_again(world: World) -> None:
    world.rooms = ROOMS[:2]
    decided = PinnedContact("bob", bytes(32), verified=True, decided_at=1)
    world.contacts = (decided, *(PinnedContact(f"user{n}", bytes(32)) for n in range(250)))
    await world.change()
    assert world.stored == [Vault(SECRET, (decided,), ROOMS[:2])]
    assert world.told == []
