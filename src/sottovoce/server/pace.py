"""Costly steps of many connections, a little at a time, so that a storm of them does not stall messages."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

AT_ONCE_SECONDS: Final = 0.002
"""For how long steps are done in one turn of the loop; a step that has begun is finished."""


class Pace:
    """Does steps in the order they came, some in each turn of the loop. Used on the event loop only."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._steps: deque[Callable[[], None]] = deque()
        self._is_due = False

    def add(self, step: Callable[[], None]) -> None:
        """Do ``step`` when its turn comes, in this turn of the loop at the earliest."""
        self._steps.append(step)
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        until = self._loop.time() + AT_ONCE_SECONDS
        try:
            while self._steps:
                self._steps.popleft()()
                if self._loop.time() >= until:
                    break
        finally:
            self._is_due = bool(self._steps)
            if self._is_due:
                self._loop.call_soon(self._go_on)
