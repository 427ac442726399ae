"""One line of answers."""

from __future__ import annotations

import pytest
from screen_app import ScreenApp
from textual.app import ComposeResult
from textual.screen import Screen

from sottovoce.tui.safe_text import Safe
from sottovoce.tui.screens.either import Either


class _Screen(Screen[None]):
    def compose(self) -> ComposeResult:
        yield Either([Safe("one"), Safe("two"), Safe("three")], 1)


@pytest.mark.parametrize(
    ("keys", "taken"), [("right", 2), ("left", 0), ("space", 2), ("right right", 0), ("left left", 2)]
)
async def test_keys(keys: str, taken: int) -> None:
    async with ScreenApp(_Screen).run_test() as pilot:
        await pilot.press("tab", *keys.split())
        assert pilot.app.screen.query_one(Either).taken == taken


@pytest.mark.parametrize(("x", "taken"), [(0, 0), (4, 0), (9, 1), (12, 1), (16, 2), (22, 2), (60, 1)])
async def test_clicks(x: int, taken: int) -> None:
    async with ScreenApp(_Screen).run_test() as pilot:
        await pilot.click(Either, offset=(x, 0))
        assert pilot.app.screen.query_one(Either).taken == taken
