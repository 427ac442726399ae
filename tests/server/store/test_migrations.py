"""A database of an older schema keeps what is in it."""

from __future__ import annotations

import sqlite3

import pytest

from sottovoce.link.parts import Entry, EntryKind
from sottovoce.server.store import rooms, segments
from sottovoce.server.store.database import bring_up_to_date, open_connection
from sottovoce.server.store.migrations.upgrade import upgrade

ALL = {"after": 0, "until": 2**63 - 1, "limit": 10**9, "max_bytes": 10**9}
MINUTE = 60_000


def name(number: int) -> bytes:
    return number.to_bytes(16, "big")


def hash_at(seq: int) -> bytes:
    return bytes([seq % 256]) * 32


@pytest.fixture
def old(tmp_path):
    """A database of the first schema, closed: two rooms with logs, and an empty one."""
    path = tmp_path / "server.db"
    upgrade(path, "0001")
    db = sqlite3.connect(path)
    for row, (head, first) in enumerate(((400, 1), (9, 7), (0, 1)), 1):
        db.execute(
            "INSERT INTO rooms (id, room_id, epoch, addition_epoch, head, head_hash, first)"
            " VALUES (?, ?, 3, 1, ?, ?, ?)",
            (row, name(row), head, hash_at(head), first),
        )
    entries = {1: [], 2: []}
    for seq in range(1, 401):
        at = 1_700_000_000_000 + (seq + 50 * (seq > 200)) * MINUTE // 10
        entries[1].append(Entry(seq, EntryKind.MESSAGE, seq // 50, b"%d" % seq * (seq % 90), at))
    entries[1][9] = Entry(10, EntryKind.COMMIT, 0, b"superseded", entries[1][9].at)
    entries[1][11] = Entry(12, EntryKind.COMMIT, 0, b"standing", entries[1][11].at)
    entries[1][20] = Entry(21, EntryKind.MESSAGE, 1, b"long" * 5000, entries[1][20].at)
    entries[2] = [Entry(seq, EntryKind.MESSAGE, 0, b"kept", 1_700_000_000_000) for seq in (7, 8, 9)]
    for room, log in entries.items():
        for entry in log:
            db.execute(
                "INSERT INTO entries (room, seq, kind, epoch, message_id, at, head_hash, payload,"
                " superseded_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    room, entry.seq, entry.kind.octet[0], entry.epoch, name(entry.seq), entry.at,
                    hash_at(entry.seq), entry.payload, 12 if entry.payload == b"superseded" else None,
                ),
            )  # fmt: skip
    db.commit()
    db.close()
    return path, entries


def test_every_entry_is_carried_over(old):
    path, entries = old
    bring_up_to_date(path)
    db = open_connection(path)
    for room, log in entries.items():
        assert list(segments.read_entries(db, room, **ALL)) == log
        for entry in log:
            assert segments.find_stored(db, room, name(entry.seq)) == entry.seq
    assert list(segments.read_entries(db, 3, **ALL)) == []
    commits = db.execute("SELECT room, seq, epoch, head_hash, superseded_by FROM commits").fetchall()
    assert commits == [(1, 10, 0, hash_at(10), 12), (1, 12, 0, hash_at(12), None)]
    position = rooms.find_room(db, name(2))
    assert (position.row, position.head, position.head_hash, position.first) == (2, 9, hash_at(9), 7)
    tables = {row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert "entries" not in tables
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    db.close()


def test_segments_of_old_entries_are_neither_long_nor_of_a_long_time(old):
    path, entries = old
    bring_up_to_date(path)
    db = open_connection(path)
    times = {entry.seq: entry.at for entry in entries[1]}
    rows = db.execute(
        "SELECT first_seq, last_seq, at, length(message_ids), length(entries) FROM segments WHERE room = 1"
    ).fetchall()
    for first, last, at, ids, encoded in rows:
        assert ids == 16 * (last - first + 1)
        assert ids + encoded <= segments.SEGMENT_BYTES or first == last
        assert at == times[last]
        assert times[last] - times[first] <= MINUTE
    assert not any(first <= 200 < last for first, last, *_ in rows), "minutes lie between them"
    assert len(rows) < 100
    # and it can be deleted by what it says of itself
    gone = 0
    while some := segments.delete_oldest(db, 1, times[100], limit=7):
        gone += some
    assert 80 < gone < 100
    assert db.execute("SELECT min(seq) FROM message_ids WHERE room = 1").fetchone() == (gone + 1,)
    db.close()
