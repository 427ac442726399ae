"""Frames: a 4-byte big-endian length, then that many bytes of body (docs/protocol.md, *Link*).

The length is judged as soon as its four bytes are here, before memory is taken for the body.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

import msgspec

from sottovoce.link.encoded_entries import encode_in_place
from sottovoce.link.errors import FrameTooLarge
from sottovoce.link.messages import Message

HEADER_LENGTH: Final = 4
LIMIT_BEFORE_LOGIN: Final = 16 * 1024
"""Largest body, in bytes, on a connection that has not logged a device in."""
LIMIT_AFTER_LOGIN: Final = 1024 * 1024
"""Largest body, in bytes, once a device is logged in; larger ones are never sent."""

_encoder: Final = msgspec.msgpack.Encoder(enc_hook=encode_in_place)
_length: Final = struct.Struct(">I")


def encode_frame(message: Message) -> bytes:
    """Return the whole frame of ``message``: encoded once, it can go to any number of connections.

    Raises :class:`FrameTooLarge` when the body is over :data:`LIMIT_AFTER_LOGIN`.
    """
    body = _encoder.encode(message)
    length = len(body)
    if length > LIMIT_AFTER_LOGIN:
        raise FrameTooLarge(f"a message of {length} bytes does not fit into a frame")
    return _length.pack(length) + body


class FrameReader:
    """Cuts a byte stream into frame bodies. Holds no more than the bytes of one unfinished frame."""

    __slots__ = ("_held", "_wanted", "limit")

    def __init__(self, limit: int = LIMIT_BEFORE_LOGIN) -> None:
        self.limit = limit
        self._held = bytearray()
        self._wanted = HEADER_LENGTH

    @property
    def is_mid_frame(self) -> bool:
        """Whether bytes of an unfinished frame are held."""
        return bool(self._held)

    def frames(self, data: bytes | bytearray | memoryview) -> Iterator[memoryview]:
        """Take the next bytes of the stream; yields each whole body, a view that is good until the next.

        A frame that came in one piece is not copied. Raises :class:`FrameTooLarge` as soon as a length over
        :attr:`limit` bytes can be read; nothing more may be fed then.
        """
        if self._held:
            self._held += data
            if len(self._held) < self._wanted:
                return
            data, self._held = self._held, bytearray()
        view = memoryview(data)
        at, end = 0, len(view)
        while end - at >= HEADER_LENGTH:
            (length,) = _length.unpack_from(view, at)
            if length > self.limit:
                raise FrameTooLarge(f"a frame of {length} bytes is over the limit of {self.limit} bytes")
            body = at + HEADER_LENGTH
            if end - body < length:
                self._hold(view[at:], HEADER_LENGTH + length)
                return
            at = body + length
            yield view[body:at]
        self._hold(view[at:], HEADER_LENGTH)

    def _hold(self, rest: memoryview, wanted: int) -> None:
        """Keep an unfinished frame; its length is looked at again when ``wanted`` bytes are here."""
        self._held = bytearray(rest)
        self._wanted = wanted
