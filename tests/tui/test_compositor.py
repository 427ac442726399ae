"""What a frame asks of which widgets, in the main view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from snapshots import screen_lines
from test_chat_screen import CREW, LINES, OneChat, message, opened
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import OptionList

from sottovoce.tui import view
from sottovoce.tui.widgets.composer_field import ComposerField
from sottovoce.tui.widgets.status_line import StatusLine
from sottovoce.tui.widgets.timeline import Timeline


def count_rows(monkeypatch: pytest.MonkeyPatch, *kinds: type[Widget]) -> Counter[str]:
    """Return how many rows widgets of these kinds are asked for, from now on."""
    rows: Counter[str] = Counter()

    def counting(render: Callable[[Widget, Region], list[Strip]]) -> Callable[[Widget, Region], list[Strip]]:
        def counted(widget: Widget, crop: Region) -> list[Strip]:
            rows[type(widget).__name__] += crop.height
            return render(widget, crop)

        return counted

    for kind in kinds:
        monkeypatch.setattr(kind, "render_lines", counting(kind.render_lines))
    return rows


async def test_a_letter_draws_its_own_row_alone_before_messages_that_have_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = OneChat(opened())
    async with app.run_test(size=(160, 48)) as pilot:
        await pilot.pause()
        rows = count_rows(monkeypatch, ComposerField, Timeline, OptionList, StatusLine)
        app.chat.hear(view.News(room_id=CREW, lines=(message(6, "bob", "Quick!", 31),)))
        await app.chat.composer.query_one(ComposerField).on_event(events.Key("x", "x"))
        assert rows == {"ComposerField": 1}
        await pilot.pause()
        assert rows["Timeline"] > 1
        assert rows["OptionList"] == 0
        assert any("Quick!" in line for line in screen_lines(app))


async def test_a_letter_that_takes_another_row_is_drawn_with_all_that_moves() -> None:
    app = OneChat(opened())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        before = app.chat.composer.size.height
        await pilot.press(*["x"] * 120)
        await pilot.pause()
        assert app.chat.composer.size.height == before + 1
        assert sum(line.count("x") for line in screen_lines(app)) == 120


async def test_a_frame_of_a_part_leaves_what_a_frame_of_all_does() -> None:
    app = OneChat(opened(LINES))
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        await pilot.press("f", "o", "u", "r")
        app.chat.hear(view.News(room_id=CREW, lines=(message(6, "bob", "More.", 31),)))
        await pilot.pause()
        parts = screen_lines(app)
        app.chat.refresh()
        await pilot.pause()
        assert screen_lines(app) == parts
