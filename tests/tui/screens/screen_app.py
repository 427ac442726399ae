"""An app that shows one modal screen and remembers what came out of it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any  # screens of every result

from idle import PATIENCE
from textual.app import App
from textual.message import Message
from textual.pilot import Pilot
from textual.screen import Screen

from sottovoce.tui import themes


class ScreenApp(App[None]):
    """Shows what ``make`` makes. ``results``: what the screen was dismissed with, once it was."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, make: Callable[[], Screen[Any]]) -> None:
        super().__init__()
        self.make = make
        self.results: list[Any] = []
        self.copied: list[str] = []

    def on_mount(self) -> None:
        for theme in themes.THEMES:
            self.register_theme(theme)
        self.theme = themes.DARK.name
        self.push_screen(self.make(), self.results.append)

    def copy_to_clipboard(self, text: str) -> None:
        self.copied.append(text)


@asynccontextmanager
async def shown(
    make: Callable[[], Screen[Any]], size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[ScreenApp, Pilot[None], list[Message]]]:
    """Run the app; the third value collects the messages that its screens and widgets handle."""
    messages: list[Message] = []
    app = ScreenApp(make)
    app.animation_level = "none"
    async with app.run_test(size=size, message_hook=messages.append) as pilot:
        await pilot.pause()
        yield app, pilot, messages


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Wait for what workers do."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        await pilot.pause(0.01)
