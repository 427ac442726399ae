"""What was read, and how much was not: of others' messages alone, and counted up to a limit."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.client.events import MemberJoined, ReceivedMessage
from sottovoce.client.tables import log as log_table
from sottovoce.client.tables import read_marks, schema
from sottovoce.client.tables import rooms as rooms_table
from sottovoce.client.tables.database import Database
from sottovoce.client.tables.rooms import Membership, RoomRecord
from sottovoce.crypto.secret import Secret

ROOM, OTHER_ROOM = bytes(16), bytes([1]) * 16
NOW = datetime.fromtimestamp(1_800_000_000, UTC)


def _say(database: Database, number: int, *, room_id: bytes = ROOM, is_mine: bool = False) -> None:
    message_id = number.to_bytes(32, "big")
    message = ReceivedMessage(
        seq=number,
        at=NOW,
        sender="bob",
        text="x",
        is_mine=is_mine,
        device_id=bytes(16),
        message_id=message_id,
        verified=False,
    )
    log_table.add_item(database, room_id, message, message_id)


def _rooms() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    database = Database(connection)
    schema.create(database)
    for room_id in (ROOM, OTHER_ROOM):
        record = RoomRecord(room_id, "lobby", "open", Membership.MEMBER, Secret(bytes(32)), 0)
        rooms_table.put_room(database, record)
    return connection


@pytest.fixture
def connection() -> sqlite3.Connection:
    return _rooms()


def test_a_room_without_messages_is_read(connection: sqlite3.Connection) -> None:
    database = Database(connection)
    assert read_marks.read_mark(database, ROOM) == 0
    assert read_marks.count_unread(database, ROOM, 10) == 0
    assert not read_marks.move_read_mark(database, ROOM, 5)
    assert read_marks.read_mark(database, ROOM) == 0


def test_messages_of_others_are_counted_and_nothing_else(connection: sqlite3.Connection) -> None:
    database = Database(connection)
    log_table.add_item(database, ROOM, MemberJoined(seq=1, at=NOW, user="bob"), None)
    _say(database, 2)
    _say(database, 3, is_mine=True)
    _say(database, 4)
    _say(database, 5, room_id=OTHER_ROOM)
    assert read_marks.count_unread(database, ROOM, 10) == 2
    assert read_marks.move_read_mark(database, ROOM, 2)
    assert read_marks.count_unread(database, ROOM, 10) == 1
    assert read_marks.count_unread(database, OTHER_ROOM, 10) == 1


def test_the_mark_goes_neither_back_nor_past_the_newest_item(connection: sqlite3.Connection) -> None:
    database = Database(connection)
    for number in range(1, 5):
        _say(database, number)
    assert read_marks.move_read_mark(database, ROOM, 3)
    assert not read_marks.move_read_mark(database, ROOM, 2)
    assert not read_marks.move_read_mark(database, ROOM, 3)
    assert read_marks.read_mark(database, ROOM) == 3
    assert read_marks.move_read_mark(database, ROOM, 2**62)
    assert read_marks.read_mark(database, ROOM) == 4
    _say(database, 5)
    assert read_marks.count_unread(database, ROOM, 10) == 1


_STEP = st.one_of(
    st.tuples(st.just("theirs"), st.sampled_from([ROOM, OTHER_ROOM])),
    st.tuples(st.just("mine"), st.sampled_from([ROOM, OTHER_ROOM])),
    st.tuples(st.just("read"), st.integers(-1, 40)),
)


@given(st.lists(_STEP, max_size=40))
def test_the_count_is_what_one_would_count(steps: list[tuple[str, bytes | int]]) -> None:
    connection = _rooms()
    database = Database(connection)
    positions: list[tuple[int, bool]] = []  # of this room: where, and whether by others
    mark = 0
    for number, (what, where) in enumerate(steps, 1):
        if isinstance(where, int):
            newest = positions[-1][0] if positions else 0
            before, mark = mark, max(mark, min(where, newest))
            assert read_marks.move_read_mark(database, ROOM, where) == (mark > before)
        else:
            _say(database, number, room_id=where, is_mine=what == "mine")
            if where == ROOM:
                positions.append((log_table.timeline(database, ROOM, 0, 100)[-1].position, what == "theirs"))
        assert read_marks.read_mark(database, ROOM) == mark
        unread = sum(theirs and at > mark for at, theirs in positions)
        assert read_marks.count_unread(database, ROOM, 10) == min(unread, 10)
    connection.close()


def test_the_count_stops_and_uses_an_index_of_its_own(connection: sqlite3.Connection) -> None:
    database = Database(connection)
    for number in range(1, 30):
        _say(database, number)
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    assert read_marks.count_unread(database, ROOM, 10) == 10
    connection.set_trace_callback(None)
    plan = connection.execute(f"EXPLAIN QUERY PLAN {statements[-1]}").fetchall()
    found = "SEARCH timeline USING COVERING INDEX timeline_from_others (room_id=? AND position>?)"
    assert found in [row[3] for row in plan]


def test_everything_can_be_marked_read(connection: sqlite3.Connection) -> None:
    database = Database(connection)
    read_marks.mark_all_read(database, ROOM)
    assert read_marks.read_mark(database, ROOM) == 0
    for number in range(1, 4):
        _say(database, number)
    read_marks.mark_all_read(database, ROOM)
    assert read_marks.read_mark(database, ROOM) == 3
    assert read_marks.count_unread(database, ROOM, 10) == 0
