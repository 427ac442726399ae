"""The invite link: everything a friend needs to arrive (docs/protocol.md, *Invite link*).

``sottovoce://host:port/room#fragment``. The fragment is base64url (RFC 4648 §5, no padding) of a MessagePack
array and a checksum of four bytes over the whole link, so that a slip in copying is told from an expired
link. Whoever reads the link can use it: its ``repr`` shows only where it leads.

In a QR code the fragment is the same octets behind a byte 0x01, as one decimal number: digits take less room
there than letters do.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import re
from dataclasses import dataclass, field
from typing import Annotated, Final
from urllib.parse import quote, unquote

import msgspec
from msgspec import Meta

from sottovoce.crypto.secret import Secret
from sottovoce.errors import LocalError

SCHEME: Final = "sottovoce"
CHECKSUM_LENGTH: Final = 4
MAX_LINK_LENGTH: Final = 2048  # characters; a QR code of more is not read by a phone
MAX_ROOM_NAME_LENGTH: Final = 64  # characters
_DIGITS_PREFIX: Final = b"\x01"  # so that a number keeps the octets it begins with, whatever they are

_LINK: Final = re.compile(
    r"sottovoce://(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253}):(?P<port>[0-9]{1,5})"
    r"/(?P<room>[A-Za-z0-9._~%-]{1,768})#(?P<fragment>[A-Za-z0-9_-]+)"
)


class BadInviteLink(LocalError):
    """A link that is cut, mistyped or of an unknown version."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"This is not a whole invite link: {reason}. Copy it again from `sottovoce://` to its very end."
        )


class ExpiredInviteLink(LocalError):
    """A link whose time is over."""

    def __init__(self) -> None:
        super().__init__("This invite link has expired. Ask for a fresh one (`sottovoce invite`).")


class _Fragment(msgspec.Struct, array_like=True, frozen=True):
    """The array inside the fragment, version 1; fields are only ever added at the end."""

    version: Annotated[int, Meta(ge=1, le=255)]
    server_pin: Annotated[bytes, Meta(min_length=32, max_length=32)]
    token: Annotated[bytes, Meta(min_length=16, max_length=16)] | None
    room_id: Annotated[bytes, Meta(min_length=16, max_length=16)]
    join_secret: Annotated[bytes, Meta(min_length=32, max_length=32)]
    join_secret_epoch: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    inviter_fingerprint: Annotated[bytes, Meta(min_length=32, max_length=32)] | None
    expires_at: Annotated[int, Meta(ge=0, le=2**53)] | None


@dataclass(frozen=True)
class InviteLink:
    """One invitation into one room.

    ``server_pin`` is SHA-256 of the server key's SubjectPublicKeyInfo (32 bytes); ``token`` a registration
    token (16 bytes; None: the joiner has an account, or the server needs none); ``room_id`` 16 bytes and
    ``join_secret`` 32, rotated last in ``join_secret_epoch``; ``inviter_fingerprint`` the inviter's account
    key's fingerprint (32 bytes; None: the server itself invites); ``expires_at`` Unix seconds or None.
    """

    host: str
    port: int
    room_name: str
    server_pin: bytes
    token: bytes | None = field(repr=False)
    room_id: bytes
    join_secret: Secret
    join_secret_epoch: int = 0
    inviter_fingerprint: bytes | None = None
    expires_at: int | None = None

    @property
    def address(self) -> str:
        """``host:port``, an IPv6 host in brackets (RFC 3986 §3.2.2)."""
        return f"{_bracketed(self.host)}:{self.port}"

    def __str__(self) -> str:
        packed = msgspec.msgpack.encode(
            _Fragment(
                1,
                self.server_pin,
                self.token,
                self.room_id,
                self.join_secret.reveal(),
                self.join_secret_epoch,
                self.inviter_fingerprint,
                self.expires_at,
            )
        )
        room = quote(self.room_name, safe="")
        checksum = _checksum(self.host, self.port, self.room_name, packed)
        fragment = base64.urlsafe_b64encode(packed + checksum).decode("ascii").rstrip("=")
        return f"{SCHEME}://{self.address}/{room}#{fragment}"

    def __repr__(self) -> str:
        return f"InviteLink({SCHEME}://{self.address}/{quote(self.room_name, safe='')}#<redacted>)"

    @classmethod
    def parse(cls, text: str, *, now: float) -> InviteLink:
        """Read a link as a person pasted it: blanks and line breaks inside are ignored.

        ``now`` is Unix seconds. Raises :class:`BadInviteLink` and, for a whole link that is over,
        :class:`ExpiredInviteLink`.
        """
        if len(text) > 2 * MAX_LINK_LENGTH:
            raise BadInviteLink("it is far too long")
        match = _LINK.fullmatch("".join(text.split()))
        if match is None:
            raise BadInviteLink(f"it does not read {SCHEME}://HOST:PORT/ROOM#...")
        host, port = _host(match["host"]), int(match["port"])
        if not 0 < port < 65536:
            raise BadInviteLink(f"{port} is no port")
        room_name = _room_name(match["room"])
        packed, checksum = _split(match["fragment"])
        if not hmac.compare_digest(checksum, _checksum(host, port, room_name, packed)):
            raise BadInviteLink("its end does not fit its beginning")
        fragment = _decode(packed)
        if fragment.expires_at is not None and now >= fragment.expires_at:
            raise ExpiredInviteLink
        return cls(
            host=host,
            port=port,
            room_name=room_name,
            server_pin=fragment.server_pin,
            token=fragment.token,
            room_id=fragment.room_id,
            join_secret=Secret(fragment.join_secret),
            join_secret_epoch=fragment.join_secret_epoch,
            inviter_fingerprint=fragment.inviter_fingerprint,
            expires_at=fragment.expires_at,
        )


def is_invite_link(text: str) -> bool:
    """Tell whether ``text`` means to be an invite link (and not ``HOST:PORT``)."""
    return text.strip().lower().startswith(f"{SCHEME}:")


def in_digits(link: str) -> tuple[str, str]:
    """Return a link as QR codes have it: what is before its fragment, and the fragment in digits.

    The two, one after the other, are a link too. Raises :class:`BadInviteLink`.
    """
    head, mark, fragment = link.partition("#")
    return head + mark, str(int.from_bytes(_DIGITS_PREFIX + _octets(fragment), "big"))


def parse_address(text: str, *, default_port: int) -> tuple[str, int]:
    """Read ``HOST``, ``HOST:PORT`` or ``[IPv6]:PORT``; raises :class:`BadInviteLink`."""
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::([0-9]{1,5}))?", text.strip())
    if match is None:
        raise BadInviteLink(f"it is neither {SCHEME}://... nor HOST:PORT")
    port = default_port if match[2] is None else int(match[2])
    if not 0 < port < 65536:
        raise BadInviteLink(f"{port} is no port")
    return _host(match[1]), port


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _host(text: str) -> str:
    if not text.startswith("["):
        return text.lower()
    try:
        return ipaddress.IPv6Address(text[1:-1]).compressed
    except ValueError:
        raise BadInviteLink("its address is no IPv6 address") from None


def _room_name(quoted: str) -> str:
    try:
        name = unquote(quoted, encoding="utf-8", errors="strict")
    except UnicodeDecodeError:
        raise BadInviteLink("its room name is not UTF-8") from None
    if len(name) > MAX_ROOM_NAME_LENGTH:
        raise BadInviteLink("its room name is too long")
    return name


def _split(fragment: str) -> tuple[bytes, bytes]:
    octets = _octets(fragment)
    return octets[:-CHECKSUM_LENGTH], octets[-CHECKSUM_LENGTH:]


def _octets(fragment: str) -> bytes:
    if not 0 < len(fragment) <= 2 * MAX_LINK_LENGTH:
        raise BadInviteLink("its end is cut")
    if fragment.isascii() and fragment.isdecimal():  # base64url begins with an m here: an array of eight
        number = int(fragment)
        octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
        if octets[:1] != _DIGITS_PREFIX or fragment[0] == "0":
            raise BadInviteLink("its end is cut")
        return octets[1:]
    try:
        return base64.b64decode(fragment + "=" * (-len(fragment) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadInviteLink("its end is cut") from None


def _decode(packed: bytes) -> _Fragment:
    try:
        fragment = msgspec.msgpack.decode(packed, type=_Fragment)
    except (msgspec.MsgspecError, RecursionError):
        raise BadInviteLink("what it holds is malformed") from None
    if fragment.version != 1:
        raise BadInviteLink("a newer Sottovoce made it; update yours")
    return fragment


def _checksum(host: str, port: int, room_name: str, packed: bytes) -> bytes:
    """Guard against slips of the hand, not against an attacker: who alters a link also can sum it."""
    head = f"{_bracketed(host)}:{port}/{quote(room_name, safe='')}#".encode()
    return hashlib.sha256(b"Sottovoce 1 invite link" + head + packed).digest()[:CHECKSUM_LENGTH]
