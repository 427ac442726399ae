"""Where a text breaks into the rows of a screen, by the cells that its characters take."""

from __future__ import annotations

import re
from typing import Final

from rich.cells import cell_len, split_graphemes

MIN_WIDTH: Final = 4
"""Cells; narrower than this nothing is wrapped, it is cropped."""

_TOKEN: Final = re.compile(" +|[^ ]+")

Slice = tuple[int, int]
"""Start and end of a row in the text, the blanks at its break left out."""


def wrap(text: str, width: int) -> list[Slice]:
    """Return the rows of ``text``, at least one: none wider than ``width`` cells, nothing but blanks lost.

    Rows end at line breaks and between words; a word that is too long, or written without blanks in wide
    characters, is broken between graphemes.
    """
    width = max(width, MIN_WIDTH)
    if len(text) <= width and text.isascii() and "\n" not in text:
        return [(0, len(text))]
    rows: list[Slice] = []
    start = 0
    for paragraph in text.split("\n"):
        if len(paragraph) <= width and paragraph.isascii():
            rows.append((start, start + len(paragraph)))
        else:
            _wrap_paragraph(paragraph, start, width, rows)
        start += len(paragraph) + 1
    return rows


def _wrap_paragraph(paragraph: str, base: int, width: int, rows: list[Slice]) -> None:
    """Append the rows of a text without line breaks, which stands at ``base`` in the whole text."""
    row_start, row_end, used = 0, 0, 0  # the row being filled; ``used``: its cells, trailing blanks included
    for match in _TOKEN.finditer(paragraph):
        start, end = match.span()
        cells = _cells(match[0])
        if match[0][0] == " ":
            used += cells
            continue
        if used + cells <= width:
            row_end, used = end, used + cells
            continue
        if used and (used >= width - 1 or not _is_wide(match[0])):
            if row_end > row_start:
                rows.append((base + row_start, base + row_end))
            row_start, used = start, 0
        if used + cells > width:
            row_start, used = _fold(match[0], base, (row_start, start, used), width, rows)
        else:
            used += cells
        row_end = end
    if row_end > row_start or not paragraph.strip(" "):
        rows.append((base + row_start, base + max(row_end, row_start)))


def _fold(
    word: str, base: int, place: tuple[int, int, int], width: int, rows: list[Slice]
) -> tuple[int, int]:
    """Break ``word`` between graphemes; return where its last row starts, and the cells in that row.

    ``place``: where the row starts that the word begins in, where the word starts, and the cells before it.
    """
    row_start, word_start, used = place
    for start, _, cells in split_graphemes(word)[0]:
        if used + cells > width:
            rows.append((base + row_start, base + word_start + start))
            row_start, used = word_start + start, 0
        used += cells
    return row_start, used


def _cells(word: str) -> int:
    return len(word) if word.isascii() else cell_len(word)


def _is_wide(word: str) -> bool:
    """Tell whether a word is written in characters of two cells, between which it may be broken anywhere."""
    return not word.isascii() and any(cells > 1 for _, _, cells in split_graphemes(word)[0])
