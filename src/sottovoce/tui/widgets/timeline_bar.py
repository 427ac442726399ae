"""The scroll bar of the timeline, drawn when it looks different and not whenever a row comes in."""

from __future__ import annotations

from math import ceil
from typing import Final

from textual.scrollbar import ScrollBar

_STEPS: Final = 8
"""In a cell: the ends of the thumb are drawn in eighths."""


def show(bar: ScrollBar, *, top: int, rows: int, height: int) -> None:
    """Let ``bar`` show that row ``top`` of ``rows`` is the first of ``height`` rows that are seen."""
    before = _thumb(bar)
    bar.set_reactive(ScrollBar.window_virtual_size, rows)
    bar.set_reactive(ScrollBar.window_size, height)
    bar.set_reactive(ScrollBar.position, float(top))
    if _thumb(bar) != before:
        bar.refresh()


def _thumb(bar: ScrollBar) -> tuple[int, int] | None:
    """Return where Textual draws the thumb: its first step and the one after its last."""
    rows, window, size = bar.window_virtual_size, bar.window_size, bar.size.height
    if not size or not 0 < window < rows:
        return None
    thumb = max(1.0, window * size / rows)
    start = int((size - thumb) * bar.position / (rows - window) * _STEPS)
    return start, start + ceil(thumb * _STEPS)
