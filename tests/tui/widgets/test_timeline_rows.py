from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sottovoce.tui.safe_text import safe
from sottovoce.tui.view import Level, Line, Notice
from sottovoce.tui.widgets.timeline_rows import CHUNK_CHARACTERS, CHUNK_LINES, Rows

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def line(position: int, length: int = 1) -> Line:
    return Notice(position, position, NOW, safe("x" * length), Level.INFO)


def measure(width: int, shown: Line, upper: Line | None) -> int:
    """Some height that depends on the line, on the one above and on the width, as the real one does."""
    separator = 2 if upper is None else (upper.position + shown.position) % 3 == 0
    return 1 + separator + len(shown.text) // width


def guess(lines: int, characters: int) -> int:
    return lines + characters // 7


class RowsMachine(RuleBasedStateMachine):
    """Whatever is added, taken out, measured or forgotten: each row is that of a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.width = 5
        self.rows = Rows(lambda shown, upper: measure(self.width, shown, upper), guess)
        self.model: dict[int, Line] = {}
        self.lowest = 0

    def expected(self) -> list[Line]:
        return [self.model[position] for position in sorted(self.model)]

    @rule(count=st.integers(1, 200), length=st.integers(0, 30))
    def append(self, count: int, length: int) -> None:
        start = max(self.model, default=0) + 1
        added = [line(position, length) for position in range(start, start + 2 * count, 2)]
        self.rows.add(added)
        self.model |= {each.position: each for each in added}

    @rule(count=st.integers(0, 200), length=st.integers(0, 30))
    def prepend(self, count: int, length: int) -> None:
        end = min(self.model, default=0)
        added = [line(position, length) for position in range(end - 2 * count, end, 2)]
        self.rows.prepend(added)
        self.model |= {each.position: each for each in added}

    @rule(position=st.integers(-300, 300), length=st.integers(0, 30))
    def insert_or_replace(self, position: int, length: int) -> None:
        self.rows.add([line(position, length)])
        self.model[position] = line(position, length)

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        position = data.draw(st.sampled_from(sorted(self.model)) if self.model else st.just(0))
        self.rows.remove(position)
        self.model.pop(position, None)

    @rule(width=st.integers(1, 20))
    def resize(self, width: int) -> None:
        self.width = width
        self.rows.forget_heights()

    @precondition(lambda self: self.model)
    @rule(part=st.floats(0, 1))
    def look(self, part: float) -> None:
        row = round(part * self.rows.height)
        found, offset = self.rows.find(row)
        height = self.rows.height_of(found.position)
        assert 0 <= offset < height
        assert self.rows.row_of(found.position) + offset == min(row, self.rows.height - 1)

    @precondition(lambda self: self.model)
    @rule(part=st.floats(0, 1), above=st.integers(0, 300), below=st.integers(0, 300))
    def what_is_exact_stays_in_place(self, part: float, above: int, below: int) -> None:
        lines = self.expected()
        index = min(round(part * len(lines)), len(lines) - 1)
        self.rows.make_exact(lines[index].position, above, below)
        row, height = self.rows.row_of(lines[index].position), self.rows.height
        for near in range(max(row - above, 0), min(row + below, height)):
            self.rows.find(near)
        assert (self.rows.row_of(lines[index].position), self.rows.height) == (row, height)

    @invariant()
    def no_line_is_lost(self) -> None:
        lines = self.expected()
        assert list(self.rows) == lines
        assert len(self.rows) == len(lines)
        assert self.rows.first == (lines[0] if lines else None)
        assert self.rows.last == (lines[-1] if lines else None)

    @precondition(lambda self: self.model)
    @rule()
    def measured_rows_are_the_true_ones(self) -> None:
        lines = self.expected()
        self.rows.make_exact(lines[0].position, 0, 10**9)
        true = [
            (shown, offset)
            for shown, upper in zip(lines, [None, *lines[:-1]], strict=True)
            for offset in range(measure(self.width, shown, upper))
        ]
        assert self.rows.height == len(true)
        assert [self.rows.find(row) for row in range(len(true))] == true
        uppers = dict(zip(lines, [None, *lines[:-1]], strict=True))
        span = [(shown, uppers[shown], offset) for shown, offset in true]
        middle = len(true) // 2
        assert list(self.rows.span(0, len(true) + 1)) == span
        assert list(self.rows.span(middle, 70)) == span[middle : middle + 70]

    def teardown(self) -> None:
        if self.model:
            self.measured_rows_are_the_true_ones()


TestRows = RowsMachine.TestCase
TestRows.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def counted(count: int) -> tuple[Rows, list[int]]:
    """Rows of ``count`` lines, and the positions that were measured so far."""
    measured: list[int] = []

    def measure_and_note(shown: Line, upper: Line | None) -> int:
        measured.append(shown.position)
        return measure(5, shown, upper)

    rows = Rows(measure_and_note, guess)
    rows.prepend([line(position, 10) for position in range(count)])
    return rows, measured


def test_opening_measures_only_the_end() -> None:
    rows, measured = counted(100_000)
    rows.make_exact(99_999, 50, 0)
    assert rows.height > 100_000
    assert len(measured) <= 2 * CHUNK_LINES


def test_looking_anywhere_measures_only_what_is_near() -> None:
    rows, measured = counted(100_000)
    for row in range(0, rows.height, 10_000):
        rows.find(row)
    assert len(measured) <= 3 * CHUNK_LINES * 20


def test_long_texts_make_small_chunks() -> None:
    measured: list[int] = []

    def measure_and_note(shown: Line, upper: Line | None) -> int:
        measured.append(shown.position)
        return measure(5, shown, upper)

    rows = Rows(measure_and_note, guess)
    rows.prepend([line(position, CHUNK_CHARACTERS) for position in range(50)])
    rows.find(0)
    assert measured == [0]


def test_neighbours_are_found_across_chunks() -> None:
    rows, _ = counted(3 * CHUNK_LINES)
    for position in range(1, 3 * CHUNK_LINES):
        before = rows.before(position)
        after = rows.after(position - 1)
        assert before is not None
        assert before.position == position - 1
        assert after is not None
        assert after.position == position
    assert rows.before(0) is None
    assert rows.after(3 * CHUNK_LINES - 1) is None


def test_without_lines_there_are_no_rows() -> None:
    rows = Rows(lambda *_: 1, guess)
    rows.make_exact(5, 10, 10)
    rows.remove(5)
    assert (rows.height, len(rows), rows.first, rows.get(0), rows.height_of(0)) == (0, 0, None, None, 0)
    with pytest.raises(IndexError):
        rows.find(0)
