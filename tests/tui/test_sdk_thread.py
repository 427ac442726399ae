import asyncio
import threading

import pytest

from sottovoce.tui.sdk_thread import SdkThread


async def test_work_is_done_on_another_thread_and_its_result_and_errors_come_back() -> None:
    thread = SdkThread()

    async def where() -> str:
        return threading.current_thread().name

    async def fail() -> None:
        raise ValueError("no")

    assert await thread.call(where()) == "sdk"
    with pytest.raises(ValueError, match="no"):
        await thread.call(fail())
    await thread.close()


async def test_what_is_told_is_heard_on_the_loop_that_draws_before_the_next_is_told() -> None:
    thread, heard = SdkThread(), []
    here = threading.current_thread()

    async def tell() -> None:
        for number in range(3):
            await thread.tell(
                lambda number=number: heard.append((number, threading.current_thread() is here))
            )

    await thread.call(tell())
    assert heard == [(0, True), (1, True), (2, True)]
    await thread.close()


async def test_closing_cancels_what_is_left() -> None:
    thread, ended = SdkThread(), threading.Event()
    begun = threading.Event()

    async def wait_for_ever() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = asyncio.ensure_future(thread.call(wait_for_ever()))
    assert await asyncio.to_thread(begun.wait, 60)
    await thread.close()
    assert ended.is_set()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_call_from_outside_needs_no_loop_that_draws() -> None:
    thread, done = SdkThread(), []

    async def work() -> None:
        done.append(threading.current_thread().name)

    thread.call_from_outside(work, 10)  # this loop stands still meanwhile
    assert done == ["sdk"]
    await thread.close()
    thread.call_from_outside(work, 10)
    assert done == ["sdk"]


async def test_a_call_from_outside_does_not_wait_for_ever() -> None:
    thread = SdkThread()

    async def wait_for_ever() -> None:
        await asyncio.Event().wait()

    thread.call_from_outside(wait_for_ever, 0.01)
    await thread.close()
