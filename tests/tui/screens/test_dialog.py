"""What all modal screens share: the frame, its keys, and that text is text."""

from __future__ import annotations

import pytest
from screen_app import shown
from snapshots import screen_lines
from textual import events
from textual.app import ComposeResult
from textual.widgets import Button

from sottovoce.tui.safe_text import Safe
from sottovoce.tui.screens.dialog import Choice, Dialog, paragraph

_MARKUP = Safe("[red]x[/red] [@click=app.quit]y[/]")


class _Sample(Dialog[str]):
    def __init__(self, rows: int = 1) -> None:
        super().__init__(
            _MARKUP, [Choice("one", Safe("One")), Choice("two", Safe("[b]Two[/b]"))], hint="some hint"
        )
        self._rows = rows

    def compose_body(self) -> ComposeResult:
        yield paragraph(Safe("\n".join([_MARKUP, *(f"row {at}" for at in range(self._rows))])))

    def choose(self, choice_id: str) -> None:
        self.dismiss(choice_id)


async def test_markup_in_any_text_is_shown_as_it_is() -> None:
    async with shown(_Sample) as (app, _, _):
        text = "\n".join(screen_lines(app))
        assert text.count(_MARKUP) == 2
        assert "[b]Two[/b]" in text


@pytest.mark.parametrize(
    ("keys", "result"), [(("enter",), "one"), (("right", "enter"), "two"), (("escape",), None)]
)
async def test_keys(keys: tuple[str, ...], result: str | None) -> None:
    async with shown(_Sample) as (app, pilot, _):
        await pilot.press(*keys)
        await pilot.pause()
        assert app.results == [result]


async def test_the_arrow_keys_go_round_the_buttons() -> None:
    async with shown(_Sample) as (app, pilot, _):
        for key, wanted in (("right", "two"), ("right", "one"), ("left", "two")):
            await pilot.press(key)
            assert app.screen.focused is app.screen.query_one(f"#{wanted}", Button)


async def test_keys_typed_at_once_meet_the_button_that_was_meant() -> None:
    async with shown(_Sample) as (app, pilot, _):
        for key in ("right", "enter"):
            app.post_message(events.Key(key, None))
        await pilot.pause()
        assert app.results == ["two"]


async def test_the_mouse() -> None:
    async with shown(_Sample) as (app, pilot, _):
        await pilot.click("#two")
        await pilot.pause()
        assert app.results == ["two"]


@pytest.mark.parametrize("size", [(40, 12), (80, 24)])
async def test_what_is_too_long_scrolls_and_says_so(size: tuple[int, int]) -> None:
    async with shown(lambda: _Sample(60), size) as (app, pilot, _):
        assert "PgUp PgDn more" in "\n".join(screen_lines(app))
        assert "row 59" not in "\n".join(screen_lines(app))
        for _ in range(10):
            await pilot.press("pagedown")
        await pilot.pause()
        assert "row 59" in "\n".join(screen_lines(app))
        await pilot.press(*["pageup"] * 10, "down")
        await pilot.pause()
        assert app.screen.query_one(".body").scroll_y == 1


async def test_a_narrow_window_has_the_whole_width_and_loses_no_key_to_leave() -> None:
    async with shown(_Sample, (30, 10)) as (app, _, _):
        lines = screen_lines(app)
        assert lines[0].startswith("╭")
        assert lines[-1].endswith("╯")
        assert "Esc close" in lines[-1]


async def test_growing_the_window_brings_the_frame_back_to_the_middle() -> None:
    async with shown(_Sample, (40, 12)) as (app, pilot, _):
        await pilot.resize_terminal(100, 30)
        await pilot.pause()
        assert app.screen.query_one(".frame").region.width == _Sample.WIDTH
