"""A run of equally long structs is read as a list read one by one would be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.mls.errors import DecodingError
from sottovoce.mls.group_info import EncryptedGroupSecrets, Welcome
from sottovoce.mls.presentation import Reader, decode, opaque, vector
from sottovoce.mls.proposals import PathNode
from sottovoce.mls.runs import Run

Pair = tuple[bytes, bytes]
PAIRS = st.tuples(st.binary(max_size=70), st.binary(max_size=70))
LISTS = st.lists(PAIRS, max_size=6)
EQUAL = st.tuples(PAIRS, st.integers(1, 6)).map(lambda case: [case[0]] * case[1])


def body(pairs: list[Pair]) -> bytes:
    return b"".join(opaque(one) + opaque(other) for one, other in pairs)


def read(data: bytes) -> PathNode:
    return decode(PathNode.read, opaque(b"key") + vector([data]))


def read_one_by_one(data: bytes) -> list[Pair]:
    return decode(lambda reader: reader.vector(lambda r: (r.opaque(), r.opaque())), vector([data]))


@given(st.one_of(LISTS, EQUAL))
def test_there_and_back(pairs: list[Pair]) -> None:
    node = read(body(pairs))
    ciphertexts = node.encrypted_path_secret
    assert list(ciphertexts) == pairs
    assert ciphertexts == tuple(pairs)
    assert node == PathNode(b"key", tuple(pairs))
    assert hash(node) == hash(PathNode(b"key", tuple(pairs)))
    assert len(ciphertexts) == len(pairs)
    assert [ciphertexts[at] for at in range(-len(pairs), len(pairs))] == pairs + pairs
    assert ciphertexts[1:3] == tuple(pairs[1:3])
    assert node.encoded == opaque(b"key") + vector([body(pairs)])
    with pytest.raises(IndexError):
        ciphertexts[len(pairs)]


@given(st.one_of(st.binary(max_size=60), EQUAL.map(body)), st.data())
def test_as_strict_as_one_by_one(encoded: bytes, data: st.DataObject) -> None:
    """Whatever bytes are changed or cut off, the two ways of reading agree."""
    spoilt = bytearray(encoded)
    for _ in range(data.draw(st.integers(0, 2))):
        if spoilt:
            spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(spoilt[: data.draw(st.integers(0, len(spoilt)))])
    try:
        wanted = read_one_by_one(cut)
    except DecodingError:
        with pytest.raises(DecodingError):
            read(cut)
    else:
        assert list(read(cut).encrypted_path_secret) == wanted


def test_equal_ones_are_a_run() -> None:
    one = (b"k" * 32, b"c" * 48)
    run = read(body([one] * 5)).encrypted_path_secret
    assert isinstance(run, Run)
    assert repr(run) == "Run(5 of 82 bytes)"
    assert run != [one] * 5
    assert run != (one,) * 4
    assert isinstance(read(body([one, (b"k" * 31, b"c" * 49)])).encrypted_path_secret, tuple)


NAMES = st.sampled_from([b"a", b"b", b"aa", b""])


@given(st.lists(st.tuples(NAMES, st.sampled_from([b"a", b"b"])), max_size=5), NAMES)
def test_the_secrets_for_one_are_found(entries: list[Pair], wanted: bytes) -> None:
    secrets = tuple(EncryptedGroupSecrets(name, kem, b"aa") for name, kem in entries)
    welcome = Welcome(1, secrets, b"group info")
    again = Welcome.read(Reader(welcome.encoded))
    assert (again, again.encoded) == (welcome, welcome.encoded)
    first = next((one for one in secrets if one.new_member == wanted), None)
    assert welcome.secrets_for(wanted) == again.secrets_for(wanted) == first
