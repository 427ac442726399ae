"""The dump of a picture is its bytes again, whatever they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lives import a_life

from sottovoce.tui.hex_dump import MAX_ROWS, Row, dump, is_structure, row_length
from sottovoce.tui.life import Picture, Stretch
from sottovoce.tui.life_words import life_in_words
from sottovoce.tui.safe_text import Safe

COLUMNS = (34, 62, 118)


def picture(*stretches: tuple[bytes, bool]) -> Picture:
    found, at = [], 0
    for octets, is_known in stretches:
        found.append(Stretch(Safe(f"part {at}"), at, at + len(octets), is_known))
        at += len(octets)
    return Picture(Safe("a picture"), b"".join(octets for octets, _ in stretches), tuple(found))


def text(row: Row) -> str:
    return "".join(piece.text for piece in row)


def octets_in(rows: list[Row]) -> bytes:
    """Read the bytes back from hex and notes; what is not known counts as zeros."""
    data = bytearray()
    for row in map(text, rows):
        if row.startswith("     *"):
            data += bytes(int(row.split()[1].replace(",", "")))
            continue
        assert int(row[:4], 16) == len(data)
        hex_columns = row[5:].split("  ")[0].replace(" ", "")
        data += bytes.fromhex(hex_columns.replace("··", "00"))
    return bytes(data)


PARTS = st.lists(
    st.one_of(
        st.tuples(st.binary(min_size=1, max_size=40), st.just(True)),
        st.tuples(st.integers(1, 300).map(bytes), st.booleans()),
    ),
    min_size=1,
    max_size=8,
)


@given(PARTS, st.sampled_from(COLUMNS))
def test_hex_and_notes_are_the_bytes(parts: list[tuple[bytes, bool]], columns: int) -> None:
    one = picture(*parts)
    rows = dump(one, columns)
    if len(rows) < MAX_ROWS:
        assert octets_in(rows) == one.data
    assert max(len(text(row)) for row in rows) <= columns
    for row in rows:
        assert text(row).replace("·", "").replace("…", "").isascii()
        assert text(row).isprintable()


@given(PARTS, st.sampled_from(COLUMNS))
def test_each_piece_is_of_the_stretch_whose_bytes_it_shows(
    parts: list[tuple[bytes, bool]], columns: int
) -> None:
    one = picture(*parts)
    for row in dump(one, columns):
        if not text(row)[:4].strip():
            continue
        at = int(text(row)[:4], 16)
        for piece in row:
            if piece.stretch is None or " " * 3 in piece.text:
                continue
            stretch = one.stretches[piece.stretch]
            assert stretch.start < at + row_length(columns)
            assert stretch.end > at


def test_letters_stand_below_one_another() -> None:
    rows = [text(row) for row in dump(picture((b"0123456789abcdefXYZ", True)), 62)]
    assert rows == [
        "0000 3031 3233 3435 3637 3839 6162 6364 6566  0123456789abcdef",
        "0010 5859 5a                                  XYZ",
    ]


@pytest.mark.parametrize(
    ("columns", "octets"), [(1, 8), (34, 8), (61, 8), (62, 16), (117, 16), (118, 32), (500, 32)]
)
def test_a_row_has_as_many_bytes_as_fit(columns: int, octets: int) -> None:
    assert row_length(columns) == octets
    assert (
        len(text(dump(picture((bytes(range(1, 65)), True)), columns)[0])) == {8: 34, 16: 62, 32: 118}[octets]
    )


def test_zeros_and_unknown_bytes_are_told_by_their_number() -> None:
    rows = [
        text(row) for row in dump(picture((b"\x01" * 8, True), (bytes(36), True), (bytes(24), False)), 34)
    ]
    assert rows[1:3] == ["0008 0000 0000 0000 0000  ········", "     * 24 more zeros"]
    assert rows[3] == "0028 0000 0000 ···· ····  ········"
    assert rows[4] == "0030 ···· ···· ···· ····  ········"
    assert rows[5] == "     * 8 more, not known"
    assert rows[6].strip() == "0040 ···· ····            ····"


def test_of_many_rows_the_beginning_and_the_end_are_there() -> None:
    data = b"".join(number.to_bytes(2) for number in range(32768))
    rows = [text(row) for row in dump(picture((data, True)), 62)]
    assert len(rows) == MAX_ROWS
    assert rows[0].startswith("0000 0000 0001 0002")
    assert rows[-1].startswith("fff0 7ff8 7ff9")
    note = next(row for row in rows if "more bytes" in row)
    drawn = sum(len(row[5:].split("  ")[0].replace(" ", "")) // 2 for row in rows if row != note)
    assert f" {len(data) - drawn:,} more bytes" in note


def test_what_only_says_how_long_the_next_is_stays_in_the_background() -> None:
    encryption = life_in_words(a_life()).layers[4]
    loud = [str(one.name) for one in encryption.pictures[0].stretches if not is_structure(one)]
    assert loud == [
        "version", "wire format", "group id", "epoch", "content type", "encrypted sender data",
        "ciphertext", "tag",
    ]  # fmt: skip
