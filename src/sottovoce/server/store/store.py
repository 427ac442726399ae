"""The store as the services see it: ``write``, ``submit`` and ``read``, given a function of a connection."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sized
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from sottovoce.server.store.checkpoints import Checkpointer
from sottovoce.server.store.database import (
    DATABASE_NAME,
    bring_up_to_date,
    open_connection,
)
from sottovoce.server.store.writer import Writer

READERS: Final = 2
"""Threads that read; each has its own connection and sees what was committed when its read began."""

T = TypeVar("T")


class Store:
    """The database of one data directory, which this process must hold (:class:`DirectoryLock`)."""

    def __init__(
        self, directory: Path, loop: asyncio.AbstractEventLoop, *, commit_interval: float = 0.0
    ) -> None:
        """Open or make it. Blocks; raises the ``DataDirectory`` errors of :mod:`sottovoce.server.errors`."""
        self._path = directory / DATABASE_NAME
        bring_up_to_date(self._path)
        self._undo: list[Callable[[], None]] = []
        connection = open_connection(self._path)
        self._checkpointer = Checkpointer(open_connection(self._path, read_only=True))
        self._writer = Writer(
            connection,
            loop,
            commit_interval=commit_interval,
            on_rollback=self._rolled_back,
            on_commit=self._checkpointer.committed,
        )
        self._loop = loop
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._reader: sqlite3.Connection | None = None

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in a write transaction; its result is on disk when this returns."""
        return cast("T", await self._writer.write(work))

    def submit(
        self,
        work: Callable[[sqlite3.Connection], T],
        on_done: Callable[[T | BaseException], None],
        *,
        is_brief: bool = False,
        pieces: Sized = (),
    ) -> None:
        """As :meth:`write`, with a callback: called in the order of submission, after COMMIT.

        ``is_brief`` and ``pieces``: see :meth:`Writer.submit`.
        """
        self._writer.submit(work, cast("Callable[[Any], None]", on_done), is_brief=is_brief, pieces=pieces)

    @property
    def turn(self) -> int:
        """See :attr:`Writer.turn`."""
        return self._writer.turn

    def look_again(self) -> None:
        """See :meth:`Writer.look_again`."""
        self._writer.look_again()

    def when_rolled_back(self, undo: Callable[[], None]) -> None:
        """Have ``undo`` called, on whichever thread it happens, when a transaction is undone."""
        self._undo.append(undo)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` on a connection that cannot write, off the event loop."""
        return await self._loop.run_in_executor(self._readers, self._read, work)

    def read_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work``, one or two lookups by key, on a connection that cannot write, at once and on this
        thread: a hop to another costs more than they do.
        """
        if self._reader is None:
            self._reader = self._open_reader()
        return work(self._reader)

    def close(self) -> None:
        """Commit what is queued, then close. Blocks."""
        self._writer.close()
        self._checkpointer.close()
        self._readers.shutdown()
        for connection in self._opened:
            connection.close()

    def _open_reader(self) -> sqlite3.Connection:
        connection = open_connection(self._path, read_only=True)
        self._opened.append(connection)
        return connection

    def _rolled_back(self) -> None:
        for undo in self._undo:
            undo()

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._open_reader()
        connection.execute("BEGIN")
        try:
            return work(connection)
        finally:
            connection.execute("COMMIT")
