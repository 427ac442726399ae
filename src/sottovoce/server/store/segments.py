"""The room log on disk: segments, each some consecutive entries of one room in their encoding.

A transaction adds at least one segment to every room it appends to, and none is changed afterwards: what is
read is what was written, cut and joined. Every function runs in a transaction. The database holds that no two
entries of a room share a message id, no two segments a last seq, and no two standing commits an epoch.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from sottovoce.link.encoded_entries import EncodedEntries

SEGMENT_BYTES: Final = 4000
"""Bytes of entries and their message ids in one segment, unless a single entry is larger.

With the rest of its row it then lies in one page of SQLite's (4096): appended whole, read with one look.
"""

MESSAGE_ID_BYTES: Final = 16


@dataclass(slots=True)
class NewEntries:
    """Consecutive entries of one room that are about to be stored, encoded, and their message ids."""

    room: int
    first_seq: int
    encoded: list[bytes] = field(default_factory=list)
    message_ids: list[bytes] = field(default_factory=list)

    def pushes(self, most: int) -> list[tuple[EncodedEntries, int]]:
        """All of them, each time with the last one's seq: at most ``most`` bytes at once, or one entry."""
        return [
            (EncodedEntries(b"".join(self.encoded[start:end]), end - start), self.first_seq + end - 1)
            for start, end in _runs(self.encoded, most, beside=0)
        ]


def prepare(db: sqlite3.Connection) -> None:
    """Make ``temp.places``, which :func:`insert` needs: the places in a segment, from 0."""
    db.execute("CREATE TEMP TABLE places (place INTEGER PRIMARY KEY)")
    places = range(SEGMENT_BYTES // MESSAGE_ID_BYTES)
    db.executemany("INSERT INTO temp.places VALUES (?)", ((place,) for place in places))


def insert(db: sqlite3.Connection, new: Collection[NewEntries], at: int) -> None:
    """Append entries to rooms' logs, ``at`` (Unix ms) the newest one's time.

    ``db`` has been prepared. ``IntegrityError``: a message id is there already.
    """
    last_before = db.execute("SELECT max(id) FROM segments").fetchone()[0]
    db.executemany(
        "INSERT INTO segments (room, first_seq, last_seq, at, message_ids, entries)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        itertools.chain.from_iterable(_rows(one, at) for one in new),
    )
    db.execute(  # one statement that takes the new segments' ids apart: a third of what a row each costs
        "INSERT INTO message_ids (message_id, room, seq)"
        " SELECT substr(s.message_ids, p.place * :length + 1, :length), s.room, s.first_seq + p.place"
        " FROM segments s CROSS JOIN temp.places p"
        " WHERE s.id > :before AND p.place <= s.last_seq - s.first_seq",
        {"length": MESSAGE_ID_BYTES, "before": last_before or 0},
    )


def _rows(new: NewEntries, at: int) -> list[tuple[int, int, int, int, bytes, bytes]]:
    return [
        (
            new.room,
            new.first_seq + start,
            new.first_seq + end - 1,
            at,
            b"".join(new.message_ids[start:end]),
            b"".join(new.encoded[start:end]),
        )
        for start, end in _runs(new.encoded, SEGMENT_BYTES, beside=MESSAGE_ID_BYTES)
    ]


def _runs(encoded: Sequence[bytes], most: int, *, beside: int) -> list[tuple[int, int]]:
    """Cut into runs (from, until) of at most ``most`` bytes each, ``beside`` for every one included."""
    if sum(map(len, encoded)) + beside * len(encoded) <= most:
        return [(0, len(encoded))]
    runs = []
    start = size = 0
    for at, one in enumerate(encoded):
        size += len(one) + beside
        if size > most and at > start:
            runs.append((start, at))
            start, size = at, len(one) + beside
    return [*runs, (start, len(encoded))]


def find_stored(db: sqlite3.Connection, room: int, message_id: bytes) -> int | None:
    """The seq under which a message id was stored before."""
    row = db.execute(
        "SELECT seq FROM message_ids WHERE message_id = ? AND room = ?", (message_id, room)
    ).fetchone()
    return None if row is None else row[0]


def add_commit(db: sqlite3.Connection, room: int, seq: int, epoch: int, head_hash: bytes) -> None:
    """Note that an entry is the commit that ends ``epoch``, and the chain's hash after it.

    ``IntegrityError``: one that stands has ended it already.
    """
    db.execute(
        "INSERT INTO commits (room, seq, epoch, head_hash) VALUES (?, ?, ?, ?)", (room, seq, epoch, head_hash)
    )


def hash_after_commit(db: sqlite3.Connection, room: int, seq: int) -> bytes | None:
    """The chain's hash after the entry ``seq``; None if that is no commit."""
    row = db.execute("SELECT head_hash FROM commits WHERE room = ? AND seq = ?", (room, seq)).fetchone()
    return None if row is None else row[0]


def read_entries(
    db: sqlite3.Connection, room: int, *, after: int, until: int, limit: int, max_bytes: int
) -> EncodedEntries:
    """Consecutive entries with ``after < seq <= until``: at most ``limit``, and at most ``max_bytes`` of
    them unless the first alone is larger.
    """
    rows = db.execute(
        "SELECT first_seq, last_seq, entries FROM segments"
        " WHERE room = ? AND last_seq > ? AND first_seq <= ? ORDER BY last_seq",
        (room, after, until),
    )
    runs: list[bytes] = []
    count = size = 0
    for first, last, entries in rows:
        length = last - first + 1
        is_wanted_whole = after < first and last <= until and count + length <= limit
        if is_wanted_whole and size + len(entries) <= max_bytes:
            runs.append(entries)
            count += length
            size += len(entries)
            continue
        for one in EncodedEntries(entries, length).apart()[max(after + 1 - first, 0) : until - first + 1]:
            size += len(one)
            if count == limit or (count and size > max_bytes):
                return EncodedEntries(b"".join(runs), count)
            runs.append(one)
            count += 1
    return EncodedEntries(b"".join(runs), count)


def rooms_with_entries_before(db: sqlite3.Connection, before_ms: int) -> list[int]:
    """The rooms whose oldest entries are from before a time (Unix ms)."""
    rows = db.execute(
        "SELECT r.id FROM rooms r JOIN segments s ON s.room = r.id"
        " AND s.last_seq = (SELECT min(last_seq) FROM segments WHERE room = r.id) WHERE s.at < ?",
        (before_ms,),
    )
    return [row[0] for row in rows]


def delete_oldest(db: sqlite3.Connection, room: int, before_ms: int, *, limit: int) -> int:
    """Delete a room's oldest segments that are from before a time, at most ``limit``, and all that is kept of
    their entries; returns how many entries that were.

    Always a beginning of the log, so that what is left has no hole, whatever the clock did meanwhile.
    """
    oldest = db.execute(
        "SELECT id, last_seq, at, message_ids FROM segments WHERE room = ? ORDER BY last_seq LIMIT ?",
        (room, limit),
    )
    gone = list(itertools.takewhile(lambda row: row[2] < before_ms, oldest))
    if not gone:
        return 0
    last_seq = gone[-1][1]
    message_ids = b"".join(row[3] for row in gone)
    starts = range(0, len(message_ids), MESSAGE_ID_BYTES)
    db.executemany(
        "DELETE FROM message_ids WHERE message_id = ? AND room = ?",
        ((message_ids[start : start + MESSAGE_ID_BYTES], room) for start in starts),
    )
    db.executemany("DELETE FROM segments WHERE id = ?", ((row[0],) for row in gone))
    db.execute("DELETE FROM commits WHERE room = ? AND seq <= ?", (room, last_seq))
    db.execute("UPDATE rooms SET first = ? WHERE id = ?", (last_seq + 1, room))
    return len(starts)
