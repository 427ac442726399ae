"""Rooms, rosters and inboxes: their statements. Every function runs in a transaction.

What may be stored is decided elsewhere (:mod:`sottovoce.server.delivery_rules`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sottovoce.errors import InternalError
from sottovoce.link.parts import InboxItem
from sottovoce.server.delivery_rules import RoomPosition


@dataclass(frozen=True, slots=True)
class ListedRoom:
    """A room as a device's list shows it."""

    room_id: bytes
    is_member: bool
    epoch: int | None
    head: int
    open_name: str | None
    open_join_secret: bytes | None


def find_room(db: sqlite3.Connection, room_id: bytes) -> RoomPosition | None:
    """Look up where a room stands."""
    row = db.execute(
        "SELECT id, room_id, epoch, addition_epoch, head, head_hash, first FROM rooms WHERE room_id = ?",
        (room_id,),
    ).fetchone()
    return None if row is None else RoomPosition(*row)


def group_info_of(db: sqlite3.Connection, room: int) -> bytes | None:
    """The sealed GroupInfo of a room's epoch."""
    group_info: bytes | None = db.execute("SELECT group_info FROM rooms WHERE id = ?", (room,)).fetchone()[0]
    return group_info


def add_room(
    db: sqlite3.Connection,
    room_id: bytes,
    head_hash: bytes,
    *,
    open_name: str | None = None,
    open_join_secret: bytes | None = None,
) -> int:
    """Insert a room without a group and with an empty log; returns its row."""
    cursor = db.execute(
        "INSERT INTO rooms (room_id, epoch, addition_epoch, head, head_hash, first, open_name,"
        " open_join_secret) VALUES (?, NULL, 0, 0, ?, 1, ?, ?)",
        (room_id, head_hash, open_name, open_join_secret),
    )
    return cursor.lastrowid or 0


def find_open_room(db: sqlite3.Connection, name: str) -> tuple[bytes, bytes] | None:
    """The room id and join secret of the open room with this name."""
    row = db.execute("SELECT room_id, open_join_secret FROM rooms WHERE open_name = ?", (name,)).fetchone()
    return None if row is None else (row[0], row[1])


def found_group(db: sqlite3.Connection, room: int, group_info: bytes) -> None:
    """Set a room's epoch to 0."""
    db.execute("UPDATE rooms SET epoch = 0, group_info = ? WHERE id = ?", (group_info, room))


def move_heads(db: sqlite3.Connection, heads: Sequence[tuple[int, bytes, int, int]]) -> None:
    """Note the newest entries of rooms: (head, its hash, the room's row, the head that was there before).

    Raises ``InternalError`` when one was elsewhere: whoever moves it has a wrong idea of the log.
    """
    moved = db.executemany("UPDATE rooms SET head = ?, head_hash = ? WHERE id = ? AND head = ?", heads)
    if moved.rowcount != len(heads):
        raise InternalError("the head of a room is not where it was left")


def begin_epoch(
    db: sqlite3.Connection, room: int, epoch: int, addition_epoch: int, group_info: bytes
) -> None:
    """Note the epoch that a commit has begun, and its sealed GroupInfo."""
    db.execute(
        "UPDATE rooms SET epoch = ?, addition_epoch = ?, group_info = ? WHERE id = ?",
        (epoch, addition_epoch, group_info, room),
    )


def is_in_roster(db: sqlite3.Connection, room: int, device: int) -> bool:
    """Whether a device is in a room now."""
    row = db.execute(
        "SELECT 1 FROM roster WHERE room = ? AND device = ? AND until_seq IS NULL", (room, device)
    ).fetchone()
    return row is not None


def readable_until(db: sqlite3.Connection, room: int, device: int) -> int | None:
    """The last seq a device may read: for one that was taken out the entry that did it; None: nothing.

    2^63 - 1 for a device that is in the room.
    """
    row = db.execute(
        "SELECT coalesce(until_seq, 9223372036854775807) FROM roster WHERE room = ? AND device = ?",
        (room, device),
    ).fetchone()
    return None if row is None else int(row[0])


def roster_of(db: sqlite3.Connection, room: int) -> set[int]:
    """The devices that are in a room now."""
    rows = db.execute("SELECT device FROM roster WHERE room = ? AND until_seq IS NULL", (room,))
    return {row[0] for row in rows}


def put_into_roster(db: sqlite3.Connection, room: int, devices: Iterable[int]) -> None:
    """Let devices into a room; one that is in it already stays."""
    db.executemany(
        "INSERT INTO roster (room, device, until_seq) VALUES (?, ?, NULL)"
        " ON CONFLICT (room, device) DO UPDATE SET until_seq = NULL",
        [(room, device) for device in devices],
    )


def take_off_roster(db: sqlite3.Connection, room: int, devices: Iterable[int], seq: int) -> None:
    """Take devices out of a room; they may still read up to ``seq``."""
    db.executemany(
        "UPDATE roster SET until_seq = ? WHERE room = ? AND device = ? AND until_seq IS NULL",
        [(seq, room, device) for device in devices],
    )


def count_rooms(db: sqlite3.Connection, device: int, *, left_too: bool) -> int:
    """How many rooms a device is in; ``left_too``: and those it was in that are still kept."""
    row = db.execute(
        "SELECT count(*) FROM roster WHERE device = ? AND (? OR until_seq IS NULL)", (device, left_too)
    ).fetchone()
    return int(row[0])


def list_rooms(db: sqlite3.Connection, device: int) -> list[ListedRoom]:
    """The rooms a device is in, and the open ones."""
    rows = db.execute(
        "SELECT r.room_id, m.device IS NOT NULL, r.epoch, r.head, r.open_name, r.open_join_secret"
        " FROM rooms r LEFT JOIN roster m ON m.room = r.id AND m.device = ? AND m.until_seq IS NULL"
        " WHERE m.device IS NOT NULL OR r.open_name IS NOT NULL ORDER BY r.id",
        (device,),
    )
    return [ListedRoom(row[0], bool(row[1]), *row[2:]) for row in rows]


def put_into_inbox(
    db: sqlite3.Connection,
    device: int,
    *,
    room_id: bytes,
    seq: int,
    head_hash: bytes,
    payload: bytes,
    now_ms: int,
) -> None:
    """Leave a Welcome for a device, in the place of an earlier one to the same room."""
    db.execute("DELETE FROM inbox WHERE device = ? AND room_id = ?", (device, room_id))
    db.execute(
        "INSERT INTO inbox (device, room_id, seq, head_hash, payload, at) VALUES (?, ?, ?, ?, ?, ?)",
        (device, room_id, seq, head_hash, payload, now_ms),
    )


def inbox_bytes(db: sqlite3.Connection, device: int) -> int:
    """Payload bytes of all Welcomes that wait for a device."""
    row = db.execute("SELECT total(length(payload)) FROM inbox WHERE device = ?", (device,)).fetchone()
    return int(row[0])


def read_inbox(db: sqlite3.Connection, device: int, *, max_bytes: int) -> list[InboxItem]:
    """The oldest Welcomes of a device: at most ``max_bytes`` of payload unless the first alone is larger."""
    rows = db.execute(
        "SELECT id, room_id, seq, head_hash, payload FROM inbox WHERE device = ? ORDER BY id LIMIT 1000",
        (device,),
    )
    items: list[InboxItem] = []
    size = 0
    for row in rows:
        size += len(row[4])
        if items and size > max_bytes:
            break
        items.append(InboxItem(*row))
    return items


def delete_from_inbox(db: sqlite3.Connection, device: int, item_ids: Sequence[int]) -> None:
    """Forget Welcomes of a device; ids of others are left alone."""
    db.executemany("DELETE FROM inbox WHERE device = ? AND id = ?", [(device, i) for i in item_ids])


def delete_abandoned(db: sqlite3.Connection, before_ms: int) -> None:
    """Delete Welcomes from before a time, and founded rooms that nobody is in and that keep no entries."""
    db.execute("DELETE FROM inbox WHERE at < ?", (before_ms,))
    db.execute(
        "DELETE FROM rooms WHERE epoch IS NOT NULL AND open_name IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM roster WHERE room = rooms.id AND until_seq IS NULL)"
        " AND NOT EXISTS (SELECT 1 FROM segments WHERE room = rooms.id)"
    )
