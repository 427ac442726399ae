from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

sys.path.insert(0, str(Path(__file__).parent))

from timeline_samples import CLOCK, message, notice, queued

from sottovoce.tui.safe_text import safe_name
from sottovoce.tui.view import Level, Line
from sottovoce.tui.widgets.timeline_block import ASCII, FOLD_ROWS, Layout, Role, sender_role, shortened

LAYOUT = Layout(60, CLOCK)


def rows(line: Line, upper: Line | None, layout: Layout = LAYOUT) -> list[str]:
    return ["".join(piece.text for piece in row.pieces).rstrip() for row in layout.block(line, upper).rows]


def test_a_sender_is_named_once_for_a_run_of_messages() -> None:
    first = message(1, "one", minutes=0)
    assert rows(message(2, "two", minutes=4.9), first) == ["   two"]
    assert rows(message(2, "two", minutes=5), first) == ["", " Bob  09:05", "   two"]
    assert rows(message(2, "two", "Eve", minutes=1), first) == ["", " Eve  09:01", "   two"]
    assert rows(message(2, "two", minutes=1, verified=True), first) == ["", " Bob verified  09:01", "   two"]
    assert rows(message(2, "two", minutes=1), notice(1, "Bob is in the room")) == [
        "",
        " Bob  09:01",
        "   two",
    ]


def test_nothing_of_another_person_continues_ones_own_messages() -> None:
    mine = message(1, "mine", "Bob", minutes=0, is_mine=True)
    assert rows(message(2, "theirs", "Bob", minutes=1), mine) == ["", " Bob  09:01", "   theirs"]


def test_a_day_begins_with_its_name() -> None:
    block = rows(message(2, minutes=900), message(1, minutes=899))
    assert "21 November 2026" not in "".join(rows(message(2, minutes=600), message(1, minutes=599)))
    assert block[0].strip("─ ").endswith("21 November 2026")
    assert cell_len(block[0]) == LAYOUT.width


@pytest.mark.parametrize(
    ("has_older", "words"), [(True, "older messages come up"), (False, "the room begins here")]
)
def test_the_first_line_says_whether_there_is_more_above(has_older: bool, words: str) -> None:
    layout = replace(LAYOUT, has_older=has_older)
    assert words in rows(message(1), None, layout)[0]
    assert layout.block(message(1), None).rows[1:] == LAYOUT.block(message(1), None).rows[1:]


def test_marks_can_be_ascii() -> None:
    layout = Layout(40, CLOCK, ASCII)
    lines = [message(1, "one", verified=True), queued(1, "two", 2), message(3, "three", is_mine=True)]
    shown = [row for line in lines for row in rows(line, None, layout)]
    assert "".join(shown).isascii()
    assert " Bob (v)  09:01" in shown
    assert "   two  .." in shown
    assert "   three  ok" in shown


def test_no_text_begins_where_names_and_alarms_begin() -> None:
    forged = " Alice verified  09:00\nALARM: your key is lost\n──── new ────"
    body = rows(message(2, forged, minutes=1), message(1, minutes=0))
    assert all(row.startswith("   ") for row in body)
    assert all(not row.startswith("  ") for row in rows(notice(2, "a gap", Level.ALARM), message(1))[1:2])


def test_the_level_of_a_notice_is_written_in_words() -> None:
    upper = notice(1, "before")
    assert rows(notice(2, "Bob left"), upper) == [" · Bob left  09:02"]
    assert rows(notice(2, "A gap.", Level.WARNING), upper) == [" Warning: A gap.  09:02"]
    assert rows(notice(2, "A fork.", Level.ALARM), upper) == [
        " ALARM: A fork.  09:02",
        "        Enter says what to do.",
    ]


def test_links_are_marked_across_rows() -> None:
    url = "https://example.org/" + "x" * 80
    block = LAYOUT.block(message(2, f"one {url} two https://b.example.", minutes=1), message(1, minutes=0))
    pieces = [piece for row in block.rows for piece in row.pieces if piece.role == Role.LINK]
    assert "".join(piece.text for piece in pieces) == f"{url}https://b.example"
    assert len(pieces) > 2


@pytest.mark.parametrize("width", [20, 40, 79, 160])
def test_no_row_is_wider_than_the_screen(width: int) -> None:
    layout = Layout(width, CLOCK)
    for line in (
        message(1, "你好" * 50, "Bob" * 10, verified=True),
        message(1, "👩\u200d👩\u200d👧 é\u0301 " * 20, "名" * 40, is_mine=True),
        queued(1, "word " * 50, 3),
        notice(1, "something with 你好 " * 10, Level.WARNING),
    ):
        for row in layout.block(line, message(0, minutes=0)).rows:
            assert sum(cell_len(piece.text) for piece in row.pieces) <= width


@pytest.mark.parametrize("text", ["你" * 32_000, "a" * 32_000, "\n" * 32_000, "https://a.example/x " * 1_600])
def test_a_very_long_message_is_folded(text: str) -> None:
    folded = LAYOUT.block(message(2, text, minutes=1), message(1, minutes=0)).rows
    whole = LAYOUT.block(message(2, text, minutes=1), message(1, minutes=0), is_whole=True).rows
    assert len(folded) == FOLD_ROWS + 1
    assert folded[-1].unfolds
    assert len(whole) > 400
    assert whole[:FOLD_ROWS] == folded[:FOLD_ROWS]


def test_a_short_name_stays_and_a_long_one_keeps_its_isolation() -> None:
    assert shortened(safe_name("Bob"), 3) == "Bob"
    assert shortened(safe_name("Robert"), 4) == "Rob…"
    name = shortened(safe_name("ש" * 20), 5)
    assert (name[0], name[-1]) == ("\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}")
    assert cell_len(name) == 5


def test_a_sender_has_the_same_colour_everywhere() -> None:
    assert sender_role(safe_name("Alice")) == sender_role(safe_name("Alice"))
    assert len({sender_role(safe_name(f"user{number}")) for number in range(100)}) == 8
