"""Comparing numbers: nothing is decided by a key too many, and a difference is explained."""

from __future__ import annotations

import pytest
from screen_app import shown
from screen_samples import CHANGED_NUMBER, DIGITS, NUMBER
from snapshots import screen_lines

from sottovoce.tui.qr import QrCode
from sottovoce.tui.screens.safety_number import NumbersDiffer, SafetyNumberScreen, Verdict


@pytest.mark.parametrize("size", [(40, 12), (80, 24)])
async def test_three_rows_of_four_groups(size: tuple[int, int]) -> None:
    async with shown(lambda: SafetyNumberScreen(NUMBER), size) as (app, _, _):
        groups = DIGITS.split()
        text = "\n".join(screen_lines(app))
        for at in (0, 4, 8):
            assert " ".join(groups[at : at + 4]) in text
        assert app.screen.query_one(QrCode).is_drawn is (size == (80, 24))


@pytest.mark.parametrize(
    ("keys", "result"), [("enter", None), ("left enter", Verdict.SAME), ("right right enter", Verdict.SAME)]
)
async def test_the_verdict(keys: str, result: Verdict | None) -> None:
    async with shown(lambda: SafetyNumberScreen(NUMBER)) as (app, pilot, _):
        await pilot.press(*keys.split())
        await pilot.pause()
        assert app.results == [result]


async def test_a_difference_is_explained_before_it_is_the_result() -> None:
    async with shown(lambda: SafetyNumberScreen(NUMBER)) as (app, pilot, _):
        await pilot.press("right", "enter")
        await pilot.pause()
        assert isinstance(app.screen, NumbersDiffer)
        assert app.results == []
        await pilot.press("enter")
        await pilot.pause()
        assert app.results == [Verdict.DIFFERENT]


async def test_a_changed_key_looks_like_what_it_is() -> None:
    async with shown(lambda: SafetyNumberScreen(CHANGED_NUMBER)) as (app, _, _):
        assert app.screen.has_class("-alarm")
        assert "The key of dave has changed" in screen_lines(app)[1] + screen_lines(app)[0]


async def test_what_was_compared_before_is_said() -> None:
    async with shown(lambda: SafetyNumberScreen(NUMBER, is_verified=True)) as (app, _, _):
        assert "✓ You have compared it" in "\n".join(screen_lines(app))
