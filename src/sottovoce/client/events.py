"""What the SDK tells its user: events of the client, items of a room's timeline, sentences for `/why`.

Texts and names are as their senders wrote them: whoever prints them passes them through
:func:`sottovoce.client.sanitize.sanitize` first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct


class TimelineItem(Struct, array_like=True, frozen=True, kw_only=True):
    """Something that happened in a room. ``seq``: its place in the log; ``at``: the server's time (UTC)."""

    seq: int
    at: datetime


class ReceivedMessage(TimelineItem, frozen=True, kw_only=True, tag="message"):
    """A message in log order, one's own included.

    ``sender`` is the display name in the sender's certificate, ``device_id`` (16 bytes) the device that
    sent it, ``message_id`` (32 bytes) the MIMI message id, ``verified`` whether the sender's account key
    had been verified when the message arrived.
    """

    sender: str
    text: str
    is_mine: bool
    device_id: bytes
    message_id: bytes
    verified: bool


class Gap(TimelineItem, frozen=True, kw_only=True, tag="gap"):
    """Messages that this device cannot show: ``count`` of them (0: unknown), and why, in one sentence."""

    count: int
    reason: str


class ForkAlarm(TimelineItem, frozen=True, kw_only=True, tag="fork"):
    """``sender`` has seen another history of this room than we have, up to ``forked_seq``."""

    sender: str
    forked_seq: int
    reason: str


class KeyChanged(TimelineItem, frozen=True, kw_only=True, tag="key_changed"):
    """The account key of ``user`` is not the one known so far."""

    user: str
    was_verified: bool


class MemberJoined(TimelineItem, frozen=True, kw_only=True, tag="joined"):
    """``user`` is in the room with a first device."""

    user: str


class MemberLeft(TimelineItem, frozen=True, kw_only=True, tag="left"):
    """``user`` has no device in the room any more."""

    user: str


class RoomRejoined(TimelineItem, frozen=True, kw_only=True, tag="rejoined"):
    """This device had lost the room's state and joined again; ``reason`` says how it was lost."""

    reason: str


AnyTimelineItem = ReceivedMessage | Gap | ForkAlarm | KeyChanged | MemberJoined | MemberLeft | RoomRejoined


@dataclass(frozen=True, slots=True)
class StoredItem:
    """A timeline item and its place in this device's timeline: ``position`` grows, from 1 on, with holes."""

    position: int
    item: AnyTimelineItem


@dataclass(frozen=True, slots=True)
class PendingMessage:
    """A message of this device that is not in the timeline yet.

    ``message_id`` is what the timeline will show it by, ``order`` grows with each message written.
    """

    message_id: bytes
    text: str
    order: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """One entry of `/why`: two sentences."""

    what_happened: str
    what_to_do: str


@dataclass(frozen=True, slots=True)
class RoomMember:
    """One account in a room. ``account_key`` (32 bytes) is what its owner's safety number is made of."""

    user: str
    device_count: int
    verified: bool
    account_key: bytes


@dataclass(frozen=True, slots=True)
class OpenRoom:
    """A room that everybody with an account may enter by its name; ``is_member``: this device is in it."""

    room_id: bytes
    name: str
    is_member: bool


@dataclass(frozen=True, slots=True)
class Connected:
    """The server answered, and this device is logged in."""

    server: str


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection ended or could not be made; the next attempt is in ``retry_in`` seconds."""

    reason: str
    retry_in: float


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The connection is over for good, such as when the server shows another key; nothing is tried again."""

    reason: str


@dataclass(frozen=True, slots=True)
class ServerTrusted:
    """First contact with a server that no invite link vouches for: its key's pin (32 bytes) is kept."""

    server: str
    pin: bytes


@dataclass(frozen=True, slots=True)
class AccountRegistered:
    """A new account was made at this server."""

    user: str


@dataclass(frozen=True, slots=True)
class RoomAppeared:
    """Someone added this device to a room."""

    name: str


@dataclass(frozen=True, slots=True)
class RoomTrouble:
    """A room cannot go on by itself for now; the other rooms are not touched by it."""

    room: str
    reason: str


@dataclass(frozen=True, slots=True)
class AccountTrouble:
    """Something of the whole account cannot go on by itself for now, such as what the server keeps for it."""

    reason: str


@dataclass(frozen=True, slots=True)
class RoomChanged:
    """Something that is shown of a room is different: its timeline, what waits to be sent, its epoch, name
    or members, who is verified, what was read, what went wrong, or whether this device is in it.

    Many changes within a moment make one event; what is asked of the room after it has all of them.
    """

    room_id: bytes


ClientEvent = (
    Connected
    | Disconnected
    | SessionEnded
    | ServerTrusted
    | AccountRegistered
    | RoomAppeared
    | RoomTrouble
    | AccountTrouble
    | RoomChanged
)
