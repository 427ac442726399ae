"""B20: a process that is killed at any statement of a transaction comes back with nothing lost or used twice.

Each case is a child process that kills itself, SIGKILL, before its n-th statement; its parent goes on with
what is on the disk, through the same tables and the same ``DeviceStore`` transaction.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from room_world import Person, talking
from sqlcipher3 import dbapi2

from sottovoce.client.device_store import DeviceStore
from sottovoce.client.log_reader import LogReader
from sottovoce.client.outbox import Outbox
from sottovoce.client.tables import outbox as outbox_table
from sottovoce.client.tables.database import Database

FINISHED = 7


class Mortal:
    """A connection whose process is killed right before its n-th statement."""

    def __init__(self, connection: Any, statements: int) -> None:
        self._connection = connection
        self._left = statements

    def _step(self) -> None:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1

    def execute(self, *arguments: Any) -> Any:
        self._step()
        return self._connection.execute(*arguments)

    def executemany(self, *arguments: Any) -> Any:
        self._step()
        return self._connection.executemany(*arguments)

    @property
    def in_transaction(self) -> bool:
        return bool(self._connection.in_transaction)


def connect(path: Path) -> Any:
    connection = dbapi2.connect(str(path), isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def to_disk(person: Person, path: Path) -> None:
    """Put a person's store where it survives its process."""
    memory: sqlite3.Connection = person.database._connection
    with sqlite3.connect(path) as disk:
        memory.backup(disk)
    disk.close()


def killed_at(n: int, person: Person, path: Path, work: Callable[[DeviceStore], None]) -> bool:
    """Run ``work`` in a child that is killed before statement ``n``; False when it finished before."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            back_from(path, person)
            store = DeviceStore(path, Mortal(connect(path), n), None)
            work(store)
            code = FINISHED
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == FINISHED
    return False


def back_from(path: Path, person: Person) -> None:
    person.database = Database(connect(path))
    person.outbox = Outbox(())
    person.restart()


@pytest.fixture
def room(tmp_path: Path) -> tuple[Person, Person, Path]:
    alice, bob = talking("alice", "bob")
    alice.read()
    return alice, bob, tmp_path


def each_kill(person: Person, folder: Path, work: Callable[[DeviceStore], None]) -> Any:
    """Yield (n, path) for each statement there is to die at, and once for dying after the last."""
    base = folder / "base.db"
    to_disk(person, base)
    for n in range(100):
        path = folder / f"{n}.db"
        shutil.copy(base, path)
        was_killed = killed_at(n, person, path, work)
        yield n, path
        if not was_killed:
            return
    raise AssertionError("it never finished")


def test_receiving(room: tuple[Person, Person, Path]) -> None:
    """Ratchet, plaintext and cursor: after any death each message is shown once, and none is missing."""
    alice, bob, folder = room
    texts = [f"line {number}" for number in range(5)]
    for text in texts:
        alice.type(text)
    alice.send()

    def read(store: DeviceStore) -> None:
        changes = bob.state.begin()
        reader = LogReader(bob.state, {})
        for entry in bob.log.entries[bob.state.record.seq :]:
            reader.read(entry, changes, 0)
        store._transact(bob.state.finish(changes).write)

    seen, deaths = set(), 0
    for _, path in each_kill(bob, folder, read):
        back_from(path, bob)
        stored = [text for _, text in bob.messages()]
        cursor = bob.state.record.seq
        assert (stored, cursor) in (([], len(bob.log.entries) - 5), (texts, len(bob.log.entries)))
        seen.add(cursor)
        deaths += 1
        bob.read()
        assert [text for _, text in bob.messages()] == texts
        assert bob.gaps() == []
        to_go_on = bob.group_fingerprint()
        bob.restart()
        assert bob.group_fingerprint() == to_go_on
    assert deaths >= 8
    assert len(seen) == 2, "some deaths were before the COMMIT, and one after it"


def test_sending(room: tuple[Person, Person, Path]) -> None:
    """What was sent is sent again as it is; what was not, is encrypted anew: no key has two ciphertexts."""
    alice, bob, folder = room
    alice.type("written before the death")
    wire = folder / "wire"
    logged = list(alice.log.entries)

    def send(store: DeviceStore) -> None:
        batch = alice.outbox.next_batch()
        encrypted = alice.outbox.encrypt(batch, alice.state, alice.state.group)
        changes = alice.state.finish(alice.state.begin())

        def work(database: Database) -> None:
            outbox_table.put_encrypted(database, encrypted)
            changes.write(database)

        store._transact(work)
        wire.write_bytes(alice.outbox.requests(batch)[0].payload)

    deaths = 0
    bob_begins = folder / "bob.db"
    to_disk(bob, bob_begins)
    for n, path in each_kill(alice, folder, send):
        sent = wire.read_bytes() if wire.exists() else None
        wire.unlink(missing_ok=True)
        back_from(path, alice)
        (record,) = alice.outbox.next_batch()
        if sent is not None:
            assert record.ciphertext == sent, "it goes out again as it went out before"
        alice.log.entries[:] = logged
        alice.log.stored = {}
        alice.type("and after it")
        alice.send()
        his = folder / f"bob {n}.db"
        shutil.copy(bob_begins, his)
        back_from(his, bob)
        bob.read()
        assert [text for _, text in bob.messages()] == ["written before the death", "and after it"]
        assert bob.gaps() == []
        alice.read()
        assert [text for _, text in alice.messages()] == ["written before the death", "and after it"]
        deaths += 1
    assert deaths >= 6
