"""A picture of bytes as rows of offset, hex and ASCII, each piece with the stretch that it is of.

No character of it can be anything but printable ASCII, a middle dot and an ellipsis, whatever the bytes are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sottovoce.tui.life import Picture, Stretch
from sottovoce.tui.safe_text import Safe

MAX_ROWS: Final = 80
"""Rows of one picture; of a longer one the beginning and the end."""

_LAST_ROWS: Final = 8
_ROW_LENGTHS: Final = (32, 16, 8)  # bytes
_OFFSET_DIGITS: Final = 4
_UNKNOWN: Final = "··"


@dataclass(frozen=True, slots=True)
class Piece:
    """Characters of a row; ``stretch``: the index of the one they are of, None between them."""

    text: Safe
    stretch: int | None


Row = tuple[Piece, ...]


def row_length(columns: int) -> int:
    """Return how many bytes a row has that fits so many columns; 8 at least, which take 34.

    Above 64 KiB an offset has more digits, and takes as many columns more.
    """
    return next((count for count in _ROW_LENGTHS if _columns(count) <= columns), _ROW_LENGTHS[-1])


def dump(picture: Picture, columns: int) -> list[Row]:
    """Return the rows of a picture. Rows of zeros, or of bytes nobody knows, are told by their number."""
    count = row_length(columns - _digits(picture) + _OFFSET_DIGITS)
    parts = list(_parts(picture, count))
    if len(parts) <= MAX_ROWS:
        return [_drawn(picture, part, count) for part in parts]
    first, last = parts[: MAX_ROWS - _LAST_ROWS - 1], parts[-_LAST_ROWS:]
    between = last[0].start - first[-1].end
    note = _note(f"… {between:,} more bytes …")
    return [
        *(_drawn(picture, part, count) for part in first),
        note,
        *(_drawn(picture, part, count) for part in last),
    ]


def is_structure(stretch: Stretch) -> bool:
    """Whether a stretch only says how long or of what kind the next one is, or holds nothing."""
    structural = stretch.name.endswith("length") or stretch.name.startswith(("array", "padding"))
    return structural or not stretch.is_known


@dataclass(frozen=True, slots=True)
class _Part:
    """Bytes that become one row: drawn, or, where nothing is in them, told by their number."""

    start: int
    end: int
    is_told: bool


def _parts(picture: Picture, count: int) -> Iterator[_Part]:
    """Cut a picture into rows of ``count`` bytes; of rows with nothing in them the first is drawn."""
    data, told_from, before = picture.data, None, -1
    for at in range(0, len(data), count):
        end = min(at + count, len(data))
        empty_of = _empty_of(picture, at, end) if end - at == count else -1
        if empty_of >= 0 and empty_of == before:
            told_from = at if told_from is None else told_from
            continue
        if told_from is not None:
            yield _Part(told_from, at, is_told=True)
            told_from = None
        before = empty_of
        yield _Part(at, end, is_told=False)
    if told_from is not None:
        yield _Part(told_from, len(data), is_told=True)


def _empty_of(picture: Picture, start: int, end: int) -> int:
    """The stretch that all these bytes are of, if they are zeros or not known; else -1."""
    if any(picture.data[start:end]):
        return -1
    owner = _owner(picture, start)
    return owner if picture.stretches[owner].end >= end else -1


def _owner(picture: Picture, at: int) -> int:
    """The index of the stretch that a byte is of."""
    return bisect_right(picture.stretches, at, key=lambda stretch: stretch.end)


def _drawn(picture: Picture, part: _Part, count: int) -> Row:
    if part.is_told:
        length = part.end - part.start
        is_known = picture.stretches[_owner(picture, part.start)].is_known
        return _note(f"* {length:,} more zeros" if is_known else f"* {length:,} more, not known")
    pieces, letters = [Piece(Safe(f"{part.start:0{_digits(picture)}x} "), None)], []
    for at in range(part.start, part.end):
        owner, octet = _owner(picture, at), picture.data[at]
        is_known = picture.stretches[owner].is_known
        gap = " " if (at - part.start) % 2 == 1 and at < part.end - 1 else ""
        pieces.append(Piece(Safe((f"{octet:02x}" if is_known else _UNKNOWN) + gap), owner))
        is_letter = is_known and 0x20 <= octet < 0x7F  # printable ASCII
        letters.append(Piece(Safe(chr(octet) if is_letter else "·"), owner))
    drawn = sum(len(piece.text) for piece in pieces)
    full = _columns(count) + _digits(picture) - _OFFSET_DIGITS
    blank = Piece(Safe(" " * (full - count - drawn)), None)
    return tuple(_merged([*pieces, blank, *letters]))


def _digits(picture: Picture) -> int:
    """Hex digits of an offset: more than four for a picture above 64 KiB."""
    return max(_OFFSET_DIGITS, len(f"{max(len(picture.data) - 1, 0):x}"))


def _note(words: str) -> Row:
    return (Piece(Safe(f"     {words}"), None),)


def _columns(count: int) -> int:
    """Offset and blank, pairs with a blank between them, two blanks, letters."""
    return _OFFSET_DIGITS + 1 + 2 * count + count // 2 - 1 + 2 + count


def _merged(pieces: list[Piece]) -> list[Piece]:
    merged: list[Piece] = []
    for piece in pieces:
        if merged and merged[-1].stretch == piece.stretch:
            merged[-1] = Piece(Safe(merged[-1].text + piece.text), piece.stretch)
        else:
            merged.append(piece)
    return merged
