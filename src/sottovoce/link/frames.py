"""Frames: a 4-byte big-endian length, then that many bytes of body (docs/protocol.md, *Link*).

The length is judged as soon as its four bytes are here, before memory is taken for the body.
"""

from __future__ import annotations

from typing import Final

import msgspec

from sottovoce.link.errors import FrameTooLarge
from sottovoce.link.messages import Message

HEADER_LENGTH: Final = 4
LIMIT_BEFORE_LOGIN: Final = 16 * 1024
"""Largest body, in bytes, on a connection that has not logged a device in."""
LIMIT_AFTER_LOGIN: Final = 1024 * 1024
"""Largest body, in bytes, once a device is logged in; larger ones are never sent."""

_encoder = msgspec.msgpack.Encoder()


def encode_frame(message: Message) -> bytes:
    """Return the whole frame of ``message``: encoded once, it can go to any number of connections.

    Raises :class:`FrameTooLarge` when the body is over :data:`LIMIT_AFTER_LOGIN`.
    """
    buffer = bytearray(HEADER_LENGTH)
    _encoder.encode_into(message, buffer, HEADER_LENGTH)
    length = len(buffer) - HEADER_LENGTH
    if length > LIMIT_AFTER_LOGIN:
        raise FrameTooLarge(f"a message of {length} bytes does not fit into a frame")
    buffer[:HEADER_LENGTH] = length.to_bytes(HEADER_LENGTH, "big")
    return bytes(buffer)


class FrameReader:
    """Cuts a byte stream into frame bodies. Holds at most what was received and not yet cut."""

    __slots__ = ("_buffer", "_start", "limit")

    def __init__(self, limit: int = LIMIT_BEFORE_LOGIN) -> None:
        self.limit = limit
        self._buffer = bytearray()
        self._start = 0

    @property
    def is_mid_frame(self) -> bool:
        """Whether bytes of an unfinished frame are held."""
        return len(self._buffer) > self._start

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes of the stream."""
        self._buffer += data

    def next_frame(self) -> bytes | None:
        """Return the next whole body, or None when more bytes are needed.

        Raises :class:`FrameTooLarge` as soon as a length over :attr:`limit` bytes can be read.
        """
        body = self._start + HEADER_LENGTH
        if len(self._buffer) < body:
            self._compact()
            return None
        length = int.from_bytes(self._buffer[self._start : body], "big")
        if length > self.limit:
            raise FrameTooLarge(f"a frame of {length} bytes is over the limit of {self.limit} bytes")
        if len(self._buffer) < body + length:
            self._compact()
            return None
        self._start = body + length
        with memoryview(self._buffer) as view:
            return bytes(view[body : self._start])

    def _compact(self) -> None:
        """Drop what was cut already; called when a frame is incomplete, so each byte moves rarely."""
        if self._start == len(self._buffer):
            self._buffer = bytearray()
            self._start = 0
        elif self._start > 0:
            del self._buffer[: self._start]
            self._start = 0
