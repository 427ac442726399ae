"""Appends on their way: gathered while a transaction is committed, they become one piece of the next.

One INSERT for all their messages, one COMMIT, one push for each room.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from sottovoce.link import messages as m
from sottovoce.server.appending import Appender, Gathered, PendingAppend
from sottovoce.server.session import Session
from sottovoce.server.store.segments import NewEntries
from sottovoce.server.store.store import Store

_log: Final = logging.getLogger(__name__)

MAX_GATHERED: Final = 4096
"""Requests that are gathered into one piece of work."""


class RoomLog:
    """Appends messages. ``publish`` gets the new entries of one room, in their order, after COMMIT.

    Used on the event loop only.
    """

    def __init__(
        self, store: Store, appender: Appender, publish: Callable[[bytes, NewEntries], None]
    ) -> None:
        self._store = store
        self._appender = appender
        self._publish = publish
        self._gathered = Gathered()
        self._senders: list[Session] = []
        self._turn = -1
        store.when_rolled_back(appender.forget_all)

    def append(self, session: Session, request: m.Append, now_ms: int) -> None:
        """Store messages in their order, all or none; after COMMIT the sender is answered."""
        if self._turn != self._store.turn or len(self._gathered) >= MAX_GATHERED:
            self._gather_anew()
        self._gathered.append(PendingAppend(session.current_device.row, request, now_ms))
        self._senders.append(session)

    def _gather_anew(self) -> None:
        gathered = self._gathered = Gathered()
        senders = self._senders = []

        def done(outcome: dict[bytes, NewEntries] | BaseException) -> None:
            failure = outcome if isinstance(outcome, BaseException) else None
            for session, pending in zip(senders, gathered, strict=True):
                _answer(session, pending.request, failure or pending.outcome)
            if not isinstance(outcome, BaseException):
                for room_id, new in outcome.items():
                    self._publish(room_id, new)

        self._store.submit(
            lambda db: self._appender.append(db, gathered), done, is_brief=True, pieces=gathered
        )
        self._turn = self._store.turn


def _answer(session: Session, request: m.Append, result: list[int] | BaseException) -> None:
    try:
        if isinstance(result, BaseException):
            session.refuse(request, result)
        else:
            session.reply(m.AppendReply(request.id, result))
    except Exception as error:  # noqa: BLE001 - one sender's trouble is not the next one's silence
        _log.error("answering an append failed", extra={"fields": {"error": type(error).__name__}})
