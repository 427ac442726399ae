"""What the widgets show: plain values, made (and sanitized) beside the SDK, safe to hand between threads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from sottovoce.tui.safe_text import NOTHING, Safe

QUEUED_FROM: Final = 2**62
"""A message that is not stored yet has this position or a later one: below all that came."""


class Delivery(Enum):
    """How far one's own message has come."""

    QUEUED = "queued"
    STORED = "stored"


class Level(Enum):
    """How much a notice matters."""

    INFO = "info"
    WARNING = "warning"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Message:
    """A message. ``position`` orders the lines of a room; ``seq``: its place in the log (0: none yet).

    ``at``: the server's time, aware, UTC. ``message_id``: 32 bytes; a queued message is replaced by the
    stored one with the same id. ``verified``: whether the sender's key was verified when it arrived.
    """

    position: int
    seq: int
    at: datetime
    sender: Safe
    text: Safe
    is_mine: bool
    verified: bool
    message_id: bytes
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Notice:
    """Anything in a timeline that is no message: joined, left, gap, fork, key changed, rejoined."""

    position: int
    seq: int
    at: datetime
    text: Safe
    level: Level


Line = Message | Notice


@dataclass(frozen=True, slots=True)
class Page:
    """Lines that follow one another, the newest last."""

    lines: tuple[Line, ...]
    has_older: bool


@dataclass(frozen=True, slots=True)
class Room:
    """A room in the list. ``room_id``: 16 bytes; ``access``: ``open``, ``invite`` or ``key``."""

    room_id: bytes
    name: Safe
    unread: int
    access: str
    is_member: bool
    has_alarm: bool


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a room. ``key_changed``: their key is another than the one that was known.

    ``verified``: numbers were compared, and the key has not changed since. ``looks_like``: somebody else in
    the room for whom this name could be taken, empty for nobody (threat E3).
    """

    user: Safe
    devices: int
    verified: bool
    is_me: bool
    key_changed: bool
    looks_like: Safe = NOTHING


@dataclass(frozen=True, slots=True)
class RoomSecurity:
    """What protects a room. ``epoch``: None while this device is not in the group.

    ``authenticator``: the first 8 bytes of the epoch authenticator in hex, the same on all members' screens.
    """

    suite: Safe
    epoch: int | None
    authenticator: str
    all_verified: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """What went wrong, in two sentences."""

    what_happened: Safe
    what_to_do: Safe


@dataclass(frozen=True, slots=True)
class LinkState:
    """The connection. ``retry_in``: seconds until the next attempt, None while online."""

    is_online: bool
    server: Safe
    reason: Safe
    retry_in: float | None


@dataclass(frozen=True, slots=True)
class SafetyNumber:
    """The number to compare with ``user``: 12 groups of 5 digits, blanks between them."""

    user: Safe
    digits: str
    is_changed_key: bool


@dataclass(frozen=True, slots=True)
class Invite:
    """An invite link into ``room``; ``expires_at``: aware, UTC."""

    link: Safe
    room: Safe
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Me:
    """Who one is, and where."""

    user: Safe
    server: Safe


@dataclass(frozen=True, slots=True)
class Note:
    """Something to say once, about no message in particular."""

    text: Safe
    level: Level


@dataclass(frozen=True, slots=True)
class RoomDetails:
    """What the main view shows of the open room beside its lines.

    ``unseen``: how many explanations nobody has looked at yet; ``waits_for``: whose changed key must be
    decided about before the room goes on, empty for nobody's.
    """

    room: Room
    members: tuple[Member, ...]
    security: RoomSecurity
    unseen: int
    waits_for: Safe


@dataclass(frozen=True, slots=True)
class OpenedRoom:
    """A room that was just opened; ``read_position``: of the newest line that was read before."""

    details: RoomDetails
    page: Page
    read_position: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """Lines that came in a room which is not open, the newest last."""

    room: Room
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class News:
    """What happened since the last news; empty fields: nothing of that kind.

    ``lines`` belong to the open room, ``room_id``. ``ended``: why nothing more will come.
    """

    link: LinkState | None = None
    rooms: tuple[Room, ...] | None = None
    opened: OpenedRoom | None = None
    details: RoomDetails | None = None
    room_id: bytes | None = None
    lines: tuple[Line, ...] = ()
    arrivals: tuple[Arrival, ...] = ()
    notes: tuple[Note, ...] = ()
    ended: Safe | None = None
