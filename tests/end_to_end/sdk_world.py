"""A server in this process and SDK clients of it, over real TLS, for the tests of the SDK."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest

import sottovoce
from sottovoce.client.client import Client
from sottovoce.client.events import ReceivedMessage
from sottovoce.client.room import Room
from sottovoce.client.vault import Vault, open_vault
from sottovoce.link.encoded_entries import EncodedEntries, encode_entry
from sottovoce.link.parts import Entry, EntryKind
from sottovoce.server.app import ServerAddress, run
from sottovoce.server.config import ServerConfig
from sottovoce.server.delivery_rules import next_hash

PATIENCE = 60.0
"""Seconds after which what a test waits for is taken not to come."""


@dataclass(frozen=True)
class StoredEntry:
    """An entry as the server keeps it; ``room`` is a row of its table."""

    room: int
    message_id: bytes
    entry: Entry

    def but(self, **changes: object) -> StoredEntry:
        return replace(self, entry=msgspec.structs.replace(self.entry, **changes))


class World:
    """One server's data directory, and a home for each person."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "server"
        self.address: ServerAddress
        self._port = 0
        self._stop: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, **settings: object) -> None:
        config = ServerConfig(
            data=self.data,
            port=self._port,
            password_memory_kib=7168,
            password_iterations=5,
            password_lanes=1,
            **settings,
        )
        ready: asyncio.Future[ServerAddress] = asyncio.get_running_loop().create_future()
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(run(config, ready=ready.set_result, stop=self._stop))
        await asyncio.wait((self._task, ready), return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            self._task.result()
        self.address = ready.result()
        self._port = self.address.port

    async def stop(self) -> None:
        if self._task is not None and self._stop is not None:
            self._stop.set()
            await self._task
            self._task = None

    @property
    def invite(self) -> str:
        return self.address.invite

    @asynccontextmanager
    async def person(
        self,
        name: str,
        *,
        link: str | None = None,
        home: str | None = None,
        password: str | None = None,
        **how: object,
    ) -> AsyncIterator[Client]:
        async with sottovoce.connect(
            link or self.invite,
            user=name,
            password=password or f"password of {name}",
            home=self.folder / (home or name),
            **how,
        ) as client:
            yield client

    def sql(self, statement: str, parameters: tuple[object, ...] = ()) -> list[tuple]:
        """Read or tamper with the server's database while the server is stopped."""
        with contextlib.closing(sqlite3.connect(next(self.data.glob("*.db")))) as database:
            rows = database.execute(statement, parameters).fetchall()
            database.commit()
        return rows

    def log(self) -> list[StoredEntry]:
        """Every entry that the server keeps, by room and seq."""
        return [
            StoredEntry(room, message_ids[16 * at : 16 * at + 16], entry)
            for room, message_ids, encoded in self.sql(
                "SELECT room, message_ids, entries FROM segments ORDER BY room, last_seq"
            )
            for at, entry in enumerate(EncodedEntries(encoded, len(message_ids) // 16))
        ]

    def replace_log(self, log: list[StoredEntry], *, chain_too: bool) -> None:
        """Have the server keep these entries instead, each in a segment of its own; ``chain_too``: and the
        chain's hash that fits them. Every log must begin at seq 1.
        """
        for table in ("segments", "message_ids", "commits"):
            self.sql(f"DELETE FROM {table}")
        for room, entries in itertools.groupby(log, lambda one: one.room):
            head_hash = bytes(32)
            for one in entries:
                seq, kind, at = one.entry.seq, one.entry.kind, one.entry.at
                head_hash = next_hash(head_hash, kind, one.entry.payload)
                self.sql(
                    "INSERT INTO segments (room, first_seq, last_seq, at, message_ids, entries)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (room, seq, seq, at, one.message_id, encode_entry(one.entry)),
                )
                self.sql("INSERT INTO message_ids VALUES (?, ?, ?)", (one.message_id, room, seq))
                if kind is EntryKind.COMMIT:
                    self.sql(
                        "INSERT INTO commits (room, seq, epoch, head_hash) VALUES (?, ?, ?, ?)",
                        (room, seq, one.entry.epoch, head_hash),
                    )
            if chain_too:
                self.sql("UPDATE rooms SET head = ?, head_hash = ? WHERE id = ?", (seq, head_hash, room))


@asynccontextmanager
async def a_world(folder: Path, **settings: object) -> AsyncIterator[World]:
    world = World(folder)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SOTTOVOCE_RUNTIME_DIR", str(folder / "runtime"))
        await world.start(**settings)
        try:
            async with asyncio.timeout(2 * PATIENCE):
                yield world
        finally:
            await world.stop()


async def texts(room: Room, count: int, after: int | None = None) -> list[str]:
    """The next ``count`` messages as the plain client would print them."""
    return [f"{m.sender}: {m.text}" for m in await messages(room, count, after)]


async def messages(room: Room, count: int, after: int | None = None) -> list[ReceivedMessage]:
    found: list[ReceivedMessage] = []
    async with asyncio.timeout(PATIENCE):
        async for message in room.messages(after):
            found.append(message)
            if len(found) == count:
                break
    return found


async def item(room: Room, kind: type, after: int | None = None):
    """The first timeline item of this kind."""
    async with asyncio.timeout(PATIENCE):
        async for found in room.timeline(after):
            if isinstance(found, kind):
                return found
    raise AssertionError(f"the timeline ended without a {kind.__name__}")


def vault_of(client: Client, world: World) -> Vault:
    """What the server keeps of an account for its other devices."""
    ((sealed,),) = world.sql("SELECT vault FROM accounts WHERE name = ?", (client.user,))
    return open_vault(sealed, client._account.vault_key)


async def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for a state that nothing announces."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"it never came to be: {what}")
        await asyncio.sleep(0.01)
