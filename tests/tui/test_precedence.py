"""The loop that draws goes first, and cannot stop the other one."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sottovoce.tui import precedence
from sottovoce.tui.precedence import DrawingLoop, loop_after


@contextmanager
def running(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Run a loop in a thread of its own."""
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def draw_something(done: list[str]) -> None:
    time.sleep(0.002)  # lets go of the interpreter: nothing but the rule keeps the other thread
    done.append("drawing")


def test_the_other_loop_has_its_turn_when_the_drawing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "PATIENCE", 60.0)
    first, done = DrawingLoop(), []
    second = loop_after(first)

    async def draw() -> None:
        came = asyncio.Event()

        def come() -> None:
            done.append("the other")
            first.call_soon_threadsafe(came.set)

        second.call_soon_threadsafe(come)
        for _ in range(10):
            draw_something(done)
            await asyncio.sleep(0)
        await came.wait()

    with running(second):
        first.run_until_complete(draw())
        first.work.is_done = True
    first.close()
    assert done == ["drawing"] * 10 + ["the other"]


def test_a_key_that_was_read_is_something_to_do() -> None:
    loop = DrawingLoop()
    assert loop.work.is_done
    loop.call_soon_threadsafe(print)
    assert not loop.work.is_done
    loop.close()


def test_drawing_without_end_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "PATIENCE", 0.001)
    first = DrawingLoop()
    second = loop_after(first)
    first.work.is_done = False
    assert second.run_until_complete(asyncio.sleep(0, "done")) == "done"
    second.close()
    first.close()


def test_after_another_kind_of_loop_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "PATIENCE", 60.0)
    first = asyncio.new_event_loop()
    second = loop_after(first)
    assert second.run_until_complete(asyncio.sleep(0, "done")) == "done"
    second.close()
    first.close()
