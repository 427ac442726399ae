"""Threat E1 on the way in, and the keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.cli.errors import LineTooLong
from sottovoce.cli.line_editor import LineBuffer, tail_that_fits
from sottovoce.client.content import MAX_TEXT_LENGTH


@pytest.mark.parametrize(
    ("keys", "lines", "rest"),
    [
        ("hi\n", ["hi"], ""),
        ("hi\rthere\r", ["hi", "there"], ""),
        ("hix\x7f\x08ello\n", ["hello"], ""),
        ("\x7f\x7fa", [], "a"),
        ("one two\x17three", [], "one three"),
        ("one\x17two", [], "two"),
        ("one\x15two", [], "two"),
        ("a\x1b[Ab\x1bOCc\x1b[1;5Dd\x1bxe", [], "abcde"),
        ("a\tb", [], "a b"),
        ("a\x01\x02b\x9b", [], "ab"),
        ("naïve 👩‍💻", [], "naïve 👩‍💻"),
    ],
)
def test_keys_do_what_they_say(keys: str, lines: list[str], rest: str) -> None:
    whole, single = LineBuffer(), LineBuffer()
    assert whole.feed(keys) == lines
    assert whole.text == rest
    assert [line for key in keys for line in single.feed(key)] == lines
    assert single.text == rest


def test_ctrl_d_ends_only_an_empty_line() -> None:
    buffer = LineBuffer()
    buffer.feed("a\x04")
    assert not buffer.ended
    buffer.feed("\n\x04")
    assert buffer.ended


def test_too_long_a_line_is_refused() -> None:
    with pytest.raises(LineTooLong):
        LineBuffer().feed("x" * (MAX_TEXT_LENGTH + 1))


@given(st.text())
def test_no_key_leaves_a_control_in_the_line(keys: str) -> None:
    buffer = LineBuffer()
    lines = buffer.feed(keys)
    assert not any(
        ord(character) < 32 or 127 <= ord(character) < 160 for character in "".join([*lines, buffer.text])
    )


@given(st.text("ab日本e\u0301", max_size=30), st.integers(2, 20))
def test_what_is_drawn_fits_the_row(text: str, columns: int) -> None:
    tail = tail_that_fits(text, columns)
    assert text.endswith(tail)
    assert sum(2 if character in "日本" else character != "\u0301" for character in tail) < columns
