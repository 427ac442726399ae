"""The one thread that writes: group commit, and no answer before COMMIT has returned.

Work is a function of the connection. What has gathered while the last transaction was being committed becomes
the next transaction. Outcomes are delivered on the event loop, in the order the work was handed in, so that
whoever is told something hears of it in the log's order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sottovoce.errors import InternalError
from sottovoce.server.errors import Refused

Work = Callable[[sqlite3.Connection], Any]
"""Reads and writes inside a transaction. Raises :class:`Refused` only before it has written anything."""

OnDone = Callable[[Any], None]
"""Called on the event loop with the work's result, or with the exception that stands in its place."""

MAX_BATCH: Final = 512
"""How many pieces of work share one transaction at most."""

_log: Final = logging.getLogger(__name__)


class StoreFailure(InternalError):
    """The disk or the database failed; what was asked for is not stored."""


@dataclass(slots=True)
class _Item:
    work: Work
    on_done: OnDone
    outcome: Any = None


class Writer:
    """Runs work in transactions on a thread of its own.

    ``commit_interval`` (seconds) is the least time between the starts of two transactions: under load more
    work shares one fsync; a lone piece of work after a pause is committed at once.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        loop: asyncio.AbstractEventLoop,
        *,
        commit_interval: float = 0.0,
    ) -> None:
        self._connection = connection
        self._loop = loop
        self._interval = commit_interval
        self._waiting: deque[_Item] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._pause = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-writer")
        self._thread.start()

    def submit(self, work: Work, on_done: OnDone) -> None:
        """Queue ``work``; ``on_done`` is called once, after COMMIT or with the exception."""
        with self._wake:
            if self._closing:
                raise StoreFailure("the store is closed")
            self._waiting.append(_Item(work, on_done))
            self._wake.notify()

    async def write(self, work: Work) -> Any:
        """Run ``work`` and return its result once it is on disk. Raises what it raised, or StoreFailure."""
        future: asyncio.Future[Any] = self._loop.create_future()

        def settle(outcome: Any) -> None:
            if future.cancelled():
                return
            if isinstance(outcome, BaseException):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

        self.submit(work, settle)
        return await future

    def close(self) -> None:
        """Commit everything that was handed in, then end the thread and close the connection. Blocks."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._pause.set()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._closing:
                    self._wake.wait()
                if not self._waiting:
                    return
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_BATCH))]
            self._run_batch(batch)
            try:
                self._loop.call_soon_threadsafe(_deliver, batch)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return
            if self._interval > 0:
                self._pause.wait(self._interval)

    def _run_batch(self, batch: list[_Item]) -> None:
        """Run all of ``batch`` in one transaction; if that fails, each in its own, so one cannot fail all."""
        failure = self._transaction(batch)
        if failure is None:
            return
        for item in batch:
            failure = self._transaction([item])
            if failure is not None:
                _log.error("a write failed", extra={"fields": {"reason": failure}})
                item.outcome = StoreFailure("the server could not store this; nothing of it was kept")

    def _transaction(self, batch: list[_Item]) -> str | None:
        """Return None when COMMIT has returned, else the reason for the rollback."""
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            for item in batch:
                changes = connection.total_changes
                try:
                    item.outcome = item.work(connection)
                except Refused as refusal:
                    if connection.total_changes != changes:
                        raise InternalError("a refusal came after a write") from refusal
                    item.outcome = refusal
            connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing may be acknowledged
            with contextlib.suppress(sqlite3.Error):  # it may have rolled back by itself
                connection.execute("ROLLBACK")
            return f"{type(error).__name__}: {error}"
        return None


def _deliver(batch: list[_Item]) -> None:
    for item in batch:
        try:
            item.on_done(item.outcome)
        except Exception as error:  # noqa: BLE001 - one listener's bug is not the next one's silence
            _log.error("telling an outcome failed", extra={"fields": {"error": type(error).__name__}})
