"""Rooms' statements: nothing is kept for ever that nobody is in, and a head moves from where it was."""

from __future__ import annotations

import os

import pytest

from sottovoce.errors import InternalError
from sottovoce.link.parts import Stretching
from sottovoce.server.store import accounts, rooms, segments
from sottovoce.server.store.database import bring_up_to_date, open_connection
from sottovoce.server.store.segments import NewEntries


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


def make_room(db, length, *, open_name=None):
    """A founded room with so many entries."""
    room = rooms.add_room(db, os.urandom(16), bytes(32), open_name=open_name)
    rooms.found_group(db, room, b"g")
    if length:
        new = NewEntries(room, 1, [b"\xc0"] * length, [os.urandom(16) for _ in range(length)])
        segments.insert(db, [new], 0)
        rooms.move_heads(db, [(length, bytes(32), room, 0)])
    return room


def test_a_head_is_moved_from_where_it_is(db):
    room, other = make_room(db, 2), make_room(db, 0)
    rooms.move_heads(db, [(3, b"h" * 32, room, 2), (1, b"o" * 32, other, 0)])
    assert db.execute("SELECT head, head_hash FROM rooms").fetchall() == [(3, b"h" * 32), (1, b"o" * 32)]
    with pytest.raises(InternalError):
        rooms.move_heads(db, [(4, bytes(32), room, 3), (2, bytes(32), other, 0)])


def test_rooms_that_nobody_is_in_go_when_their_log_has_gone(db, device):
    alone, lived_in, open_room = make_room(db, 0), make_room(db, 0), make_room(db, 0, open_name="lobby")
    with_entries, unfounded = make_room(db, 1), rooms.add_room(db, os.urandom(16), bytes(32))
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
