"""What the delivery service does inside one transaction: look, decide by the rules, store.

Each function refuses before it writes anything; what it returns is true once COMMIT has returned.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

from sottovoce.link import messages as m
from sottovoce.link.encoded_entries import EncodedEntries, encode_entry
from sottovoce.link.parts import Device, Entry, EntryKind, ErrorCode
from sottovoce.server import delivery_rules as rules
from sottovoce.server.delivery_rules import RoomPosition
from sottovoce.server.errors import Refused
from sottovoce.server.store import accounts, rooms, segments, superseding
from sottovoce.server.store.accounts import StoredDevice
from sottovoce.server.store.segments import NewEntries
from sottovoce.server.store.superseding import Contestable, RosterBefore

MAX_ROOMS: Final = 4096
"""Rooms one device may be in, and so the most a list of rooms has to hold."""

MAX_INBOX_BYTES: Final = 32 * 1024 * 1024
"""Payload bytes of the Welcomes that may wait for one device."""


@dataclass(frozen=True, slots=True)
class Committed:
    """``new`` is None when the commit had been stored before; ``removed`` and ``welcomed`` are devices, as
    are those ``taken_back``, whom only superseded commits had added.
    """

    seq: int
    head_hash: bytes
    new: NewEntries | None
    removed: list[int]
    welcomed: list[int]
    taken_back: list[int]


def position_of(db: sqlite3.Connection, room_id: bytes) -> RoomPosition:
    """Look a room up. Refuses UNKNOWN_ROOM."""
    position = rooms.find_room(db, room_id)
    if position is None:
        raise rules.unknown_room()
    return position


def commit(
    db: sqlite3.Connection,
    device: StoredDevice,
    request: m.Commit,
    turn_taken_for: float | None,
    now_ms: int,
    *,
    may_supersede_in: float | None = None,
) -> Committed:
    """Store a commit, the roster change, the Welcomes and the sealed GroupInfo, or refuse them all.

    ``turn_taken_for``: seconds for which another connection may hold the turn, None if none does.
    ``may_supersede_in``: seconds until this device may supersede another commit of the room, None for now.
    """
    position = position_of(db, request.room_id)
    stored = segments.find_stored(db, position.row, request.message_id)
    if stored is not None:
        return _committed_before(db, position.row, stored)
    added = {_device_row(db, named) for named in request.added}
    removed = {_device_row(db, named) for named in request.removed}
    welcomes = [(_device_row(db, welcome.device), welcome.payload) for welcome in request.welcomes]
    roster, addition_before = rooms.roster_of(db, position.row), position.addition_epoch
    before: RosterBefore | None = None
    if request.supersedes is None:
        own = {other.row for other in accounts.devices_of(db, device.user.lower())}
        rules.check_joiner(device.row, is_member=device.row in roster, added=added, removed=removed, own=own)
        rules.check_commit_epoch(position, request.epoch)
    else:
        superseded = superseding.find_contestable(db, position.row, request.supersedes)
        before = superseding.roster_before(db, position.row, request.supersedes, roster)
        rules.check_superseding(
            commit_epoch=None if superseded is None else superseded.epoch,
            epoch=request.epoch,
            is_member=device.row in roster,
            was_member=device.row in before.members,
            retry_after=may_supersede_in,
        )
        addition_before = addition_before if superseded is None else superseded.addition_epoch
    rules.check_turn(turn_taken_for)
    if not {row for row, _ in welcomes} <= added:
        raise Refused(ErrorCode.MALFORMED, "a Welcome is for a device that this commit does not add")
    _check_room_for(db, added - roster, welcomes)

    seq, epoch = position.head + 1, request.epoch + 1
    if before is not None and request.supersedes is not None:
        superseding.take_back(db, position.row, request.supersedes, request.room_id, before)
        superseding.mark_superseded(db, position.row, request.supersedes, seq)
        roster = before.members
    gone = sorted((removed & roster) - added)
    superseding.note_commit(
        db,
        position.row,
        Contestable(seq, request.epoch, device.row, addition_before),
        (added - roster) | set(gone),
    )
    head_hash = rules.next_hash(position.head_hash, EntryKind.COMMIT, request.payload)
    entry = Entry(seq, EntryKind.COMMIT, request.epoch, request.payload, now_ms)
    new = NewEntries(position.row, seq, [encode_entry(entry)], [request.message_id])
    segments.insert(db, [new], now_ms)
    segments.add_commit(db, position.row, seq, request.epoch, head_hash)
    rooms.move_heads(db, [(seq, head_hash, position.row, position.head)])
    is_addition = bool(added - (roster - removed))
    addition_epoch = epoch if is_addition else addition_before
    rooms.begin_epoch(db, position.row, epoch, addition_epoch, request.group_info)
    rooms.take_off_roster(db, position.row, gone, seq)
    rooms.put_into_roster(db, position.row, sorted(added))
    for row, payload in welcomes:
        rooms.put_into_inbox(
            db, row, room_id=request.room_id, seq=seq, head_hash=head_hash, payload=payload, now_ms=now_ms
        )
    taken_back = [] if before is None else sorted(before.taken_out.keys() - added)
    return Committed(seq, head_hash, new, gone, [row for row, _ in welcomes], taken_back)


def _committed_before(db: sqlite3.Connection, room: int, seq: int) -> Committed:
    """The answer to a commit whose message id is that of the entry ``seq``."""
    head_hash = segments.hash_after_commit(db, room, seq)
    if head_hash is None:
        raise Refused(ErrorCode.NOT_ALLOWED, "this commit has the message id of a message")
    return Committed(seq, head_hash, new=None, removed=[], welcomed=[], taken_back=[])


def create(db: sqlite3.Connection, device: int, request: m.RoomCreate) -> None:
    """Found a room's group with one device in it; an open room that has none yet, or a new room.

    The same request again, before anything else has happened, is answered the same.
    """
    position = rooms.find_room(db, request.room_id)
    if position is not None and position.epoch is not None:
        untouched = position.epoch == 0 and position.head == 0
        if (
            untouched
            and rooms.roster_of(db, position.row) == {device}
            and rooms.group_info_of(db, position.row) == request.group_info
        ):
            return
        raise Refused(ErrorCode.ROOM_EXISTS, "this room has been founded already: read its state and join")
    if rooms.count_rooms(db, device, left_too=True) >= MAX_ROOMS:
        raise Refused(ErrorCode.TOO_LARGE, f"a device may be in at most {MAX_ROOMS} rooms")
    row = rooms.add_room(db, request.room_id, rules.INITIAL_HASH) if position is None else position.row
    rooms.found_group(db, row, request.group_info)
    rooms.put_into_roster(db, row, [device])


def leave(db: sqlite3.Connection, device: int, room_id: bytes) -> None:
    """Take a device off the roster; again is the same."""
    position = position_of(db, room_id)
    rooms.take_off_roster(db, position.row, [device], position.head)
    superseding.note_leaving(db, position.row, device, position.head)


def head_for_member(db: sqlite3.Connection, device: int, room_id: bytes) -> int:
    """The newest seq of a room, for a device that is in it."""
    position = position_of(db, room_id)
    rules.check_member(is_member=rooms.is_in_roster(db, position.row, device))
    return position.head


def fetch(
    db: sqlite3.Connection, device: int, request: m.Fetch, max_bytes: int
) -> tuple[EncodedEntries, RoomPosition]:
    """Read the log after a seq, as far as this device may."""
    position = position_of(db, request.room_id)
    until = rooms.readable_until(db, position.row, device)
    rules.check_member(is_member=until is not None)
    entries = segments.read_entries(
        db,
        position.row,
        after=request.after,
        until=until or 0,
        limit=request.limit,
        max_bytes=max_bytes,
    )
    return entries, position


def state(
    db: sqlite3.Connection, room_id: bytes, *, want_group_info: bool
) -> tuple[RoomPosition, bytes | None]:
    """Where a room stands, and its sealed GroupInfo."""
    position = position_of(db, room_id)
    return position, rooms.group_info_of(db, position.row) if want_group_info else None


def _check_room_for(db: sqlite3.Connection, added: set[int], welcomes: list[tuple[int, bytes]]) -> None:
    """Refuse to fill what the server keeps for a device without end, whoever adds it."""
    for row in added:
        if rooms.count_rooms(db, row, left_too=False) >= MAX_ROOMS:
            raise Refused(ErrorCode.TOO_LARGE, f"an added device is in {MAX_ROOMS} rooms already")
    for row, payload in welcomes:
        if rooms.inbox_bytes(db, row) + len(payload) > MAX_INBOX_BYTES:
            raise Refused(ErrorCode.TOO_LARGE, "the inbox of an added device is full until it comes online")


def _device_row(db: sqlite3.Connection, named: Device) -> int:
    device = accounts.find_device(db, named.user.lower(), named.device_id)
    if device is None:
        raise Refused(ErrorCode.NOT_FOUND, "the commit names a device that this server does not know")
    return device.row
