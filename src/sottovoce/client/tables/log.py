"""What this device has read of the room logs: timeline, chain, sender histories, alarms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from sottovoce.client.events import AnyTimelineItem, Explanation, ReceivedMessage, StoredItem
from sottovoce.client.tables.database import Database, Row
from sottovoce.client.tables.records import decode, encode


class SenderRecord(msgspec.Struct, array_like=True, frozen=True):
    """The newest message of one device in one room: its counter, and the hash the next one must name."""

    account_name: str
    device_id: bytes
    counter: int
    message_hash: bytes


def add_item(database: Database, room_id: bytes, item: AnyTimelineItem, message_id: bytes | None) -> bool:
    """Append to the timeline; False when a message of this id is there already (threats.md B7)."""
    from_others = isinstance(item, ReceivedMessage) and not item.is_mine
    changed = database.execute(
        """INSERT OR IGNORE INTO timeline (room_id, seq, message_id, item, from_others)
        VALUES (?, ?, ?, ?, ?)""",
        (room_id, item.seq, message_id, encode(item), from_others),
    )
    return changed == 1


def timeline(database: Database, room_id: bytes, position: int, limit: int) -> list[StoredItem]:
    """Up to ``limit`` items after ``position``, oldest first."""
    rows = database.all(
        "SELECT position, item FROM timeline WHERE room_id = ? AND position > ? ORDER BY position LIMIT ?",
        (room_id, position, limit),
    )
    return _stored_items(rows)


def timeline_before(database: Database, room_id: bytes, position: int, limit: int) -> list[StoredItem]:
    """The newest ``limit`` items before ``position``, oldest first."""
    rows = database.all(
        """SELECT position, item FROM timeline WHERE room_id = ? AND position < ?
        ORDER BY position DESC LIMIT ?""",
        (room_id, position, limit),
    )
    return _stored_items(reversed(rows))


def _stored_items(rows: Iterable[Row]) -> list[StoredItem]:
    kind: Any = AnyTimelineItem  # a union, which mypy does not take for a type
    return [StoredItem(position, decode(item, kind)) for position, item in rows]


def position_after(database: Database, room_id: bytes, seq: int) -> int:
    """The last timeline position whose item stands at or before log entry ``seq``; 0 when there is none."""
    row = database.one("SELECT max(position) FROM timeline WHERE room_id = ? AND seq <= ?", (room_id, seq))
    return int(row[0]) if row and row[0] is not None else 0


def add_links(database: Database, room_id: bytes, links: Iterable[tuple[int, bytes]]) -> None:
    """Append (seq, hash) links to the chain."""
    database.execute_many(
        "INSERT OR REPLACE INTO chain VALUES (?, ?, ?)", ((room_id, *link) for link in links)
    )


def links(database: Database, room_id: bytes, newest: int) -> list[tuple[int, bytes]]:
    """The ``newest`` last links of the chain, oldest first."""
    rows = database.all(
        "SELECT seq, head_hash FROM chain WHERE room_id = ? ORDER BY seq DESC LIMIT ?", (room_id, newest)
    )
    return [(seq, head_hash) for seq, head_hash in reversed(rows)]


def senders(database: Database, room_id: bytes) -> list[SenderRecord]:
    """The newest message of every device heard in the room."""
    rows = database.all(
        "SELECT account_name, device_id, counter, message_hash FROM sender_histories WHERE room_id = ?",
        (room_id,),
    )
    return [SenderRecord(*row) for row in rows]


def put_senders(database: Database, room_id: bytes, records: Iterable[SenderRecord]) -> None:
    """Store the newest message of some devices."""
    database.execute_many(
        "INSERT OR REPLACE INTO sender_histories VALUES (?, ?, ?, ?, ?)",
        ((room_id, r.account_name, r.device_id, r.counter, r.message_hash) for r in records),
    )


def add_alarm(database: Database, room_id: bytes, explanation: Explanation, at: int) -> None:
    """Keep an explanation for `/why`; ``at`` in Unix seconds."""
    database.execute(
        "INSERT INTO alarms (room_id, at, what_happened, what_to_do) VALUES (?, ?, ?, ?)",
        (room_id, at, explanation.what_happened, explanation.what_to_do),
    )


def alarms(database: Database, room_id: bytes, limit: int) -> list[Explanation]:
    """The newest ``limit`` explanations, newest first."""
    rows = database.all(
        "SELECT what_happened, what_to_do FROM alarms WHERE room_id = ? ORDER BY position DESC LIMIT ?",
        (room_id, limit),
    )
    return [Explanation(*row) for row in rows]


def forget_senders(database: Database, room_id: bytes) -> None:
    """Begin anew with every device: what was missed is reported as one gap."""
    database.execute("DELETE FROM sender_histories WHERE room_id = ?", (room_id,))
