"""The link's frames as the load process needs them: built from templates, and counted without decoding.

What is rare (hello, login, subscribe, fetch) goes through :mod:`sottovoce.link`; what comes a million times a
second is cut by its length and told apart by the first letters of its name.
"""

from __future__ import annotations

import random
import ssl
import string
import struct
import time
from typing import Final

import msgspec

from bench.seed_server import named
from sottovoce.crypto.certificates import public_key_pin
from sottovoce.crypto.signatures import ed25519_sign
from sottovoce.link.certificates import device_login_content
from sottovoce.link.frames import encode_frame
from sottovoce.link.messages import ALPN, Append, ClientMessage, DeviceLogin, HelloReply, ServerMessage
from sottovoce.link.parts import Outgoing

MARKER_BYTES: Final = 8
HEADER_BYTES: Final = 7
"""A frame's length (4), its array's header, its name's header and the name's first letter."""

server_messages: Final = msgspec.msgpack.Decoder(ServerMessage)

_HEADER: Final = struct.Struct(">IxH")  # length of the body; header and first letter of the name
_ENTRIES, _APPEND_REPLY, _CATCH_UP, _ERROR = (
    0xA0 + len(name) << 8 | ord(name[0]) for name in ("entries", "append_reply", "catch_up", "error")
)
_MESSAGE_ID: Final = struct.Struct(">QQ")  # Unix ms (6 bytes) and salt; connection and number
_REQUEST_ID: Final = struct.Struct(">I")
_TEXT: Final = struct.Struct(">QII")  # when it was due (ns); connection and number
_FILLER: Final = string.ascii_letters + string.digits + "+/"
_SALT: Final = random.Random().getrandbits(16)  # of this process: two runs make no id twice


def client_context() -> ssl.SSLContext:
    """Return TLS 1.3 with ALPN, as clients offer it; the certificate is read, and pinned by the login."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols([ALPN])
    return context


def device_login(number: int, user: int, hello: HelloReply, certificate: bytes) -> ClientMessage:
    """Return the signed login of a seeded user; ``certificate`` is the server's (DER)."""
    name, device_id = f"u{user}", named("device", user)[:16]
    content = device_login_content(hello.challenge, public_key_pin(certificate), name, device_id)
    return DeviceLogin(number, name, device_id, ed25519_sign(named("seed", user), content))


def room_id(number: int) -> bytes:
    """Return the id (16 bytes) of a seeded room."""
    return named("room", number)[:16]


class Sender:
    """Makes the messages of one connection from one prebuilt frame.

    A payload is the run's marker, the time it was due, connection and number, then filler.
    """

    __slots__ = ("_at_message", "_at_request", "_at_text", "_connection", "_frame", "number")

    def __init__(self, connection: int, room: bytes, marker: bytes, payload: int) -> None:
        self._connection = connection
        self.number = 0
        rest = payload - MARKER_BYTES - _TEXT.size
        text = marker + bytes(_TEXT.size) + "".join(random.choices(_FILLER, k=rest)).encode()
        mark = b"\xff" * 16
        request = 2**32 - 1  # the widest: every id is written over it
        frame = encode_frame(Append(request, room, [Outgoing(mark, 0, text)]))
        self._at_request = frame.index(b"\xce" + b"\xff" * 4) + 1
        self._at_message = frame.index(mark, self._at_request + 4)
        self._at_text = frame.index(marker) + MARKER_BYTES
        self._frame = bytearray(frame)

    def next(self, due: int) -> bytes:
        """Return the next message's frame. ``due``: nanoseconds of the monotonic clock."""
        number, frame = self.number, self._frame
        self.number = number + 1
        _REQUEST_ID.pack_into(frame, self._at_request, number + 0x10000)
        unix_ms = time.time_ns() // 1_000_000
        _MESSAGE_ID.pack_into(frame, self._at_message, unix_ms << 16 | _SALT, self._connection << 32 | number)
        _TEXT.pack_into(frame, self._at_text, due, self._connection, number)
        return bytes(frame)


def due_time(data: bytes | bytearray | memoryview, marker_at: int) -> int:
    """Return when the message was due whose marker is there (ns)."""
    due: int = _TEXT.unpack_from(data, marker_at + MARKER_BYTES)[0]
    return due


def origin(payload: bytes) -> tuple[int, int]:
    """Return the connection a payload is from, and its number there."""
    _due, connection, number = _TEXT.unpack_from(payload, MARKER_BYTES)
    return connection, number


class FrameCounter:
    """Counts what a connection receives. Frames may come in any pieces."""

    __slots__ = ("_next", "acknowledged", "carry", "caught_out", "refused")

    def __init__(self) -> None:
        self._next = 0
        self.carry = bytes(HEADER_BYTES)
        """The last bytes of what came before: a header or marker that was cut is whole again after them."""
        self.acknowledged = 0
        self.caught_out = 0
        self.refused = 0

    def take(self, buffer: bytearray, end: int) -> int:
        """Go through ``buffer[:end]``: :attr:`carry`, then what came; returns the acknowledgements in it."""
        at, last = self._next + HEADER_BYTES, end - HEADER_BYTES
        acknowledged = 0
        unpack = _HEADER.unpack_from
        while at <= last:
            length, kind = unpack(buffer, at)
            if kind == _APPEND_REPLY:
                acknowledged += 1
            elif kind == _CATCH_UP:
                self.caught_out += 1
            elif kind == _ERROR:
                self.refused += 1
            at += 4 + length
        self._next = at - end
        self.carry = bytes(buffer[last:end])
        self.acknowledged += acknowledged
        return acknowledged
