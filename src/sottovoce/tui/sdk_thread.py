"""A thread with an event loop of its own, where the SDK's crypto, disk and network run.

The loop that draws never waits for them: it awaits :meth:`SdkThread.call`, and what happens on the other
side by itself comes over by :meth:`SdkThread.tell`.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import wait
from typing import Final, TypeVar

from sottovoce.tui.precedence import loop_after

Result = TypeVar("Result")

SWITCH_INTERVAL: Final = 0.0002
"""Seconds that Python lets a busy thread go on while another waits: a key that is typed waits no longer."""


class SdkThread:
    """Made and used on the loop that draws; ``call`` and ``close`` are for that loop alone."""

    def __init__(self) -> None:
        self._home: Final = asyncio.get_running_loop()
        self._context: Final = contextvars.copy_context()  # Textual finds its app there
        self._loop: Final = loop_after(self._home)
        self._thread: Final = threading.Thread(target=self._run, name="sdk", daemon=True)
        self._thread.start()
        sys.setswitchinterval(SWITCH_INTERVAL)

    async def call(self, work: Coroutine[None, None, Result]) -> Result:
        """Do ``work`` over there and return or raise what it does; being cancelled cancels it."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def call_from_outside(
        self, make_work: Callable[[], Coroutine[None, None, object]], patience: float
    ) -> None:
        """Do work over there, from any thread but that one, and wait at most ``patience`` seconds for it.

        Does nothing after :meth:`close`.
        """
        work = make_work()
        try:
            wait((asyncio.run_coroutine_threadsafe(work, self._loop),), patience)
        except RuntimeError:  # the loop is closed
            work.close()

    async def tell(self, hear: Callable[[], None]) -> None:
        """From over there: have ``hear`` called on the loop that draws, and wait until it was.

        The waiting is what keeps a busy screen from being told more than it can show.
        """
        heard = asyncio.Event()

        def hear_and_answer() -> None:
            try:
                hear()
            finally:
                self._loop.call_soon_threadsafe(heard.set)

        self._home.call_soon_threadsafe(hear_and_answer, context=self._context)
        await heard.wait()

    async def close(self) -> None:
        """End the thread; nothing may be under way in it any more."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            _cancel_all(self._loop)
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    left: set[asyncio.Task[object]] = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    done: Awaitable[list[object]] = asyncio.gather(*left, return_exceptions=True)
    if left:
        loop.run_until_complete(done)
