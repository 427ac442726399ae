"""The TLS presentation language: one encoding for each value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.mls import DecodingError
from sottovoce.mls.presentation import (
    MAX_VECTOR_LENGTH,
    Reader,
    decode,
    opaque,
    optional,
    uint8,
    uint16,
    uint32,
    uint64,
    variable_length,
    vector,
)


@given(st.integers(0, MAX_VECTOR_LENGTH))
def test_lengths(value: int) -> None:
    encoded = variable_length(value)
    assert decode(Reader.variable_length, encoded) == value
    assert len(encoded) == (1 if value < 64 else 2 if value < 16384 else 4)


def test_too_long() -> None:
    with pytest.raises(OverflowError):
        variable_length(MAX_VECTOR_LENGTH + 1)


@given(st.binary(max_size=200), st.lists(st.binary(max_size=20)), st.integers(0, 2**64 - 1))
def test_structures(one: bytes, many: list[bytes], number: int) -> None:
    encoded = opaque(one) + vector(map(opaque, many)) + uint64(number) + optional(None) + optional(uint8(7))
    reader = Reader(encoded)
    assert reader.opaque() == one
    assert reader.vector(Reader.opaque) == many
    assert reader.uint64() == number
    assert reader.optional(Reader.uint8) is None
    assert reader.optional(Reader.uint8) == 7
    assert reader.at_end
    reader.finish()
    assert uint16(1) + uint32(1) == bytes.fromhex("000100000001")


@given(st.binary(max_size=12))
def test_whatever_decodes_encodes_to_itself(data: bytes) -> None:
    try:
        values = decode(lambda reader: reader.vector(Reader.opaque), data)
    except DecodingError:
        return
    assert vector(map(opaque, values)) == data


def test_presence_byte() -> None:
    with pytest.raises(DecodingError):
        Reader(b"\x02\x00").optional(Reader.uint8)


def test_an_item_may_not_leave_its_vector() -> None:
    with pytest.raises(DecodingError):
        decode(lambda reader: reader.vector(Reader.uint16), b"\x03\x00\x01\x00")


def one_by_one(reader: Reader) -> list[bytes]:
    return [reader.opaque() for _ in range(3)]


SEVERAL = st.lists(st.binary(max_size=80), max_size=4).map(lambda values: b"".join(map(opaque, values)))


@given(st.one_of(st.binary(max_size=12), SEVERAL))
def test_several_are_read_as_one_by_one(data: bytes) -> None:
    """In the middle of a longer buffer too: what is behind the reader's end is not its own."""
    try:
        wanted = one_by_one(Reader(data))
    except DecodingError:
        for buffer in (data, data + bytes(80)):
            with pytest.raises(DecodingError):
                Reader(buffer, 0, len(data)).opaques(3)
            with pytest.raises(DecodingError):
                one_by_one(Reader(buffer, 0, len(data)))
        return
    reader = Reader(data + bytes(80), 0, len(data))
    assert reader.opaques(3) == wanted
    assert reader.since(0) == b"".join(map(opaque, wanted))


@given(st.lists(st.integers(0, 2**16 - 1), max_size=40))
def test_a_nested_reader_ends_where_its_vector_does(numbers: list[int]) -> None:
    reader = Reader(vector(map(uint16, numbers)) + b"\xff\xff")
    inner = reader.nested()
    assert reader.uint16() == 0xFFFF
    assert [inner.uint16() for _ in numbers] == numbers
    assert inner.at_end
    for read in (Reader.uint8, Reader.uint16, Reader.opaque, Reader.nested, Reader.presence):
        with pytest.raises(DecodingError):
            read(inner)
    with pytest.raises(DecodingError):
        inner.vector(Reader.uint8)
