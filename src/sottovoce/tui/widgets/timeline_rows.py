"""Which line of a room stands on which row, without wrapping what nobody looks at.

The lines lie in chunks. A chunk is either exact, every line of it measured, or guessed as a whole from the
length of its texts; it becomes exact when the view comes near. Rows count from the first line that is loaded.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final

from sottovoce.tui.view import Line

CHUNK_LINES: Final = 32
CHUNK_CHARACTERS: Final = 16 * 1024
"""A chunk is full at either: measuring one is a few milliseconds at most, whatever its texts are."""

Measure = Callable[[Line, Line | None], int]
"""The rows (1 or more) of a line that stands below another one, or first."""

Guess = Callable[[int, int], int]
"""About how many rows so many lines with so many characters take: no fewer than lines."""


class _Chunk:
    __slots__ = ("characters", "guessed", "heights", "lines", "rows")

    def __init__(self, lines: list[Line], guess: Guess) -> None:
        self.lines = lines
        self.characters = sum(len(line.text) for line in lines)
        self.heights: list[int] | None = None
        self.rows = guess(len(lines), self.characters)


class Rows:
    """Lines in the order of their positions, and the rows they take."""

    def __init__(self, measure: Measure, guess: Guess) -> None:
        self._measure = measure
        self._guess = guess
        self._chunks: list[_Chunk] = []
        self._starts: list[int] = [0]  # the first row of each chunk, and last the number of all rows
        self._stale_from = (
            0  # the first chunk that may have changed: its start is right, those after it are not
        )
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Line]:
        return (line for chunk in self._chunks for line in chunk.lines)

    @property
    def height(self) -> int:
        """Rows of everything, measured or guessed."""
        return self._chunk_starts()[-1]

    @property
    def first(self) -> Line | None:
        """The oldest line, None without any."""
        return self._chunks[0].lines[0] if self._chunks else None

    @property
    def last(self) -> Line | None:
        """The newest line, None without any."""
        return self._chunks[-1].lines[-1] if self._chunks else None

    def get(self, position: int) -> Line | None:
        """Return the line with this position, or None."""
        chunk, index = self._place(position)
        if chunk == len(self._chunks) or self._chunks[chunk].lines[index].position != position:
            return None
        return self._chunks[chunk].lines[index]

    def before(self, position: int) -> Line | None:
        """Return the last line before this position, or None."""
        chunk, index = self._place(position)
        return self._previous(chunk, index)

    def after(self, position: int) -> Line | None:
        """Return the first line after this position, or None."""
        chunk, index = self._place(position + 1)
        return self._chunks[chunk].lines[index] if chunk < len(self._chunks) else None

    def add(self, lines: Iterable[Line]) -> None:
        """Put lines in their places; one with the position of another replaces it."""
        for line in lines:
            last = self.last
            if last is None or line.position > last.position:
                self._append(line)
            else:
                self._insert(line)

    def prepend(self, lines: Sequence[Line]) -> None:
        """Put older lines, in order, before all others. Those that are not older go to their places."""
        first = self.first
        older = list(lines) if first is None else [line for line in lines if line.position < first.position]
        chunks = [_Chunk(part, self._guess) for part in _parts(older)]
        self._chunks[:0] = chunks
        self._count += len(older)
        self._stale_from = 0
        if chunks and first is not None:
            self._measure_again(len(chunks), 0)
        self.add(lines[len(older) :])

    def remove(self, position: int) -> None:
        """Take the line with this position out; does nothing without one."""
        if self.get(position) is None:
            return
        index, offset = self._place(position)
        chunk = self._chunks[index]
        line = chunk.lines.pop(offset)
        self._count -= 1
        chunk.characters -= len(line.text)
        if chunk.heights is not None:
            chunk.rows -= chunk.heights.pop(offset)
        else:
            chunk.rows = self._guess(len(chunk.lines), chunk.characters)
        if not chunk.lines:
            del self._chunks[index]
        self._stale_from = min(self._stale_from, index)
        self._measure_again(*self._place(position))

    def forget_heights(self) -> None:
        """Guess everything again: the width has changed, or what stands around the texts."""
        for chunk in self._chunks:
            chunk.heights = None
            chunk.rows = self._guess(len(chunk.lines), chunk.characters)
        self._stale_from = 0

    def find(self, row: int) -> tuple[Line, int]:
        """Return the line at ``row``, and which of its own rows that is; a row outside means the nearest.

        Raises IndexError without lines.
        """
        row = max(row, 0)
        while True:
            starts = self._chunk_starts()
            index = min(bisect_right(starts, row) - 1, len(self._chunks) - 1)
            heights = self._exact(index)
            if row < self._chunk_starts()[index + 1] or index == len(self._chunks) - 1:
                break
        offset, first_row = 0, starts[index]
        while offset < len(heights) - 1 and first_row + heights[offset] <= row:
            first_row += heights[offset]
            offset += 1
        return self._chunks[index].lines[offset], min(row - first_row, heights[offset] - 1)

    def span(self, row: int, count: int) -> Iterator[tuple[Line, Line | None, int]]:
        """Yield what stands on ``count`` rows from ``row`` on: the line, the one above it, which of its rows.

        Fewer come at the end. The rows must not change meanwhile.
        """
        if not self._chunks or count <= 0:
            return
        line, skipped = self.find(row)
        index, offset = self._place(line.position)
        upper = self._previous(index, offset)
        while index < len(self._chunks):
            heights = self._exact(index)
            for line, height in zip(self._chunks[index].lines[offset:], heights[offset:], strict=True):
                for own_row in range(skipped, height):
                    yield line, upper, own_row
                    count -= 1
                    if not count:
                        return
                upper, skipped = line, 0
            index, offset = index + 1, 0

    def row_of(self, position: int) -> int:
        """Return the first row of the line with this position, or of the first one after it."""
        chunk, index = self._place(position)
        if chunk == len(self._chunks):
            return self.height
        return self._row_within(chunk, index)

    def height_of(self, position: int) -> int:
        """Return the rows of the line with this position, 0 without one."""
        if self.get(position) is None:
            return 0
        chunk, index = self._place(position)
        return self._exact(chunk)[index]

    def make_exact(self, position: int, above: int, below: int) -> None:
        """Measure the line with this position, ``above`` rows before its first and ``below`` after."""
        if not self._chunks:
            return
        found, offset = self._place(position)
        found = min(found, len(self._chunks) - 1)
        heights = self._exact(found)
        self._make_neighbours_exact(range(found - 1, -1, -1), above - sum(heights[:offset]))
        self._make_neighbours_exact(range(found + 1, len(self._chunks)), below - sum(heights[offset:]))

    def _make_neighbours_exact(self, indexes: Iterable[int], missing: int) -> None:
        for index in indexes:
            if missing <= 0:
                return
            missing -= sum(self._exact(index))

    def _append(self, line: Line) -> None:
        if not self._chunks or _is_full(self._chunks[-1]):
            self._chunks.append(_Chunk([], self._guess))
        chunk = self._chunks[-1]
        self._put(len(self._chunks) - 1, len(chunk.lines), line)

    def _insert(self, line: Line) -> None:
        index, offset = self._place(line.position)
        chunk = self._chunks[index]
        if chunk.lines[offset].position == line.position:
            chunk.characters += len(line.text) - len(chunk.lines[offset].text)
            chunk.lines[offset] = line
            self._measure_again(index, offset)
            self._measure_again(*self._place(line.position + 1))
            return
        self._put(index, offset, line)
        self._measure_again(*self._place(line.position + 1))
        if len(chunk.lines) > 2 * CHUNK_LINES:
            self._split(index)

    def _put(self, index: int, offset: int, line: Line) -> None:
        """Insert a line into a chunk; an exact or an empty one is exact afterwards."""
        chunk = self._chunks[index]
        if not chunk.lines:
            chunk.heights, chunk.rows = [], 0
        chunk.lines.insert(offset, line)
        chunk.characters += len(line.text)
        self._count += 1
        if chunk.heights is None:
            chunk.rows = self._guess(len(chunk.lines), chunk.characters)
        else:
            height = self._measure(line, self._previous(index, offset))
            chunk.heights.insert(offset, height)
            chunk.rows += height
        self._stale_from = min(self._stale_from, index)

    def _split(self, index: int) -> None:
        lines, heights = self._chunks[index].lines, self._chunks[index].heights
        halves = [_Chunk(lines[:CHUNK_LINES], self._guess), _Chunk(lines[CHUNK_LINES:], self._guess)]
        if heights is not None:
            for half, half_heights in zip(
                halves, (heights[:CHUNK_LINES], heights[CHUNK_LINES:]), strict=True
            ):
                half.heights, half.rows = half_heights, sum(half_heights)
        self._chunks[index : index + 1] = halves
        self._stale_from = min(self._stale_from, index)

    def _measure_again(self, index: int, offset: int) -> None:
        """Renew the height of a line whose upper neighbour has changed, if its chunk is exact."""
        if index == len(self._chunks):
            return
        chunk = self._chunks[index]
        if chunk.heights is None:
            return
        height = self._measure(chunk.lines[offset], self._previous(index, offset))
        chunk.rows += height - chunk.heights[offset]
        chunk.heights[offset] = height
        self._stale_from = min(self._stale_from, index)

    def _exact(self, index: int) -> list[int]:
        chunk = self._chunks[index]
        if chunk.heights is None:
            upper = [self._previous(index, 0), *chunk.lines[:-1]]
            chunk.heights = [
                self._measure(line, above) for line, above in zip(chunk.lines, upper, strict=True)
            ]
            chunk.rows = sum(chunk.heights)
            self._stale_from = min(self._stale_from, index)
        return chunk.heights

    def _previous(self, index: int, offset: int) -> Line | None:
        if offset:
            return self._chunks[index].lines[offset - 1]
        return self._chunks[index - 1].lines[-1] if index else None

    def _place(self, position: int) -> tuple[int, int]:
        """Return the chunk and the offset of the first line at or after ``position``."""
        index = bisect_left(self._chunks, position, key=lambda chunk: chunk.lines[-1].position)
        if index == len(self._chunks):
            return index, 0
        return index, bisect_left(self._chunks[index].lines, position, key=lambda line: line.position)

    def _row_within(self, index: int, offset: int) -> int:
        return self._chunk_starts()[index] + sum(self._exact(index)[:offset])

    def _chunk_starts(self) -> list[int]:
        if self._stale_from < len(self._chunks) or len(self._starts) != len(self._chunks) + 1:
            stale = min(self._stale_from, len(self._starts) - 1)
            rows = (chunk.rows for chunk in self._chunks[stale:])
            self._starts[stale:] = accumulate(rows, initial=self._starts[stale])
        self._stale_from = len(self._chunks)
        return self._starts


def _is_full(chunk: _Chunk) -> bool:
    return len(chunk.lines) >= CHUNK_LINES or chunk.characters >= CHUNK_CHARACTERS


def _parts(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Cut lines into the contents of chunks."""
    part: list[Line] = []
    characters = 0
    for line in lines:
        if part and (len(part) == CHUNK_LINES or characters >= CHUNK_CHARACTERS):
            yield part
            part, characters = [], 0
        part.append(line)
        characters += len(line.text)
    if part:
        yield part
