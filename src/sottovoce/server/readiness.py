"""Which connections can be read or written: asked for all at once, in rounds.

One selector of our own, watched by the event loop as one file: a connection costs the loop nothing, and how
often it is looked at is ours to say. When a round finds a crowd, the next one waits a little: each connection
then brings several requests for one look, one charge and one write of replies, instead of one.
"""

from __future__ import annotations

import asyncio
import logging
import selectors
import time
from collections import deque
from typing import Final, Protocol

CROWD: Final = 32
"""Connections that bring requests in one round, from which on the next round waits."""

PAUSE_FOR_EACH: Final = 50e-6
LONGEST_PAUSE: Final = 0.04
"""Seconds from the end of a crowd's round to the next: for each connection that brought requests; at most."""

AT_ONCE_SECONDS: Final = 0.01
"""For how long a round is worked on in one turn of the loop; whoever has begun is finished."""

_log: Final = logging.getLogger(__name__)


class Watched(Protocol):
    """A connection, as far as it waits for its socket."""

    def on_ready(self, events: int) -> bool:
        """Go on; ``events``: ``selectors.EVENT_READ | EVENT_WRITE``. Returns whether requests were read."""


class Readiness:
    """Tells connections when their sockets are ready. Used on the event loop only."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._selector = selectors.DefaultSelector()
        self._file = self._selector.fileno()
        self._ready: deque[tuple[selectors.SelectorKey, int]] = deque()
        self._brought = 0
        self._is_closed = False
        self._is_listening = False
        self._listen()

    def watch(self, descriptor: int, events: int, watched: Watched, *, was: int) -> None:
        """Tell ``watched`` of ``events`` (0: none) of its socket, which was watched for ``was`` before."""
        if not events:
            self._selector.unregister(descriptor)
        elif was:
            self._selector.modify(descriptor, events, watched)
        else:
            self._selector.register(descriptor, events, watched)

    def close(self) -> None:
        """Tell nobody any more; all are to be unwatched before."""
        self._is_closed = True
        self._ready.clear()
        self._be_still()
        self._selector.close()

    def _listen(self) -> None:
        if not self._is_listening and not self._is_closed:
            self._is_listening = True
            self._loop.add_reader(self._file, self._begin_round)

    def _be_still(self) -> None:
        if self._is_listening:
            self._is_listening = False
            self._loop.remove_reader(self._file)

    def _begin_round(self) -> None:
        self._ready.extend(self._selector.select(0))
        self._brought = 0
        self._go_on()

    def _go_on(self) -> None:
        """Work on the round for a while, then let the loop turn; pause after a crowd."""
        until = time.monotonic() + AT_ONCE_SECONDS
        while self._ready:
            key, events = self._ready.popleft()
            try:
                self._brought += key.data.on_ready(events)
            except Exception as error:  # noqa: BLE001 - one connection's trouble is not the next one's silence
                _log.error("serving a connection failed", extra={"fields": {"error": type(error).__name__}})
            if time.monotonic() > until:
                break
        if self._ready:
            self._be_still()
            self._loop.call_soon(self._go_on)
        elif self._brought >= CROWD:
            self._be_still()
            self._loop.call_later(min(self._brought * PAUSE_FOR_EACH, LONGEST_PAUSE), self._listen)
        else:
            self._listen()
