"""Entries of a room log in their encoding: made once, for the disk, the push and every later fetch."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final, overload

import msgspec

from sottovoce.link.parts import Entry

_encoder: Final = msgspec.msgpack.Encoder()
_entries: Final = msgspec.msgpack.Decoder(list[Entry])
_parts: Final = msgspec.msgpack.Decoder(list[msgspec.Raw])

_SHORT_HEADERS: Final = [bytes((0x90 | count,)) for count in range(16)]
_ARRAY16_MAX: Final = 0xFFFF
_array16, _array32 = struct.Struct(">BH"), struct.Struct(">BI")


def encode_entry(entry: Entry) -> bytes:
    """The entry's MessagePack array, as it stands in a push or a reply."""
    return _encoder.encode(entry)


class EncodedEntries(Sequence[Entry]):
    """``count`` entries, each as :func:`encode_entry` gives it, one after another in ``encoded``.

    In a message it takes the place of a list of entries, and the frame is the same to the byte. Whoever looks
    at an entry has all of them decoded.
    """

    __slots__ = ("_count", "_encoded")

    def __init__(self, encoded: bytes, count: int) -> None:
        self._encoded = encoded
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Entry]:
        return iter(_entries.decode(self.to_array()))

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> list[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | list[Entry]:
        return _entries.decode(self.to_array())[index]

    def __repr__(self) -> str:
        return f"<{self._count} entries, {len(self._encoded)} bytes>"

    def apart(self) -> list[msgspec.Raw]:
        """The encoding of each entry, a view: cut by its lengths, nothing in it is decoded or copied."""
        return _parts.decode(self.to_array())

    def to_array(self) -> msgspec.Raw:
        """The MessagePack array of all entries."""
        return msgspec.Raw(_array_header(self._count) + self._encoded)


def _array_header(count: int) -> bytes:
    """The shortest there is, as every encoder writes it."""
    if count < len(_SHORT_HEADERS):
        return _SHORT_HEADERS[count]
    return _array16.pack(0xDC, count) if count <= _ARRAY16_MAX else _array32.pack(0xDD, count)


def encode_in_place(value: object) -> msgspec.Raw:
    """For an encoder of messages: what stands for a part that is encoded already."""
    if isinstance(value, EncodedEntries):
        return value.to_array()
    raise TypeError(f"a {type(value).__name__} is no part of a message")
