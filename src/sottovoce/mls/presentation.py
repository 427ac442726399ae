"""The TLS presentation language as MLS uses it (RFC 9420 §2.1, RFC 8446 §3).

Writing is concatenation of ``bytes``; reading is a :class:`Reader` over one buffer that never copies
more than the leaf it returns. Everything is strict: a value has exactly one encoding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from sottovoce.mls.errors import DecodingError

T = TypeVar("T")

MAX_VECTOR_LENGTH: Final = (1 << 30) - 1
"""Largest length in bytes that a variable-size vector can have (RFC 9420 §2.1.2)."""


def uint8(value: int) -> bytes:
    """Encode one byte."""
    return value.to_bytes(1, "big")


def uint16(value: int) -> bytes:
    """Encode two bytes, big-endian."""
    return value.to_bytes(2, "big")


def uint32(value: int) -> bytes:
    """Encode four bytes, big-endian."""
    return value.to_bytes(4, "big")


def uint64(value: int) -> bytes:
    """Encode eight bytes, big-endian."""
    return value.to_bytes(8, "big")


_SHORT_LENGTHS: Final = tuple(bytes((length,)) for length in range(0x40))


def variable_length(value: int) -> bytes:
    """Encode a vector's length in 1, 2 or 4 bytes, the fewest that hold it (RFC 9420 §2.1.2).

    Raises ``OverflowError`` above :data:`MAX_VECTOR_LENGTH`: no structure of ours grows that large.
    """
    if 0 <= value < 0x40:
        return _SHORT_LENGTHS[value]
    if value < 0x4000:
        return (value | 0x4000).to_bytes(2, "big")
    if value > MAX_VECTOR_LENGTH:
        raise OverflowError(f"a vector of {value} bytes has no encoding")
    return (value | 0x8000_0000).to_bytes(4, "big")


def opaque(value: bytes) -> bytes:
    """Encode ``opaque value<V>``: length, then the bytes."""
    length = len(value)
    return (_SHORT_LENGTHS[length] if length < 0x40 else variable_length(length)) + value


def vector(encoded: Iterable[bytes]) -> bytes:
    """Encode ``T items<V>`` from the items' encodings: length in bytes, then all of them."""
    return opaque(b"".join(encoded))


def optional(encoded: bytes | None) -> bytes:
    """Encode ``optional<T>``: one presence byte, then the value if there is one (RFC 9420 §2.1.1)."""
    return b"\x00" if encoded is None else b"\x01" + encoded


class Reader:
    """A cursor over one buffer; every method raises :class:`DecodingError` where the bytes end too early."""

    __slots__ = ("_at", "_data", "_end")

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        self._data = data
        self._at = start
        self._end = len(data) if end is None else end

    @property
    def position(self) -> int:
        """Offset in the buffer of the next byte; with :meth:`since` it gives a structure's own bytes."""
        return self._at

    @property
    def at_end(self) -> bool:
        """Whether every byte has been read."""
        return self._at == self._end

    def since(self, position: int) -> bytes:
        """Return the bytes read since ``position``."""
        return self._data[position : self._at]

    def fixed(self, length: int) -> bytes:
        """Read exactly ``length`` bytes."""
        at = self._advance(length)
        return self._data[at : at + length]

    def rest(self) -> bytes:
        """Read every byte that is left."""
        return self.fixed(self._end - self._at)

    def uint8(self) -> int:
        """Read one byte."""
        return self._data[self._advance(1)]

    def uint16(self) -> int:
        """Read two bytes."""
        at = self._advance(2)
        return self._data[at] << 8 | self._data[at + 1]

    def uint32(self) -> int:
        """Read four bytes."""
        at = self._advance(4)
        return int.from_bytes(self._data[at : at + 4], "big")

    def uint64(self) -> int:
        """Read eight bytes."""
        at = self._advance(8)
        return int.from_bytes(self._data[at : at + 8], "big")

    def variable_length(self) -> int:
        """Read a vector's length header; the length itself is not checked against the buffer here."""
        data, at = self._data, self._advance(1)
        first = data[at]
        if first < 0x40:
            return first
        # RFC 9420 §2.1.2: vectors with the prefix 11 "are invalid and MUST be rejected".
        if first >= 0xC0:
            raise DecodingError("a vector's length header begins with the invalid prefix 11")
        if first < 0x80:
            value, least = (first & 0x3F) << 8 | data[self._advance(1)], 0x40
        else:
            self._advance(3)
            value, least = int.from_bytes(data[at : at + 4], "big") & MAX_VECTOR_LENGTH, 0x4000
        # RFC 9420 §2.1.2: "values using more bits than necessary MUST be treated as malformed".
        if value < least:
            raise DecodingError(f"the vector length {value} is not in its shortest form")
        return value

    def opaque(self) -> bytes:
        """Read ``opaque value<V>``."""
        data, at = self._data, self._at
        # Short values are most of what a large group's messages hold: their header is read here.
        if at < self._end and (length := data[at]) < 0x40:
            at += 1
        else:
            length = self.variable_length()
            at = self._at
        end = at + length
        if end > self._end:
            raise DecodingError(f"{length} bytes are wanted where {self._end - at} are left")
        self._at = end
        return data[at:end]

    def opaques(self, count: int) -> list[bytes]:
        """Read ``count`` times ``opaque value<V>``, as :meth:`opaque` does and in less time."""
        data, at, values = self._data, self._at, []
        for _ in range(count):
            if at < self._end and (length := data[at]) < 0x40:
                at += 1
            else:
                self._at = at
                length = self.variable_length()
                at = self._at
            end = at + length
            if end > self._end:
                raise DecodingError(f"{length} bytes are wanted where {self._end - at} are left")
            values.append(data[at:end])
            at = end
        self._at = at
        return values

    def nested(self) -> Reader:
        """Read a vector's length; returns a reader of its bytes alone, which this one has passed."""
        length = self.variable_length()
        at = self._advance(length)
        return Reader(self._data, at, at + length)

    def vector(self, read: Callable[[Reader], T]) -> list[T]:
        """Read ``T items<V>``: items until the vector's bytes are used up exactly."""
        items: list[T] = []
        if self._at < self._end and not self._data[self._at]:
            self._at += 1
            return items
        inner = self.nested()
        while inner._at != inner._end:  # noqa: SLF001  # of this class
            items.append(read(inner))
        return items

    def presence(self) -> bool:
        """Read the presence byte of ``optional<T>``."""
        presence = self._data[self._advance(1)]
        # RFC 9420 §2.1.1: another octet than 0 or 1 "MUST be rejected as malformed".
        if presence > 1:
            raise DecodingError(f"an optional value's presence byte is {presence}")
        return presence == 1

    def optional(self, read: Callable[[Reader], T]) -> T | None:
        """Read ``optional<T>`` (RFC 9420 §2.1.1)."""
        return read(self) if self.presence() else None

    def finish(self) -> None:
        """Check that nothing is left over."""
        if self._at != self._end:
            raise DecodingError(f"{self._end - self._at} bytes follow the end of the structure")

    def _advance(self, length: int) -> int:
        at = self._at
        if length > self._end - at:
            raise DecodingError(f"{length} bytes are wanted where {self._end - at} are left")
        self._at = at + length
        return at


def decode(read: Callable[[Reader], T], data: bytes) -> T:
    """Read one whole structure; raises :class:`DecodingError` unless it is exactly ``data``."""
    reader = Reader(bytes(data))
    value = read(reader)
    reader.finish()
    return value
