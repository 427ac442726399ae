from __future__ import annotations

import sys
from pathlib import Path

import pytest
from rich.color import Color

sys.path.insert(0, str(Path(__file__).parent))

from timeline_samples import TimelineApp, message, page

from sottovoce.tui.themes import THEMES
from sottovoce.tui.widgets.timeline_block import SENDER_COLOURS, Role
from sottovoce.tui.widgets.timeline_styles import CHOSEN, MARKER, make_palette

READABLE = 4.5  # WCAG 2.2, level AA


def luminance(colour: Color) -> float:
    parts = [part / 255 for part in colour.get_truecolor()]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
async def test_everything_can_be_read_in_every_theme(theme) -> None:
    app = TimelineApp(page(message(1)))
    async with app.run_test(size=(40, 10)) as pilot:
        app.register_theme(theme)
        app.theme = theme.name
        await pilot.pause()
        palette = make_palette(app.timeline)
        for name, style in palette.items():
            if name != CHOSEN:
                assert contrast(style.color, style.bgcolor) >= READABLE, name
        senders = {palette[f"sender-{number}"].color for number in range(SENDER_COLOURS)}
        assert len(senders) == SENDER_COLOURS
        for name, style in palette.items():
            if name not in (MARKER, Role.ALARM):  # these keep their own background
                assert contrast(style.color, palette[CHOSEN].bgcolor) >= 3, f"{name}, chosen"


async def test_a_theme_may_choose_the_colours_of_senders() -> None:
    app = TimelineApp(page(message(1)))
    async with app.run_test(size=(40, 10)) as pilot:
        app.get_theme_variable_defaults = lambda: {"sender-1": "#123456"}
        app.refresh_css()
        await pilot.pause()
        assert make_palette(app.timeline)["sender-0"].color == Color.parse("#123456")
