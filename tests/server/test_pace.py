"""Steps in their order, some in each turn of the loop, and none lost when one fails."""

from __future__ import annotations

import asyncio

from sottovoce.server.pace import AT_ONCE_SECONDS, Pace


class SlowLoop:
    """The running loop with a clock that every look moves on by half of what a turn may take."""

    def __init__(self):
        self._now = 0.0
        self.call_soon = asyncio.get_running_loop().call_soon

    def time(self):
        self._now += AT_ONCE_SECONDS / 2
        return self._now


async def test_a_storm_of_steps_leaves_turns_of_the_loop_to_others():
    pace, done, others = Pace(SlowLoop()), [], []
    for number in range(10):
        pace.add(lambda number=number: done.append(number))
    while len(done) < 10:
        others.append(len(done))
        await asyncio.sleep(0)
    assert done == list(range(10))
    assert others == [0, 2, 4, 6, 8]


async def test_a_step_that_fails_does_not_stop_the_others():
    loop, failures, done = asyncio.get_running_loop(), [], asyncio.Event()
    loop.set_exception_handler(lambda _loop, context: failures.append(context["exception"]))
    pace = Pace(loop)

    def fail():
        raise OSError

    pace.add(fail)
    pace.add(done.set)
    await asyncio.wait_for(done.wait(), 10)
    assert [type(failure) for failure in failures] == [OSError]
