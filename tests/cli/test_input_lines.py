import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.cli.errors import LineTooLong, NotUtf8
from sottovoce.cli.input_lines import LineSplitter, input_lines
from sottovoce.client.content import MAX_TEXT_LENGTH


def split(chunks: list[bytes]) -> list[object]:
    splitter, lines = LineSplitter(), []
    for chunk in [*chunks, b""]:
        lines += splitter.feed(chunk, end=not chunk)
    return lines


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))), st.data())
def test_however_it_is_cut_into_chunks_the_lines_are_the_same(lines: list[str], data: st.DataObject) -> None:
    octets = "".join(line + data.draw(st.sampled_from(["\n", "\r\n"])) for line in lines).encode()
    at = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=5)))
    chunks = [octets[a:b] for a, b in zip([0, *at], [*at, len(octets)], strict=True) if b > a]
    assert split(chunks) == lines


def test_the_last_line_needs_no_end() -> None:
    assert split([b"one\ntwo"]) == ["one", "two"]


class TestRefusals:
    def test_what_is_not_utf8_is_told_by_its_line_after_those_before(self) -> None:
        *before, refusal = split([b"one\ntwo\n\xff\xfe\nfour\n"])
        assert before == ["one", "two"]
        assert isinstance(refusal, NotUtf8)
        assert "Line 3" in str(refusal)

    @pytest.mark.parametrize("end", [b"\n", b"\r\n"])
    def test_the_longest_line_passes_and_one_byte_more_does_not(self, end: bytes) -> None:
        assert split([b"x" * MAX_TEXT_LENGTH + end]) == ["x" * MAX_TEXT_LENGTH]
        (refusal,) = split([b"x" * (MAX_TEXT_LENGTH + 1) + end])
        assert isinstance(refusal, LineTooLong)

    def test_a_line_of_a_megabyte_is_refused_before_it_is_all_there(self) -> None:
        splitter = LineSplitter()
        *before, refusal = splitter.feed(b"one\n" + b"x" * (MAX_TEXT_LENGTH + 2))
        assert before == ["one"]
        assert isinstance(refusal, LineTooLong)
        assert "Line 2" in str(refusal)


async def test_a_regular_file_and_a_pipe_are_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"a line\n" * 50_000)
    descriptor = os.open(path, os.O_RDONLY)
    assert [line async for line in input_lines(descriptor)] == ["a line"] * 50_000
    os.close(descriptor)

    reader, writer = os.pipe()
    lines = input_lines(reader)
    os.write(writer, b"first\nsec")
    assert await anext(lines) == "first"
    os.write(writer, b"ond\n\xff")
    assert await anext(lines) == "second"
    os.close(writer)
    with pytest.raises(NotUtf8):
        await anext(lines)
    os.close(reader)


async def test_who_stops_reading_is_not_kept_waiting() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"line\n")
    async with asyncio.timeout(60):
        async for line in input_lines(reader):
            assert line == "line"
            break
    os.close(writer)
