"""The loop that draws goes first: as long as it has something to do, the SDK's loop waits with its next turn.

Python runs one thread at a time. A key takes several turns of the loop that draws until its letter is on the
screen, and before each of them a busy thread of the SDK would have to be waited for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextvars import Context
from selectors import DefaultSelector, SelectorKey
from typing import Final, TypeVarTuple

PATIENCE: Final = 0.02
"""Seconds that the SDK's loop waits at most; then it goes on, and waits no more until the other was idle."""

_STEP: Final = 0.001
"""Seconds from one look to the next."""

Arguments = TypeVarTuple("Arguments")
_Ready = list[tuple[SelectorKey, int]]


class Work:
    """What the loop that draws has to do: ``is_done`` while it waits for something.

    No event or lock: who draws would wait for it while a thread that holds it waits for the interpreter.
    """

    def __init__(self) -> None:
        self.is_done = True


class DrawingLoop(asyncio.SelectorEventLoop):
    """A loop that goes first; it is for the thread that draws."""

    def __init__(self) -> None:
        self.work: Final = Work()
        super().__init__(_Noting(self.work))

    def call_soon_threadsafe(
        self,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Give the loop something to do, such as a key that was read: from now on it is not idle."""
        self.work.is_done = False
        return super().call_soon_threadsafe(callback, *args, context=context)


def loop_after(first: asyncio.AbstractEventLoop) -> asyncio.AbstractEventLoop:
    """Make a loop for another thread, which lets ``first`` go first if that is a :class:`DrawingLoop`."""
    if isinstance(first, DrawingLoop):
        return asyncio.SelectorEventLoop(_GivingWay(first.work))
    return asyncio.new_event_loop()


class _Noting(DefaultSelector):
    """Notes when its loop has nothing to do: it waits here then."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self._work: Final = work

    def select(self, timeout: float | None = None) -> _Ready:
        """Wait for files, and be idle if that takes any time."""
        if timeout is None or timeout > 0:
            self._work.is_done = True
        try:
            return super().select(timeout)
        finally:
            self._work.is_done = False


class _GivingWay(DefaultSelector):
    """Lets its loop go on only when the other one is idle."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self._work: Final = work
        self._patience = PATIENCE

    def select(self, timeout: float | None = None) -> _Ready:
        """Wait for files, then for the other loop."""
        ready = super().select(timeout)
        patience = self._patience
        while not self._work.is_done and patience > 0:
            time.sleep(_STEP)
            patience -= _STEP
        self._patience = PATIENCE if self._work.is_done else 0.0
        return ready
