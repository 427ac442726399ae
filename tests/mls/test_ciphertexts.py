"""A run of equally long ciphertexts is read as a list read one by one would be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.mls.ciphertexts import EqualCiphertexts, encode_ciphertexts, read_ciphertexts
from sottovoce.mls.errors import DecodingError
from sottovoce.mls.presentation import Reader, decode, vector

PAIRS = st.tuples(st.binary(max_size=70), st.binary(max_size=70))
LISTS = st.lists(PAIRS, max_size=6)
EQUAL = st.tuples(PAIRS, st.integers(1, 6)).map(lambda case: [case[0]] * case[1])


def read_one_by_one(data: bytes) -> list[tuple[bytes, bytes]]:
    return decode(lambda reader: reader.vector(lambda inner: (inner.opaque(), inner.opaque())), data)


@given(st.one_of(LISTS, EQUAL))
def test_there_and_back(pairs: list[tuple[bytes, bytes]]) -> None:
    data = encode_ciphertexts(pairs)
    read = decode(read_ciphertexts, data)
    assert list(read) == pairs
    assert read == tuple(pairs)
    assert hash(read) == hash(tuple(pairs))
    assert len(read) == len(pairs)
    assert [read[at] for at in range(-len(pairs), len(pairs))] == pairs + pairs
    assert read[1:3] == tuple(pairs[1:3])
    assert encode_ciphertexts(read) == data
    with pytest.raises(IndexError):
        read[len(pairs)]


@given(
    st.one_of(
        st.binary(max_size=60), EQUAL.map(encode_ciphertexts).map(lambda whole: Reader(whole).opaque())
    ),
    st.data(),
)
def test_as_strict_as_one_by_one(encoded: bytes, data: st.DataObject) -> None:
    """Whatever bytes are changed or cut off, the two ways of reading agree."""
    body = bytearray(encoded)
    for _ in range(data.draw(st.integers(0, 2))):
        if body:
            body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    spoilt = vector([bytes(body[: data.draw(st.integers(0, len(body)))])])
    try:
        wanted = read_one_by_one(spoilt)
    except DecodingError:
        with pytest.raises(DecodingError):
            decode(read_ciphertexts, spoilt)
    else:
        assert list(decode(read_ciphertexts, spoilt)) == wanted


def test_equal_ones_are_a_run() -> None:
    one = (b"k" * 32, b"c" * 48)
    run = decode(read_ciphertexts, encode_ciphertexts([one] * 5))
    assert isinstance(run, EqualCiphertexts)
    assert repr(run) == "EqualCiphertexts(5 of 82 bytes)"
    assert run != [one] * 5
    assert run != (one,) * 4
    other = decode(read_ciphertexts, encode_ciphertexts([one, (b"k" * 31, b"c" * 49)]))
    assert isinstance(other, tuple)
