"""The room log on disk: what was appended is read back, however it lies there; retention leaves no hole."""

from __future__ import annotations

import os
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from sottovoce.link.encoded_entries import encode_entry
from sottovoce.link.parts import Entry, EntryKind
from sottovoce.server.store import rooms, segments
from sottovoce.server.store.database import bring_up_to_date, open_connection
from sottovoce.server.store.schema import metadata
from sottovoce.server.store.segments import SEGMENT_BYTES, NewEntries

ALL = {"after": 0, "until": 2**63 - 1, "limit": 10**9, "max_bytes": 10**9}


def empty_database():
    db = sqlite3.connect(":memory:", isolation_level=None)
    segments.prepare(db)
    metadata.create_all(create_engine("sqlite://", creator=lambda: db, poolclass=StaticPool))
    db.isolation_level = None
    return db


@pytest.fixture
def db():
    db = empty_database()
    yield db
    db.close()


def make_room(db):
    return rooms.add_room(db, os.urandom(16), bytes(32))


def append(db, room, first, lengths, at=0):
    """Append messages with payloads of these lengths; returns the entries and their ids."""
    entries = [
        Entry(seq, EntryKind.MESSAGE, 0, bytes(length), at) for seq, length in enumerate(lengths, first)
    ]
    ids = [os.urandom(16) for _ in entries]
    segments.insert(db, [NewEntries(room, first, [encode_entry(one) for one in entries], ids)], at)
    return entries, ids


def seqs(db, room):
    return [e.seq for e in segments.read_entries(db, room, **ALL)]


def first(db, room):
    return db.execute("SELECT first FROM rooms WHERE id = ?", (room,)).fetchone()[0]


@given(
    appends=st.lists(
        st.lists(st.sampled_from([0, 1, 30, 300, 1500, 3950, 3990, 5000]), min_size=1, max_size=12),
        max_size=5,
    ),
    after=st.integers(0, 40),
    until=st.integers(0, 40),
    limit=st.integers(1, 40),
    max_bytes=st.sampled_from([1, 400, 4000, 9000, 10**9]),
)
@settings(max_examples=200)
def test_what_is_read_is_what_was_appended(appends, after, until, limit, max_bytes):
    db = empty_database()
    room, other = make_room(db), make_room(db)
    log = []
    for lengths in appends:
        log += append(db, room, len(log) + 1, lengths)[0]
        append(db, other, len(log), [1])
    expected, size = [], 0
    for entry in log[after:until][:limit]:
        size += len(encode_entry(entry))
        if expected and size > max_bytes:
            break
        expected.append(entry)
    found = segments.read_entries(db, room, after=after, until=until, limit=limit, max_bytes=max_bytes)
    assert list(found) == expected
    db.close()


def test_a_segment_lies_in_one_page_unless_an_entry_alone_does_not(db):
    room = make_room(db)
    append(db, room, 1, [0] * 300)
    append(db, room, 301, [300] * 50)
    append(db, room, 351, [SEGMENT_BYTES] * 2)
    rows = db.execute("SELECT last_seq - first_seq + 1, message_ids, entries FROM segments").fetchall()
    assert sum(count for count, _, _ in rows) == 352
    assert [count for count, _, _ in rows[-2:]] == [1, 1]
    for count, message_ids, entries in rows[:-2]:
        assert len(message_ids) == 16 * count
        assert len(message_ids + entries) <= SEGMENT_BYTES
    assert len(rows) < 12, "and it is filled"


def test_a_payload_is_found_whole_in_the_file(tmp_path):
    bring_up_to_date(tmp_path / "server.db")
    db = open_connection(tmp_path / "server.db")
    room = make_room(db)
    payloads = [os.urandom(300) for _ in range(500)]
    for start in range(0, 500, 100):
        entries = [
            encode_entry(Entry(seq, EntryKind.MESSAGE, 0, payloads[seq - 1], 2**41))
            for seq in range(start + 1, start + 101)
        ]
        segments.insert(db, [NewEntries(room, start + 1, entries, [os.urandom(16) for _ in entries])], 2**41)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    on_disk = (tmp_path / "server.db").read_bytes()
    assert all(payload in on_disk for payload in payloads)


def test_pushes_are_as_large_as_they_may_be():
    new = NewEntries(1, 5, [b"\xa2aa", b"\xa2bb", b"\xa2cc", b"\xa6dddddd", b"\xa2ee"], [bytes(16)] * 5)
    pushes = [(bytes(part.to_array()), last) for part, last in new.pushes(6)]
    assert pushes == [
        (b"\x92\xa2aa\xa2bb", 6), (b"\x91\xa2cc", 7), (b"\x91\xa6dddddd", 8), (b"\x91\xa2ee", 9)
    ]  # fmt: skip


def test_every_id_of_the_smallest_entries_there_are_is_found_at_its_seq(db):
    room, ids = make_room(db), [os.urandom(16) for _ in range(1000)]
    segments.insert(db, [NewEntries(room, 1, [b"\x90"] * len(ids), ids)], 0)
    assert [segments.find_stored(db, room, message_id) for message_id in ids] == list(range(1, 1001))


def test_an_id_is_found_in_its_room_alone_and_never_stored_twice(db):
    room, other = make_room(db), make_room(db)
    entries, ids = append(db, room, 1, [1, 2])
    assert [segments.find_stored(db, room, one) for one in ids] == [1, 2]
    assert segments.find_stored(db, other, ids[0]) is None
    again = NewEntries(room, 3, [encode_entry(entries[0])], ids[:1])
    with pytest.raises(sqlite3.IntegrityError):
        segments.insert(db, [again], 0)
    segments.insert(db, [NewEntries(other, 1, again.encoded, ids[:1])], 0)
    assert segments.find_stored(db, other, ids[0]) == 1


@pytest.mark.parametrize(
    ("times", "kept"),
    [
        ([1, 2, 3, 10, 11], [4, 5]),
        ([1, 2, 20, 3, 11], [3, 4, 5]),  # a clock that was ahead for a while
        ([20, 1, 2], [1, 2, 3]),
        ([1, 2, 3], []),
        ([], []),
    ],
)
def test_what_retention_leaves_has_no_hole(db, times, kept):
    room = make_room(db)
    for seq, at in enumerate(times, 1):
        append(db, room, seq, [1], at)
    assert (room in segments.rooms_with_entries_before(db, 5)) == (len(kept) < len(times))
    while segments.delete_oldest(db, room, 5, limit=2):
        pass
    assert seqs(db, room) == kept
    assert first(db, room) == len(times) - len(kept) + 1


def test_nothing_is_kept_of_entries_that_have_gone(db):
    room, other = make_room(db), make_room(db)
    _, ids = append(db, room, 1, [1000] * 7, at=1)
    append(db, room, 8, [1], at=9)
    for one in (room, other):
        segments.add_commit(db, one, 7, 0, b"h" * 32)
        segments.add_commit(db, one, 8, 1, b"k" * 32)
    append(db, other, 1, [1] * 8, at=1)
    assert segments.delete_oldest(db, room, 5, limit=2) == 6, "two segments of three"
    assert segments.delete_oldest(db, room, 5, limit=9) == 1
    assert segments.delete_oldest(db, room, 5, limit=9) == 0
    assert not any(segments.find_stored(db, room, one) for one in ids)
    assert db.execute("SELECT room, seq FROM message_ids ORDER BY room, seq").fetchall() == [
        (room, 8), *((other, seq) for seq in range(1, 9))
    ]  # fmt: skip
    assert segments.hash_after_commit(db, room, 7) is None
    assert segments.hash_after_commit(db, room, 8) == b"k" * 32
    assert segments.hash_after_commit(db, other, 7) == b"h" * 32
    assert (seqs(db, room), first(db, room), first(db, other)) == ([8], 8, 1)
