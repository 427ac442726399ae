"""An app whose terminal only counts, and the CPU time of what is done to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot

from sottovoce.tui.idle_collection import IdleCollection

Results = dict[str, list[float]]
"""CPU seconds of each deed until its last frame was written, by the names of the deeds."""


class CountingDriver(HeadlessDriver):
    """Takes the escape sequences that a terminal would get, and notes when the last of them came."""

    last_write = 0.0  # thread CPU time

    @property
    def is_headless(self) -> bool:
        """False, so that Textual draws as for a terminal."""
        return False

    def write(self, data: str) -> None:  # noqa: ARG002 - what is written does not matter
        """Forget it."""
        self.last_write = time.thread_time()


class Stage:
    """A running app, to which things are done one at a time."""

    def __init__(self, pilot: Pilot[object]) -> None:
        driver = pilot.app._driver  # noqa: SLF001 - Textual has no other way to the driver
        if not isinstance(driver, CountingDriver):
            raise TypeError(driver)
        self.pilot = pilot
        self.results: Results = {}
        self._driver = driver

    async def do(self, name: str, deed: Callable[[], Awaitable[object] | object]) -> None:
        """Do it, wait until the app has nothing left to draw, and note what it cost."""
        begin = self._driver.last_write = time.thread_time()
        result = deed()
        if isinstance(result, Awaitable):
            await result
        await self.pilot.pause()
        self.results.setdefault(name, []).append(self._driver.last_write - begin)


def perform(app: App[None], size: tuple[int, int], play: Callable[[Stage], Awaitable[None]]) -> Results:
    """Run ``app`` on a screen of ``size`` cells while ``play`` does things to it; raise what that raises."""
    stages: list[Stage] = []
    failures: list[Exception] = []

    async def drive(pilot: Pilot[object]) -> None:
        try:
            await pilot.pause()
            stages.append(Stage(pilot))
            await play(stages[0])
        except Exception as failure:  # noqa: BLE001 - the task that Textual runs this in would swallow it
            failures.append(failure)
        pilot.app.exit()

    app.animation_level = "none"
    collection = IdleCollection()
    collection.begin()
    try:
        asyncio.run(app.run_async(size=size, mouse=False, auto_pilot=drive))
    finally:
        collection.end()
    if failures:
        raise failures[0]
    return stages[0].results
