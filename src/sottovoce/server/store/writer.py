"""Group commit: one transaction at a time, and no answer before COMMIT has returned.

Work is a function of the connection. What has gathered while the last transaction was being committed becomes
the next one. Brief work runs on the event loop, where nothing contends with it for the interpreter; work that
may take long runs on the writer's thread, as does COMMIT, which waits for the disk. Outcomes are delivered on
the event loop, in the order the work was handed in: whoever is told something hears it in the log's order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sized
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Final

from sottovoce.errors import InternalError
from sottovoce.server.errors import Refused
from sottovoce.server.store.gathering import Gathering

Work = Callable[[sqlite3.Connection], Any]
"""Reads and writes inside a transaction. Raises :class:`Refused` only before it has written anything."""

OnDone = Callable[[Any], None]
"""Called on the event loop with the work's result, or with the exception that stands in its place."""

MAX_BATCH: Final = 8192
"""How many pieces of work share one transaction at most; a piece may count for several."""

ENOUGH: Final = 32
"""Pieces of work that are worth a transaction before the interval has passed."""

FEW: Final = 256
"""Pieces of work that may begin before the outcomes of the last transaction are told: some milliseconds."""

_TIMER_STEP: Final = 0.001
"""Seconds: uvloop's timers are no finer. One that is set for less than half of it would spin."""

_log: Final = logging.getLogger(__name__)


class StoreFailure(InternalError):
    """The disk or the database failed; what was asked for is not stored."""


@dataclass(slots=True)
class _Item:
    work: Work
    on_done: OnDone
    is_brief: bool
    pieces: Sized
    outcome: Any = None


class Writer:
    """Runs work in transactions. Used on the event loop only, but for its own thread.

    ``commit_interval`` (seconds) is the least time between the starts of two transactions, or a quarter of it
    once :data:`ENOUGH` waits, so that more work shares one fsync; a lone piece of work after a pause is
    committed at once. While each turn of the loop brings more, the next transaction waits some multiple of
    what the last one cost: under overload more and more work shares it, and what it takes to tell it.
    ``on_rollback`` is called, wherever the transaction ran, when what it did is undone; ``on_commit`` after
    each COMMIT, with the number of rows written so far.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        loop: asyncio.AbstractEventLoop,
        *,
        commit_interval: float = 0.0,
        on_rollback: Callable[[], None] = lambda: None,
        on_commit: Callable[[int], None] = lambda _rows: None,
    ) -> None:
        self._connection = connection
        self._loop = loop
        self._interval = commit_interval
        self._on_rollback = on_rollback
        self._on_commit = on_commit
        self._waiting: deque[_Item] = deque()
        self._is_under_way = False
        self._gathering = Gathering(MAX_BATCH)
        self._began = -commit_interval
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False
        self._jobs: SimpleQueue[tuple[list[_Item], str | None, bool] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store-writer")
        self._thread.start()
        self.turn = 0
        """Changes when other work is handed in, a transaction begins or the writer is closed: what is
        gathered under one value may run as one piece of work without overtaking anything."""

    def submit(self, work: Work, on_done: OnDone, *, is_brief: bool = False, pieces: Sized = ()) -> None:
        """Queue ``work``; ``on_done`` is called once, after COMMIT or with the exception.

        ``is_brief``: at most a few microseconds for each of its ``pieces``, and no large reads.
        """
        if self._closing:
            raise StoreFailure("the store is closed")
        self.turn += 1
        self._waiting.append(_Item(work, on_done, is_brief, pieces))
        self._begin_soon()

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
        self._closing = True
        self.turn += 1  # nothing joins what is committed here
        self._jobs.put(None)
        self._thread.join()
        while self._waiting:
            batch = self._next_batch()
            self._commit(batch, self._execute(batch), is_executed=True)
            self._loop.call_soon(_deliver, batch)
        self._connection.close()

    # --- on the event loop ---------------------------------------------------------------------------------

    def look_again(self) -> None:
        """What was handed in has grown to :data:`ENOUGH`, or more was: it may be time for a transaction."""
        if self._timer is not None:
            self._timer.cancel()
            self._begin_when_due()

    def _begin_soon(self) -> None:
        """Begin a transaction at the end of this turn of the loop, or when the interval has passed."""
        if self._gathering.is_under_way:
            self.look_again()
        elif not self._is_under_way:
            self._gathering.begin()
            self._begin_when_due()

    def _begin_when_due(self) -> None:
        self._timer = None
        if self._is_time(pieces := self._pieces()):
            self._loop.call_soon(self._begin_when_gathered)
        else:
            delay = self._began + self._least_interval(pieces) - self._loop.time()
            self._timer = self._loop.call_later(delay, self._begin_when_due)

    def _is_time(self, pieces: int) -> bool:
        return self._loop.time() >= self._began + self._least_interval(pieces) - _TIMER_STEP / 2

    def _least_interval(self, pieces: int) -> float:
        """Seconds from the last transaction's begin to one of so many pieces."""
        return self._interval / 4 if pieces >= ENOUGH else self._interval

    def _pieces(self) -> int:
        return sum(1 + len(item.pieces) for item in self._waiting)

    def _begin_when_gathered(self) -> None:
        """Begin once a turn of the loop has brought nothing new, or enough time has gone by."""
        if self._gathering.goes_on(self._pieces(), self._loop.time()):
            self._loop.call_soon(self._begin_when_gathered)
        else:
            self._begin()

    def _begin(self) -> None:
        self._gathering.end()
        if self._closing or not self._waiting:
            return
        self.turn += 1
        self._is_under_way = True
        self._began = self._loop.time()
        batch = self._next_batch()
        is_executed = all(item.is_brief for item in batch)
        failure = self._execute(batch) if is_executed else None
        self._gathering.ran(self._loop.time() - self._began)
        self._jobs.put((batch, failure, is_executed))

    def _next_batch(self) -> list[_Item]:
        batch: list[_Item] = []
        pieces = 0
        while self._waiting and pieces < MAX_BATCH:
            item = self._waiting.popleft()
            pieces += 1 + len(item.pieces)
            batch.append(item)
        return batch

    def _finished(self, batch: list[_Item]) -> None:
        """Tell the outcomes; a little that has come meanwhile begins first: its COMMIT runs beside."""
        self._is_under_way = False
        if self._waiting and self._is_time(pieces := self._pieces()) and pieces <= FEW:
            self._begin()
        began = self._loop.time()
        _deliver(batch)
        self._gathering.told(self._loop.time() - began)
        if self._waiting:
            self._begin_soon()

    # --- on the writer's thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            batch, failure, is_executed = job
            self._commit(batch, failure, is_executed=is_executed)
            try:
                self._loop.call_soon_threadsafe(self._finished, batch)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return

    def _commit(self, batch: list[_Item], failure: str | None, *, is_executed: bool) -> None:
        """Finish the one transaction of ``batch``; if that fails, each in its own, so one cannot fail all.

        A piece of work stays whole. Gathered appends fail together on a full disk, though some of them alone
        might still have fitted: each is refused, none is acknowledged, and a disk so full takes little more.
        """
        if not is_executed:
            failure = self._execute(batch)
        if failure is None:
            failure = self._end()
        if failure is None:
            return
        for item in batch:
            failure = self._execute([item]) or self._end()
            if failure is not None:
                _log.error("a write failed", extra={"fields": {"reason": failure}})
                item.outcome = StoreFailure("the server could not store this; nothing of it was kept")

    # --- a transaction -------------------------------------------------------------------------------------

    def _execute(self, batch: list[_Item]) -> str | None:
        """Do everything up to COMMIT; returns None, or the reason for the rollback."""
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
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing may be acknowledged
            return self._rolled_back(error)
        return None

    def _end(self) -> str | None:
        """COMMIT; returns None when it has returned, or the reason for the rollback."""
        try:
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing may be acknowledged
            return self._rolled_back(error)
        self._on_commit(self._connection.total_changes)
        return None

    def _rolled_back(self, error: Exception) -> str:
        with contextlib.suppress(sqlite3.Error):  # it may have rolled back by itself
            self._connection.execute("ROLLBACK")
        self._on_rollback()
        return f"{type(error).__name__}: {error}"


def _deliver(batch: list[_Item]) -> None:
    for item in batch:
        try:
            item.on_done(item.outcome)
        except Exception as error:  # noqa: BLE001 - one listener's bug is not the next one's silence
            _log.error("telling an outcome failed", extra={"fields": {"error": type(error).__name__}})
