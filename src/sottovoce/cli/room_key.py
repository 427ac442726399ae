"""A room key as one line of text that people can hand over: ``SVK1`` and 58 letters and digits.

Base32 (RFC 4648 §6) of 32 random bytes and a checksum of four: no letter case, no look-alike digits, and a
slip in copying is noticed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from pathlib import Path
from typing import Final

from sottovoce.cli.errors import BadRoomKey

PREFIX: Final = "SVK1"
KEY_LENGTH: Final = 32
_CHECKSUM_LENGTH: Final = 4
_TEXT_LENGTH: Final = len(PREFIX) + 58


def room_key_text(key: bytes) -> str:
    """Return the line for 32 bytes."""
    return PREFIX + base64.b32encode(key + _checksum(key)).decode("ascii").rstrip("=")


def read_room_key(path: Path) -> bytes:
    """Return the 32 bytes in a file that ``sottovoce keygen`` made; raises :class:`BadRoomKey`."""
    try:
        with path.open("rb") as file:
            text = file.read(4096).decode("ascii")
    except OSError as error:
        raise BadRoomKey(str(path), error.strerror or "not readable") from None
    except UnicodeDecodeError:
        raise BadRoomKey(str(path), "it is not text") from None
    return _parse("".join(text.split()).upper(), str(path))


def _parse(text: str, path: str) -> bytes:
    if not text.startswith(PREFIX):
        raise BadRoomKey(path, f"it does not begin with {PREFIX}")
    if len(text) != _TEXT_LENGTH:
        raise BadRoomKey(path, "it is not whole")
    try:
        octets = base64.b32decode(text.removeprefix(PREFIX) + "======")
    except binascii.Error:
        raise BadRoomKey(path, "it has a letter that no key has") from None
    key = octets[:KEY_LENGTH]
    if not hmac.compare_digest(octets[KEY_LENGTH:], _checksum(key)):
        raise BadRoomKey(path, "it has a slip in it")
    return key


def _checksum(key: bytes) -> bytes:
    return hashlib.sha256(b"Sottovoce 1 room key text" + key).digest()[:_CHECKSUM_LENGTH]
