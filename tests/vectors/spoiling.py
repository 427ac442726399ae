"""Valid bytes made invalid, each in one way that RFC 9420 says is to be refused."""

from __future__ import annotations

from collections.abc import Iterator

from sottovoce.mls.presentation import Reader


def flipped(data: bytes, at: int = -1) -> bytes:
    """Return ``data`` with one bit of the byte at ``at`` changed."""
    spoilt = bytearray(data)
    spoilt[at] ^= 1
    return bytes(spoilt)


def truncations(data: bytes, count: int = 8) -> Iterator[bytes]:
    """Yield about ``count`` true prefixes of ``data``, the empty one and the longest one among them."""
    for length in sorted({*range(0, len(data), -(-len(data) // count)), len(data) - 1}):
        yield data[:length]


def lengthened(data: bytes, at: int) -> list[bytes]:
    """Return ``data`` with the vector length at ``at`` in each form longer than it needs (§2.1.2)."""
    reader = Reader(data, at)
    value = reader.variable_length()
    longer = [(value | 0x4000).to_bytes(2, "big")] if value < 0x40 else []
    longer += [(value | 0x8000_0000).to_bytes(4, "big")] if value < 0x4000 else []
    return [data[:at] + header + data[reader.position :] for header in longer]
