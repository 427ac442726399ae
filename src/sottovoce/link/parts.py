"""The parts messages are made of: identifiers with their lengths, codes, and structures that several share.

Identifiers are opaque byte strings: a room 16 bytes, a device 16, a client message id 16, a hash 32, keys 32.
Lengths are checked by the decoder, before anything else looks at a value.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct

_USER_NAME: Final = r"^[A-Za-z0-9._-]{1,32}\Z"  # \Z: a $ lets a last newline by
UserName = Annotated[str, Meta(pattern=_USER_NAME)]
RoomId = Annotated[bytes, Meta(min_length=16, max_length=16)]
DeviceId = Annotated[bytes, Meta(min_length=16, max_length=16)]
MessageId = Annotated[bytes, Meta(min_length=16, max_length=16)]
Hash = Annotated[bytes, Meta(min_length=32, max_length=32)]
Key = Annotated[bytes, Meta(min_length=32, max_length=32)]
Signature = Annotated[bytes, Meta(min_length=64, max_length=64)]
Counter = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Token = Annotated[bytes, Meta(min_length=16, max_length=16)]
Payload = Annotated[bytes, Meta(max_length=960 * 1024)]
ShortPayload = Annotated[bytes, Meta(max_length=8 * 1024)]


def is_user_name(text: str) -> bool:
    """Whether it has the form of a user name; a server closes the connection on what has not."""
    return re.search(_USER_NAME, text) is not None


class ErrorCode(StrEnum):
    """Why a request was refused. The sentence beside it is for people; programs look at the code."""

    MALFORMED = "malformed"  # the frame or message does not decode; the connection closes
    FRAME_TOO_LARGE = "frame_too_large"  # over the cap of the connection's state; the connection closes
    UNKNOWN_TYPE = "unknown_type"  # a message type this version does not know
    UNSUPPORTED_VERSION = "unsupported_version"  # no common protocol version; the connection closes
    NOT_ALLOWED = "not_allowed"  # not in this state of the connection
    LOGIN_FAILED = "login_failed"  # user, password, device or signature: never says which
    REGISTRATION_REFUSED = "registration_refused"  # no valid invite token
    NAME_TAKEN = "name_taken"  # said only to who holds a valid token, or when registration is open
    RATE_LIMITED = "rate_limited"  # come back after ``retry_after`` seconds
    UNKNOWN_ROOM = "unknown_room"
    ROOM_EXISTS = "room_exists"  # someone created it first: fetch its state and join
    NOT_A_MEMBER = "not_a_member"  # this device is not in the room's roster
    STALE_EPOCH = "stale_epoch"  # ``epoch`` is the room's; catch up, then plan again
    TURN_TAKEN = "turn_taken"  # another device holds the turn to commit: ask for a turn
    NOT_FOUND = "not_found"
    VAULT_CONFLICT = "vault_conflict"  # another device stored a newer vault: read it first
    TOO_LARGE = "too_large"  # a field over its limit
    SERVER_STOPPING = "server_stopping"
    INTERNAL = "internal"  # the server's own trouble; nothing was stored


class EntryKind(StrEnum):
    """What a room log's entry is. Its one-byte form in the chain is 1 for a commit, 2 for a message."""

    COMMIT = "commit"
    MESSAGE = "message"

    @property
    def octet(self) -> bytes:
        """The kind as the chain hashes it."""
        return b"\x01" if self is EntryKind.COMMIT else b"\x02"


class Part(Struct, array_like=True, frozen=True, gc=False):
    """Base of everything on the link; its ``repr`` gives byte strings, tokens and keys too, by length.

    A message holds no reference back to itself, so the garbage collector need not look at any (``gc=False``).
    """

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={_shown(getattr(self, name))}" for name in self.__struct_fields__)
        return f"{type(self).__name__}({shown})"


def _shown(value: object) -> str:
    return f"<{len(value)} bytes>" if isinstance(value, bytes) else repr(value)


class Stretching(Part, frozen=True):
    """Argon2id parameters an account was registered with; the client refuses what is out of its bounds."""

    memory_kib: Counter
    iterations: Counter
    lanes: Counter


class Device(Part, frozen=True):
    """One device of one account, as the server's roster knows it."""

    user: UserName
    device_id: DeviceId


class Entry(Part, frozen=True):
    """One entry of a room log. ``epoch`` of a commit is the epoch it ends; ``at``: Unix ms by the server."""

    seq: Counter
    kind: EntryKind
    epoch: Counter
    payload: bytes
    at: Counter


class Outgoing(Part, frozen=True):
    """One message to append; the same ``message_id`` is never stored twice in a room."""

    message_id: MessageId
    epoch: Counter
    payload: Payload


class WelcomeFor(Part, frozen=True):
    """A Welcome for the inbox of one added device."""

    device: Device
    payload: Payload


class KeyPackageOf(Part, frozen=True):
    """A claimed key package and the device that published it."""

    device: Device
    key_package: ShortPayload


class InboxItem(Part, frozen=True):
    """A Welcome that waits for this device; ``seq`` is the log position of the commit that added it, and
    ``head_hash`` the chain's hash there.
    """

    item_id: Counter
    room_id: RoomId
    seq: Counter
    head_hash: Hash
    payload: bytes


class RoomSummary(Part, frozen=True):
    """A room this device is in, or an open one. Only an open room has a name and a join secret here:
    the server made them, publishes them to every account, and so can read along (such a room says so).
    """

    room_id: RoomId
    is_member: bool
    epoch: Counter | None  # None: an open room nobody has created the group of yet
    head: Counter
    open_name: str | None = None
    open_join_secret: Key | None = None
