from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len, split_graphemes

from sottovoce.client.sanitize import sanitize
from sottovoce.tui.widgets.timeline_wrap import wrap

TEXTS = st.text(
    st.sampled_from("ab \n.-你한é😀👩\u200d\u0301\ufe0f\u05d0\u0627") | st.characters(), max_size=120
).map(lambda text: sanitize(text, multiline=True))


def rows(text: str, width: int) -> list[str]:
    return [text[start:end] for start, end in wrap(text, width)]


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("", 10, [""]),
        ("one two", 10, ["one two"]),
        ("one two three", 9, ["one two", "three"]),
        ("one two   three", 9, ["one two", "three"]),
        ("exactly ten chars", 7, ["exactly", "ten", "chars"]),
        ("a\n\nb", 10, ["a", "", "b"]),
        ("a\n", 10, ["a", ""]),
        ("  indented code", 12, ["  indented", "code"]),
        ("see abcdefghijklmnop, yes", 8, ["see", "abcdefgh", "ijklmnop", ", yes"]),
        ("hi 你好你好你好", 8, ["hi 你好", "你好你好"]),
        ("你好", 3, ["你好"]),  # narrower than the least width
        ("ab 👩\u200d👩\u200d👧👩\u200d👩\u200d👧", 5, ["ab 👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"]),
        ("     ", 4, [""]),
    ],
)
def test_rows_end_between_words(text: str, width: int, expected: list[str]) -> None:
    assert rows(text, width) == expected


@given(TEXTS, st.integers(4, 40))
def test_no_row_is_too_wide_and_only_blanks_are_lost(text: str, width: int) -> None:
    slices = wrap(text, width)
    assert slices
    assert all(cell_len(text[start:end]) <= width for start, end in slices)
    kept = "".join(text[start:end] for start, end in slices)
    assert kept.replace(" ", "") == text.replace(" ", "").replace("\n", "")
    ends = [0, *(end for _, end in slices)]
    between = [text[end:start] for end, (start, _) in zip(ends, slices, strict=False)] + [text[ends[-1] :]]
    assert all(set(gap) <= {" ", "\n"} for gap in between)


@given(st.text("你한😀👩\u200d\u0301e", max_size=60).map(sanitize), st.integers(4, 12))
def test_a_grapheme_is_never_broken(text: str, width: int) -> None:
    starts = {start for start, _, _ in split_graphemes(text)[0]} | {0}
    assert {start for start, end in wrap(text, width) if end > start} <= starts
