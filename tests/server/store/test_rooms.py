"""Rooms' statements: retention leaves logs without holes, and nothing is kept for ever that nobody is in."""

from __future__ import annotations

import os

import pytest

from sottovoce.link.parts import Entry, EntryKind, Stretching
from sottovoce.server.store import accounts, rooms
from sottovoce.server.store.database import bring_up_to_date, open_connection


@pytest.fixture
def db(tmp_path):
    bring_up_to_date(tmp_path / "server.db")
    db = open_connection(tmp_path / "server.db")
    yield db
    db.close()


@pytest.fixture
def device(db):
    account = accounts.add_account(
        db, user="alice", registration_record=b"", stretching=Stretching(1, 1, 1), account_key=b"",
        vault=b"", now_ms=0,
    )  # fmt: skip
    return accounts.add_device(
        db, account, device_id=bytes(16), certificate=b"", authentication_key=b"", now_ms=0
    )


def make_room(db, times, *, open_name=None):
    """A founded room with one entry for each time."""
    room = rooms.add_room(db, os.urandom(16), bytes(32), open_name=open_name)
    rooms.found_group(db, room, b"g")
    entries = [Entry(seq, EntryKind.MESSAGE, 0, b"x", at) for seq, at in enumerate(times, 1)]
    rooms.add_entries(db, room, [rooms.StoredEntry(entry, os.urandom(16), bytes(32)) for entry in entries])
    rooms.move_head(db, room, len(times), bytes(32))
    return room


def seqs(db, room):
    return [e.seq for e in rooms.read_entries(db, room, after=0, until=99, limit=99, max_bytes=99)]


def first(db, room):
    return db.execute("SELECT first FROM rooms WHERE id = ?", (room,)).fetchone()[0]


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
    room = make_room(db, times)
    assert (room in rooms.rooms_with_entries_before(db, 5)) == (len(kept) < len(times))
    while rooms.delete_oldest(db, room, 5, limit=2):
        pass
    assert seqs(db, room) == kept
    assert first(db, room) == len(times) - len(kept) + 1


def test_only_so_many_go_at_once_and_of_this_room_alone(db):
    room, other = make_room(db, [1, 2, 3]), make_room(db, [1, 2, 3])
    assert rooms.delete_oldest(db, room, 5, limit=2) == 2
    assert (seqs(db, room), seqs(db, other)) == ([3], [1, 2, 3])


def test_rooms_that_nobody_is_in_go_when_their_log_has_gone(db, device):
    alone, lived_in, open_room = make_room(db, []), make_room(db, []), make_room(db, [], open_name="lobby")
    with_entries, unfounded = make_room(db, [1]), rooms.add_room(db, os.urandom(16), bytes(32))
    rooms.put_into_roster(db, lived_in, [device])
    rooms.put_into_roster(db, alone, [device])
    rooms.take_off_roster(db, alone, [device], 0)
    assert rooms.count_rooms(db, device, left_too=True) == 2
    assert rooms.count_rooms(db, device, left_too=False) == 1
    rooms.delete_abandoned(db, 5)
    kept = {row[0] for row in db.execute("SELECT id FROM rooms")}
    assert kept == {lived_in, open_room, with_entries, unfounded}
    assert rooms.count_rooms(db, device, left_too=True) == 1


def test_a_welcome_takes_the_place_of_an_earlier_one_to_the_same_room(db, device):
    for room_id, payload, at in ((b"r", b"first", 1), (b"o", b"other", 9), (b"r", b"second", 9)):
        rooms.put_into_inbox(
            db, device, room_id=room_id, seq=1, head_hash=bytes(32), payload=payload, now_ms=at
        )  # fmt: skip
    assert [item.payload for item in rooms.read_inbox(db, device, max_bytes=99)] == [b"other", b"second"]
    assert rooms.inbox_bytes(db, device) == len(b"other" + b"second")
    rooms.delete_abandoned(db, 5)
    assert len(rooms.read_inbox(db, device, max_bytes=99)) == 2
    rooms.delete_abandoned(db, 10)
    assert rooms.inbox_bytes(db, device) == 0
