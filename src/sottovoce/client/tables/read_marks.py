"""Up to where a person has read each room, and how many messages of others come after that."""

from __future__ import annotations

from sottovoce.client.tables.database import Database


def read_mark(database: Database, room_id: bytes) -> int:
    """The timeline position up to which the room was read; 0 before anything was."""
    row = database.one("SELECT position FROM read_marks WHERE room_id = ?", (room_id,))
    return int(row[0]) if row else 0


def move_read_mark(database: Database, room_id: bytes, position: int) -> bool:
    """Everything up to ``position`` was read; False when it was before.

    The mark never goes back, and never past the newest item: what comes after that is not read yet.
    """
    mark = min(position, _newest(database, room_id))
    if mark <= read_mark(database, room_id):
        return False
    database.execute(
        """INSERT INTO read_marks VALUES (?, ?)
        ON CONFLICT (room_id) DO UPDATE SET position = excluded.position""",
        (room_id, mark),
    )
    return True


def mark_all_read(database: Database, room_id: bytes) -> None:
    """Everything there is now was read."""
    move_read_mark(database, room_id, _newest(database, room_id))


def count_unread(database: Database, room_id: bytes, limit: int) -> int:
    """How many messages of others come after the mark; ``limit`` when there are so many or more."""
    row = database.one(
        """SELECT count(*) FROM (SELECT 1 FROM timeline WHERE room_id = ? AND position > ? AND from_others
        LIMIT ?)""",
        (room_id, read_mark(database, room_id), limit),
    )
    return int(row[0]) if row else 0


def _newest(database: Database, room_id: bytes) -> int:
    row = database.one("SELECT max(position) FROM timeline WHERE room_id = ?", (room_id,))
    return row[0] if row and row[0] is not None else 0
