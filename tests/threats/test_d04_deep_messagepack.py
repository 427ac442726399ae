"""D4: deep or huge MessagePack is refused before it costs anything."""

from __future__ import annotations

import time

import msgspec
import pytest

from sottovoce.link.connection import ServerConnection
from sottovoce.link.connection_state import State
from sottovoce.link.errors import MalformedMessage

BOMBS = {
    "deep arrays": b"\x91" * 1_000_000,
    "deep maps": b"\x81\xa1a" * 300_000,
    "an array of four billion": b"\x93\xa4ping\x01\xdd\xff\xff\xff\xff",
    "a map of four billion": b"\x93\xa4ping\x01\xdf\xff\xff\xff\xff",
    "a string of four gibibytes": b"\x93\xa4ping\x01\xdb\xff\xff\xff\xff",
    "deep, behind the known fields": b"\x93\xa4ping\x01" + b"\x91" * 900_000,
    "a long list of versions": msgspec.msgpack.encode(["hello", 1, [1] * 100_000, "x"]),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_bombs_are_refused_at_once(bomb):
    connection = ServerConnection()
    connection.state = State.DEVICE
    connection._reader.limit = 1024 * 1024
    began = time.thread_time()
    with pytest.raises(MalformedMessage):
        connection.receive_data(len(bomb).to_bytes(4, "big") + bomb)
    assert time.thread_time() - began < 0.5
