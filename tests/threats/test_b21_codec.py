"""B21: lengths, trailing bytes and non-minimal headers are refused."""

from __future__ import annotations

import os

import pytest
from mls_world import World

from sottovoce.mls import DecodingError, KeyPackage
from sottovoce.mls.framing import MLSMessage
from sottovoce.mls.presentation import Reader


@pytest.mark.parametrize(
    "header", ["4000", "403f", "80000000", "80003fff", "c0000000", "ff", "40", "80", "bfffff", ""]
)
def test_headers(header: str) -> None:
    with pytest.raises(DecodingError):
        Reader(bytes.fromhex(header)).variable_length()


def test_a_length_of_a_gigabyte_takes_no_memory() -> None:
    with pytest.raises(DecodingError):
        Reader(bytes.fromhex("bfffffff") + b"x").opaque()


def test_trailing_and_missing_bytes(world: World) -> None:
    alice, _ = world.group_of("alice", "bob")
    for message in (
        alice.encrypt(b"x", random=os.urandom).message,
        alice.group_info(),
        world.bundle("carol").message,
    ):
        MLSMessage.decode(message)
        for spoilt in (message + b"\x00", message[:-1]):
            with pytest.raises(DecodingError):
                MLSMessage.decode(spoilt)
    with pytest.raises(DecodingError):
        KeyPackage.from_message(alice.group_info())
