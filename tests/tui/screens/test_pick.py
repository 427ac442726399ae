"""Choosing one thing of many."""

from __future__ import annotations

import pytest
from screen_app import shown
from screen_samples import MESSAGE, URL, ZONES
from snapshots import screen_lines

from sottovoce.tui.safe_text import Safe
from sottovoce.tui.screens.message_actions import LINK, MessageAction, MessageActions
from sottovoce.tui.screens.pick import Item, Pick


@pytest.mark.parametrize(
    ("keys", "result"),
    [
        ("enter", "Europe/Oslo"),
        ("down enter", "Europe/Paris"),
        ("up enter", "Europe/Madrid"),
        ("k y i enter", "Europe/Kyiv"),
        ("e u r o space l i s enter", "Europe/Lisbon"),
        ("z z enter escape", None),
        ("escape", None),
    ],
)
async def test_a_long_list(keys: str, result: str | None) -> None:
    async with shown(lambda: Pick(Safe("Time zone"), ZONES, taken="Europe/Oslo")) as (app, pilot, _):
        await pilot.press(*keys.split())
        await pilot.pause()
        assert app.results == [result]


async def test_what_is_not_there_is_said() -> None:
    async with shown(lambda: Pick(Safe("Time zone"), ZONES)) as (app, pilot, _):
        assert "Nothing is called that" not in "\n".join(screen_lines(app))
        await pilot.press("z", "z")
        await pilot.pause()
        assert "Nothing is called that" in "\n".join(screen_lines(app))


@pytest.mark.parametrize("size", [(40, 12), (80, 24)])
async def test_the_last_of_many_comes_into_sight(size: tuple[int, int]) -> None:
    items = [Item(str(at), Safe(f"item {at}")) for at in range(200)]
    async with shown(lambda: Pick(Safe("Many"), items, taken="199"), size) as (app, pilot, _):
        await pilot.pause()
        assert "item 199" in "\n".join(screen_lines(app))


async def test_markup_in_a_label_is_text() -> None:
    async with shown(lambda: Pick(Safe("x"), [Item("a", Safe("[b]bold[/b]"), Safe("[red]r"))])) as (
        app,
        _,
        _,
    ):
        assert "[b]bold[/b]  [red]r" in "\n".join(screen_lines(app))


@pytest.mark.parametrize(
    ("keys", "result"),
    [
        ("enter", MessageAction.COPY.value),
        ("down enter", f"{LINK}0"),
        ("down down enter", MessageAction.XRAY.value),
        ("up enter", MessageAction.MEMBER.value),
    ],
)
async def test_the_actions_of_a_message(keys: str, result: str) -> None:
    async with shown(lambda: MessageActions(MESSAGE, [URL])) as (app, pilot, _):
        await pilot.press(*keys.split())
        await pilot.pause()
        assert app.results == [result]
