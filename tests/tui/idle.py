"""When an app that a test drives has done what it was asked: its loop has nothing left to do.

Textual's pilot takes it for idle after 20 ms of little work. A process that is off the CPU for as long works
as little, and a test would go on before the app does.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

FRAME: Final = 0.02
"""Seconds: after so many, Textual has drawn what was changed before."""

PATIENCE: Final = 30.0
"""Seconds after which a loop is taken to be busy for ever."""


async def wait_for_idle(*_: float) -> None:
    """Wait until all that was begun is done or waits, is drawn, and what the drawing began is done too."""
    await _nothing_left()
    await asyncio.sleep(FRAME)
    await _nothing_left()


async def _nothing_left() -> None:
    """Wait until no callback is ready and no timer is due, however many turns of the loop it takes."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, asyncio.BaseEventLoop)
    deadline = time.monotonic() + PATIENCE
    await asyncio.sleep(0)
    while loop._ready:  # type: ignore[attr-defined] - what a loop has to do, it tells in no other way
        assert time.monotonic() < deadline, "the loop never had nothing to do"
        await asyncio.sleep(0)
