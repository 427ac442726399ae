"""The encrypted local store: one SQLCipher database, used by one thread of its own.

Everything that must survive together is written in one transaction: a ratchet step with the plaintext it
opened and the log position it was read at (threats.md B20), a ratchet step with the ciphertext it sealed
(B4). The SQL is in :mod:`sottovoce.client.tables`; this module opens, locks down and closes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from sottovoce.client.errors import ClientClosed, StoreDamaged, StoreTooNew, StoreUnwritable, store_refusal
from sottovoce.client.tables import schema
from sottovoce.client.tables.database import Database
from sottovoce.client.tables.records import RecordDamaged
from sottovoce.crypto.secret import Secret

T = TypeVar("T")

_PRAGMAS: Final = (
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("secure_delete", "ON", 1),
    ("foreign_keys", "ON", 1),
    ("trusted_schema", "OFF", 0),
    ("temp_store", "MEMORY", 2),
)
"""(name, value to set, value to read back): a setting that did not take is an error, not a surprise."""


# https://www.sqlite.org/rescode.html: what the disk, its rights or another process refuses.
_REFUSED_BY_THE_SYSTEM: Final = {
    "SQLITE_PERM",
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_NOMEM",
    "SQLITE_READONLY",
    "SQLITE_IOERR",
    "SQLITE_FULL",
    "SQLITE_CANTOPEN",
    "SQLITE_PROTOCOL",
}


class DeviceStore:
    """An open store. ``transact`` runs work in the store's own thread, in one transaction."""

    def __init__(self, path: Path, connection: Any, executor: ThreadPoolExecutor) -> None:
        self.path: Final = path
        self._connection: Final = connection
        self._executor: Final = executor
        self._closed = False

    @classmethod
    async def open(cls, path: Path, key: Secret) -> Self:
        """Open the database at ``path`` with the 32-byte raw ``key``, or make it.

        Raises :class:`StoreDamaged` when the file is not a database of this key, :class:`StoreTooNew` when
        a later version made it, and :class:`StoreUnwritable` when it cannot be written.
        """
        executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="device-store")
        loop = asyncio.get_running_loop()
        try:
            connection = await loop.run_in_executor(executor, _connect, path, key)
        except BaseException:
            executor.shutdown(wait=False)
            raise
        return cls(path, connection, executor)

    async def transact(self, work: Callable[[Database], T]) -> T:
        """Run ``work`` inside BEGIN IMMEDIATE and COMMIT, and return its result once it is on disk.

        Raises what ``work`` raises (nothing is stored then), :class:`StoreDamaged`,
        :class:`StoreUnwritable`, or :class:`ClientClosed` after :meth:`close`.
        """
        if self._closed:
            raise ClientClosed
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._transact, work)

    def _transact(self, work: Callable[[Database], T]) -> T:
        from sqlcipher3 import dbapi2

        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(Database(connection))
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except dbapi2.DatabaseError as trouble:
            raise _refusal(trouble, self.path) from trouble
        except RecordDamaged as damage:
            raise StoreDamaged(str(self.path)) from damage
        return result

    async def close(self) -> None:
        """Finish what is queued, and close the database."""
        if self._closed:
            return
        self._closed = True
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, self._connection.close)
        self._executor.shutdown(wait=True)


def _connect(path: Path, key: Secret) -> Any:
    from sqlcipher3 import dbapi2

    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as trouble:
        raise store_refusal(trouble, path) from trouble
    connection = dbapi2.connect(str(path), isolation_level=None, check_same_thread=False)
    try:
        # SQLCipher would tell the terminal of a page that does not decrypt; the error says it too.
        connection.execute("PRAGMA cipher_log_level = NONE")
        connection.execute(f"PRAGMA key = \"x'{key.reveal().hex()}'\"")
        for name, value, expected in _PRAGMAS:
            connection.execute(f"PRAGMA {name} = {value}")
            if connection.execute(f"PRAGMA {name}").fetchone()[0] != expected:
                raise StoreUnwritable(str(path))
        _bring_up_to_date(connection, path)
    except dbapi2.DatabaseError as trouble:
        connection.close()
        raise _refusal(trouble, path) from trouble
    except RecordDamaged as damage:
        connection.close()
        raise StoreDamaged(str(path)) from damage
    except BaseException:
        connection.close()
        raise
    return connection


def _bring_up_to_date(connection: Any, path: Path) -> None:
    """Make the tables of an empty file, or change those of an earlier release; all of it or nothing."""
    database = Database(connection)
    found = schema.version(database)
    if found > schema.VERSION:
        raise StoreTooNew(str(path))
    if found == schema.VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    if found == 0:
        schema.create(database)
    else:
        schema.migrate(database, found)
    connection.execute("COMMIT")


def _refusal(trouble: Any, path: Path) -> StoreDamaged | StoreUnwritable:
    """Return what an error of SQLite's means for a person: refused by the system, or damaged."""
    name = "_".join(getattr(trouble, "sqlite_errorname", "").split("_")[:2])
    return (
        StoreUnwritable(str(path), str(trouble))
        if name in _REFUSED_BY_THE_SYSTEM
        else StoreDamaged(str(path))
    )
