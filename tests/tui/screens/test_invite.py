"""The invite: the whole link, copied as it is, and a picture of it where the window holds one."""

from __future__ import annotations

from datetime import UTC

import pytest
from screen_app import shown
from screen_samples import INVITE, LINK
from snapshots import screen_lines

from sottovoce.tui.qr import QrCode
from sottovoce.tui.screens.invite import InviteScreen
from sottovoce.tui.widgets.timeline_clock import Clock


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_the_whole_link_is_there(size: tuple[int, int]) -> None:
    async with shown(lambda: InviteScreen(INVITE), size) as (app, _, _):
        assert LINK in "".join(line.strip(" │") for line in screen_lines(app))


@pytest.mark.parametrize("how", ["c", "enter", "click"])
async def test_copying(how: str) -> None:
    async with shown(lambda: InviteScreen(INVITE)) as (app, pilot, _):
        await (pilot.click("#copy") if how == "click" else pilot.press(how))
        await pilot.pause()
        assert app.copied == [LINK]
        assert "Copied." in "\n".join(screen_lines(app))
        assert app.results == []


async def test_the_code_comes_and_goes_with_the_window() -> None:
    async with shown(lambda: InviteScreen(INVITE), (80, 24)) as (app, pilot, _):
        code = app.screen.query_one(QrCode)
        assert not code.is_drawn
        assert "needs a window of 64 columns by 35 rows" in "\n".join(screen_lines(app))
        await pilot.resize_terminal(64, 35)
        await pilot.pause()
        assert code.is_drawn
        await pilot.resize_terminal(63, 35)
        await pilot.pause()
        assert not code.is_drawn


async def test_until_when_it_is_good_by_the_clock_of_the_person() -> None:
    async with shown(lambda: InviteScreen(INVITE, clock=Clock(UTC, 12))) as (app, _, _):
        assert "until Sunday 29 November 2026, 2:05 pm" in "\n".join(screen_lines(app))
