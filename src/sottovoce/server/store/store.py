"""The store as the services see it: ``write``, ``submit`` and ``read``, given a function of a connection."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar, cast

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
        self._writer = Writer(open_connection(self._path), loop, commit_interval=commit_interval)
        self._loop = loop
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in a write transaction; its result is on disk when this returns."""
        return cast("T", await self._writer.write(work))

    def submit(
        self, work: Callable[[sqlite3.Connection], T], on_done: Callable[[T | BaseException], None]
    ) -> None:
        """As :meth:`write`, with a callback: called in the order of submission, after COMMIT."""
        self._writer.submit(work, cast("Callable[[Any], None]", on_done))

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` on a connection that cannot write, off the event loop."""
        return await self._loop.run_in_executor(self._readers, self._read, work)

    def close(self) -> None:
        """Commit what is queued, then close. Blocks."""
        self._writer.close()
        self._readers.shutdown()
        for connection in self._opened:
            connection.close()

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = open_connection(self._path, read_only=True)
            self._opened.append(connection)
        connection.execute("BEGIN")
        try:
            return work(connection)
        finally:
            connection.execute("COMMIT")
