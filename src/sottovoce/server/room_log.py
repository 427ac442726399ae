"""Appends on their way: gathered while a transaction is committed, they become one piece of the next.

One INSERT for all their messages, one COMMIT, one push for each room.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Final

from sottovoce.link import messages as m
from sottovoce.server.appending import Appended, Appender, Gathered
from sottovoce.server.session import Session
from sottovoce.server.store.segments import NewEntries
from sottovoce.server.store.store import Store
from sottovoce.server.store.writer import ENOUGH

_log: Final = logging.getLogger(__name__)

MAX_GATHERED: Final = 4096
"""Requests that are gathered into one piece of work."""


class RoomLog:
    """Appends messages. ``publish`` gets the new entries of one room, in their order, after COMMIT.

    What shares a transaction is of one time, that of ``clock`` (Unix seconds). Used on the event loop only.
    """

    def __init__(
        self,
        store: Store,
        appender: Appender,
        publish: Callable[[bytes, NewEntries], None],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._appender = appender
        self._publish = publish
        self._clock = clock
        self._gathered = Gathered()
        self._senders: list[Session] = []
        self._turn = -1
        store.when_rolled_back(appender.forget_all)

    def append(self, session: Session, request: m.Append) -> None:
        """Store messages in their order, all or none; after COMMIT the sender is answered."""
        if self._turn != self._store.turn or len(self._gathered) >= MAX_GATHERED:
            self._gather_anew()
        self._gathered.append((session.current_device.row, request))
        self._senders.append(session)
        if len(self._senders) == ENOUGH:
            self._store.look_again()

    def _gather_anew(self) -> None:
        gathered = self._gathered = Gathered()
        senders = self._senders = []

        def done(outcome: Appended | BaseException) -> None:
            if isinstance(outcome, BaseException):
                _answer(senders, gathered, [outcome] * len(gathered))
                return
            _answer(senders, gathered, outcome.outcomes)
            for room_id, new in outcome.new.items():
                self._publish(room_id, new)

        def work(db: sqlite3.Connection) -> Appended:
            return self._appender.append(db, gathered, int(self._clock() * 1000))

        self._store.submit(work, done, is_brief=True, pieces=gathered)
        self._turn = self._store.turn


def _answer(
    senders: list[Session], gathered: Gathered, outcomes: Sequence[list[int] | BaseException]
) -> None:
    for session, (_device, request), outcome in zip(senders, gathered, outcomes, strict=True):
        try:
            if isinstance(outcome, list):
                session.reply(m.AppendReply(request.id, outcome))
            else:
                session.refuse(request, outcome)
        except Exception as error:  # noqa: BLE001 - one sender's trouble is not the next one's silence
            _log.error("answering an append failed", extra={"fields": {"error": type(error).__name__}})
