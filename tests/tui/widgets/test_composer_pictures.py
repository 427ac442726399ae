from __future__ import annotations

import pytest
from snapshots import check_screen
from textual import events
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Static

from sottovoce.tui.commands import slash_commands
from sottovoce.tui.safe_text import safe, safe_name
from sottovoce.tui.widgets.composer import Composer

LETTER = "Dear all,\nthis is a line that is longer than the forty columns of a small terminal.\n\nYours"


class ComposerApp(App[object]):
    CSS = "#timeline { height: 1fr; }"

    def compose(self) -> ComposeResult:
        yield Static("what was said\n" * 40, id="timeline")
        yield Composer()

    def on_mount(self) -> None:
        composer = self.query_one(Composer)
        composer.know(slash_commands(), [safe_name("Alice"), safe_name("Bob"), safe_name("Bonnie")])
        composer.focus()


async def test_several_rows() -> None:
    async def write(pilot: Pilot[object]) -> None:
        pilot.app.post_message(events.Paste(LETTER))
        await pilot.pause()

    await check_screen("composer_rows", ComposerApp, write)


@pytest.mark.parametrize(("name", "typed"), [("commands", "/"), ("emoji", "so :hea")])
async def test_what_is_offered(name: str, typed: str) -> None:
    async def write(pilot: Pilot[object]) -> None:
        await pilot.press(*typed)

    await check_screen(f"composer_{name}", ComposerApp, write)


async def test_what_came_back() -> None:
    async def write(pilot: Pilot[object]) -> None:
        reason = safe("Not sent: Bob's key has changed. Press F6 to see what to do.")
        pilot.app.query_one(Composer).take_back(b"", "See you at eight.", reason)
        await pilot.pause()

    await check_screen("composer_back", ComposerApp, write)
