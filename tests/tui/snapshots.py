"""Screens as text: :func:`check_screen` compares one, in three sizes and two themes, with a stored file.

``tests/tui/snapshots/NAME.txt`` holds, for each size, the characters between bars, then the runs of one
style (``3 a:10 b:70``: row 3 has ten cells in style a, then seventy in style b), then what the styles are in
each theme.
``SOTTOVOCE_RENEW=1`` writes the files anew; look at what `git diff` shows before committing it.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual._context import visible_screen_stack  # what Textual's own screenshots are made with
from textual.app import App
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Input, TextArea

from sottovoce.tui import themes

SIZES: Final = ((40, 12), (80, 24), (160, 48))
THEMES: Final = (themes.DARK, themes.LIGHT)
FOLDER: Final = Path(__file__).parent / "snapshots"

_SHOWN_DIFFERENCES: Final = 80  # lines
_MAX_FRAMES: Final = 100
_ISOLATES: Final = str.maketrans("", "", "\u2066\u2067\u2068\u2069\u200c\u200d")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

Steps = Callable[[Pilot[object]], Awaitable[None]]


async def check_screen(name: str, app_factory: Callable[[], App[object]], steps: Steps | None = None) -> None:
    """Compare what ``app_factory()``'s app shows after ``steps(pilot)`` with ``snapshots/NAME.txt``.

    The steps run once for each size; the theme is changed under the screen that they lead to. Fails with the
    differing lines, and where there is no such file or a control character is on the screen.
    """
    seen = "".join([await _picture(app_factory(), width, height, steps) for width, height in SIZES])
    path = FOLDER / f"{name}.txt"
    if os.environ.get("SOTTOVOCE_RENEW") == "1":
        path.write_text(seen, encoding="utf-8")
        return
    stored = path.read_text(encoding="utf-8")
    if seen != stored:
        lines = difflib.unified_diff(
            stored.splitlines(), seen.splitlines(), "stored", "seen", n=1, lineterm=""
        )
        shown = "\n".join(list(lines)[:_SHOWN_DIFFERENCES])
        raise AssertionError(f"{name} looks different (SOTTOVOCE_RENEW=1 renews it):\n{shown}")


def screen_lines(app: App[object]) -> list[str]:
    """Return the characters that the app shows now, a string for each row, blanks at the right left out."""
    return [strip.text.rstrip() for strip in _strips(app)]


async def _picture(app: App[object], width: int, height: int, steps: Steps | None) -> str:
    app.animation_level = "none"
    rendered: dict[str, list[Strip]] = {}
    async with app.run_test(size=(width, height)) as pilot:
        for theme in THEMES:
            app.register_theme(theme)
        app.theme = THEMES[0].name
        await pilot.pause()
        if steps is not None:
            await steps(pilot)
        for theme in THEMES:
            app.theme = theme.name
            _stop_blinking(app)
            rendered[theme.name] = await _drawn(app, pilot)
    return "".join(f"{line}\n" for line in _described(f"{width}x{height}", rendered))


async def _drawn(app: App[object], pilot: Pilot[object]) -> list[Strip]:
    """What is shown once it stays: a frame may begin the next one, as when it scrolls to what has grown."""
    before: list[Strip] | None = None
    for _ in range(_MAX_FRAMES):
        await pilot.pause()
        now = _strips(app)
        if now == before:
            return now
        before = now
    raise AssertionError("the screen never stays as it is")


def _strips(app: App[object]) -> list[Strip]:
    token = visible_screen_stack.set(app._background_screens)
    try:
        return [Strip(strip.simplify()) for strip in app.screen._compositor.render_strips()]
    finally:
        visible_screen_stack.reset(token)


def _stop_blinking(app: App[object]) -> None:
    """A cursor is on the picture, always."""
    for field in app.screen.query("Input, TextArea").results(Input | TextArea):
        field.cursor_blink = False


def _described(size: str, rendered: dict[str, list[Strip]]) -> Iterable[str]:
    """The text of one size: what all themes share once, the rest by theme."""
    texts = {theme: _text_rows(strips) for theme, strips in rendered.items()}
    tables = {theme: _style_table(strips) for theme, strips in rendered.items()}
    runs = {theme: _run_rows(strips, tables[theme]) for theme, strips in rendered.items()}
    for title, block in (("text", texts), ("style runs", runs)):
        for whose, rows in _shared(block):
            yield f"=== {size} {whose}: {title}"
            yield from rows
    for theme, table in tables.items():
        yield f"=== {size} {theme}: styles"
        yield from (f"{letter} {style}" for style, letter in table.items())


def _shared(block: dict[str, list[str]]) -> Iterable[tuple[str, list[str]]]:
    if len({tuple(rows) for rows in block.values()}) == 1:
        return [("all themes", next(iter(block.values())))]
    return block.items()


def _text_rows(strips: Sequence[Strip]) -> list[str]:
    rows = [strip.text for strip in strips]
    for row in rows:
        assert row.translate(_ISOLATES).isprintable(), f"a control character is on the screen: {row!r}"
    return [f"|{row}|" for row in rows]


def _style_table(strips: Sequence[Strip]) -> dict[str, str]:
    """Letters for the styles, in the order in which they come up."""
    styles = dict.fromkeys(_style_text(segment) for strip in strips for segment in strip)
    letters = [f"{letter}{number or ''}" for number in range(9) for letter in _LETTERS]
    return dict(zip(styles, letters, strict=False))


def _run_rows(strips: Sequence[Strip], table: dict[str, str]) -> list[str]:
    """The styles of each row as runs; rows that are the same, one below the other, as one line."""
    rows = []
    for strip in strips:
        cells = [(table[_style_text(segment)], segment.cell_length) for segment in strip]
        runs = [
            (letter, sum(size for _, size in run)) for letter, run in groupby(cells, lambda cell: cell[0])
        ]
        rows.append(" ".join(f"{letter}:{size}" for letter, size in runs))
    described, first = [], 0
    for row, equal in groupby(rows):
        last = first + len(list(equal)) - 1
        described.append(f"{first if first == last else f'{first}-{last}'} {row}")
        first = last + 1
    return described


def _style_text(segment: Segment) -> str:
    """``#foreground on #background attributes``; a blank has no foreground unless a line is drawn there."""
    style = segment.style or Style.null()
    attributes = [
        name for name in ("bold", "dim", "italic", "underline", "reverse", "strike") if getattr(style, name)
    ]
    needs_foreground = not segment.text.isspace() or {"underline", "reverse", "strike"} & set(attributes)
    foreground = _colour(style, "color") if needs_foreground else "-"
    return " ".join([foreground, "on", _colour(style, "bgcolor"), *attributes])


def _colour(style: Style, which: str) -> str:
    colour = getattr(style, which)
    if colour is None:
        return "default"
    return colour.triplet.hex if colour.triplet is not None else colour.name
