"""Telling whoever listens to a client what happens, however slowly they listen.

Nothing here grows without bound, and nobody is woken more often than they can show: of a room that changes
all the time, listeners hear once in :data:`REST` seconds, and at the end.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Final

from sottovoce.client.events import ClientEvent, RoomChanged

REST: Final = 0.03
"""Seconds between two :class:`~sottovoce.client.events.RoomChanged` of one room."""

MAX_WAITING: Final = 256
"""Other events that wait for one listener; the oldest go."""


class EventQueue:
    """The events that one listener has not taken yet: a changed room is in it once, however often it did."""

    def __init__(self, events: Iterable[ClientEvent] = ()) -> None:
        self._events: Final[deque[ClientEvent]] = deque(events, maxlen=MAX_WAITING)
        self._changed_rooms: Final[dict[bytes, RoomChanged]] = {}
        self._wake: Final = asyncio.Event()
        self._is_closed = False

    def put(self, event: ClientEvent) -> None:
        """Add an event."""
        if isinstance(event, RoomChanged):
            self._changed_rooms[event.room_id] = event
        else:
            self._events.append(event)
        self._wake.set()

    def close(self) -> None:
        """Nothing comes any more."""
        self._is_closed = True
        self._wake.set()

    async def get(self) -> ClientEvent | None:
        """Wait for the next event, changed rooms last; None once the queue is closed and empty."""
        while True:
            if self._events:
                return self._events.popleft()
            if self._changed_rooms:
                return self._changed_rooms.pop(next(iter(self._changed_rooms)))
            if self._is_closed:
                return None
            self._wake.clear()
            await self._wake.wait()


class Announcer:
    """Hands every event to every listener; the first listener gets those of before, too."""

    def __init__(self, early: Iterable[ClientEvent] = ()) -> None:
        self._early: EventQueue | None = EventQueue(early)
        self._listeners: Final[list[EventQueue]] = []
        self._resting: Final[dict[bytes, asyncio.TimerHandle]] = {}
        self._changed_since: Final[set[bytes]] = set()
        self._is_closed = False

    def emit(self, event: ClientEvent) -> None:
        """Hand out an event."""
        for queue in self._listeners if self._early is None else (self._early,):
            queue.put(event)

    def room_changed(self, room_id: bytes) -> None:
        """Hand out that a room changed: at once, or at the end of its rest."""
        if self._is_closed:
            return
        if room_id in self._resting:
            self._changed_since.add(room_id)
            return
        loop = asyncio.get_running_loop()
        self._resting[room_id] = loop.call_later(REST, self._end_rest, room_id)
        self.emit(RoomChanged(room_id))

    def _end_rest(self, room_id: bytes) -> None:
        del self._resting[room_id]
        if room_id in self._changed_since:
            self._changed_since.remove(room_id)
            self.room_changed(room_id)

    async def listen(self) -> AsyncIterator[ClientEvent]:
        """Every event from now on, until :meth:`close`."""
        queue, self._early = self._early or EventQueue(), None
        self._listeners.append(queue)
        if self._is_closed:
            queue.close()
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._listeners.remove(queue)

    def close(self) -> None:
        """End every listener's iteration, once it has had what waits for it."""
        self._is_closed = True
        for timer in self._resting.values():
            timer.cancel()
        for queue in self._listeners:
            queue.close()
