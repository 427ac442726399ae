"""Turns to commit: one queue a room, first come first served, each turn short and expiring.

In memory only: a turn is advice that saves retries; one commit per epoch is held by the store.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass


@dataclass(slots=True)
class _Waiting:
    holder: Hashable
    grant: Callable[[float], None]
    cancel: Callable[[], None]


@dataclass(slots=True)
class _Room:
    holder: Hashable
    expires_at: float
    queue: deque[_Waiting]


class Turns:
    """Who may commit next, in every room. The clock is an argument: seconds that only go forward.

    A holder is any hashable thing; here, a connection.
    """

    def __init__(self, lifetime: float) -> None:
        self._lifetime = lifetime
        self._rooms: dict[bytes, _Room] = {}

    def ask(
        self,
        room_id: bytes,
        holder: Hashable,
        *,
        grant: Callable[[float], None],
        cancel: Callable[[], None],
        now: float,
    ) -> None:
        """Join the queue: ``grant`` is called with the seconds the turn lasts when it has come, ``cancel``
        when the place is given up.

        At once when nobody holds the turn. Who asks again gains nothing, so that nobody keeps the others
        waiting for ever: a holder is told how long its turn still lasts, and who waits keeps the one place it
        has, its earlier request being given up.
        """
        self.expire(now)
        room = self._rooms.get(room_id)
        if room is None:
            self._rooms[room_id] = _Room(holder, now + self._lifetime, deque())
            grant(self._lifetime)
            return
        if room.holder is holder:
            grant(room.expires_at - now)
            return
        for waiting in room.queue:
            if waiting.holder is holder:
                given_up, waiting.grant, waiting.cancel = waiting.cancel, grant, cancel
                given_up()
                return
        room.queue.append(_Waiting(holder, grant, cancel))

    def give_back(self, room_id: bytes, holder: Hashable, now: float) -> None:
        """Pass the turn on if ``holder`` has it; places in the queue stay."""
        room = self._rooms.get(room_id)
        if room is not None and room.holder is holder:
            self._pass_on(room_id, room, now)

    def release(self, room_id: bytes, holder: Hashable, now: float) -> None:
        """Give up the place in the queue, and the turn; nothing happens to who has neither."""
        room = self._rooms.get(room_id)
        if room is None:
            return
        given_up = [waiting for waiting in room.queue if waiting.holder is holder]
        room.queue = deque(waiting for waiting in room.queue if waiting.holder is not holder)
        self.give_back(room_id, holder, now)
        for waiting in given_up:
            waiting.cancel()

    def release_all(self, holder: Hashable, now: float) -> None:
        """Give up whatever ``holder`` has in any room: it is gone."""
        for room_id in list(self._rooms):
            self.release(room_id, holder, now)

    def taken_for(self, room_id: bytes, holder: Hashable, now: float) -> float | None:
        """Seconds for which someone else may hold the turn; None when nobody else does."""
        self.expire(now)
        room = self._rooms.get(room_id)
        if room is None or room.holder is holder:
            return None
        return room.expires_at - now

    def expire(self, now: float) -> None:
        """Pass on every turn whose time is over."""
        for room_id in [room_id for room_id, room in self._rooms.items() if room.expires_at <= now]:
            room = self._rooms.get(room_id)
            if room is not None and room.expires_at <= now:
                self._pass_on(room_id, room, now)

    def _pass_on(self, room_id: bytes, room: _Room, now: float) -> None:
        if not room.queue:
            del self._rooms[room_id]
            return
        waiting = room.queue.popleft()
        room.holder = waiting.holder
        room.expires_at = now + self._lifetime
        waiting.grant(self._lifetime)
