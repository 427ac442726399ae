"""The timeline's pages: in order, of one room alone, and quick however long the timeline is."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

import pytest

from sottovoce.client.events import MemberJoined, StoredItem
from sottovoce.client.tables import log as log_table
from sottovoce.client.tables import rooms as rooms_table
from sottovoce.client.tables import schema
from sottovoce.client.tables.database import Database
from sottovoce.client.tables.rooms import Membership, RoomRecord
from sottovoce.crypto.secret import Secret

OURS, OTHERS = bytes(16), bytes([1]) * 16
END = 2**63 - 1


@pytest.fixture
def connection() -> sqlite3.Connection:
    """The tables with two rooms, whose items come in turn: ours have the odd positions from 1 to 19."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    database = Database(connection)
    schema.create(database)
    for room_id in (OURS, OTHERS):
        record = RoomRecord(room_id, "lobby", "open", Membership.MEMBER, Secret(bytes(32)), 0)
        rooms_table.put_room(database, record)
    for seq in range(10):
        for room_id in (OURS, OTHERS):
            item = MemberJoined(seq=seq, at=datetime.fromtimestamp(seq, UTC), user=f"user{seq}")
            log_table.add_item(database, room_id, item, None)
    return connection


def _shown(page: list[StoredItem]) -> list[tuple[int, int]]:
    return [(stored.position, stored.item.seq) for stored in page]


def test_pages_go_back_from_the_end_to_the_beginning(connection: sqlite3.Connection) -> None:
    database = Database(connection)
    newest = log_table.timeline_before(database, OURS, END, 4)
    assert _shown(newest) == [(13, 6), (15, 7), (17, 8), (19, 9)]
    before = log_table.timeline_before(database, OURS, newest[0].position, 4)
    assert _shown(before) == [(5, 2), (7, 3), (9, 4), (11, 5)]
    first = log_table.timeline_before(database, OURS, before[0].position, 4)
    assert _shown(first) == [(1, 0), (3, 1)]
    assert log_table.timeline_before(database, OURS, first[0].position, 4) == []


def test_pages_go_on_from_a_position(connection: sqlite3.Connection) -> None:
    database = Database(connection)
    assert _shown(log_table.timeline(database, OURS, 13, 2)) == [(15, 7), (17, 8)]
    assert _shown(log_table.timeline(database, OURS, 17, 2)) == [(19, 9)]
    assert log_table.timeline(database, OURS, 19, 2) == []


def _plans(connection: sqlite3.Connection, statements: list[str]) -> list[str]:
    return [
        row[3]
        for sql in statements
        if sql.startswith("SELECT")
        for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()
    ]


def test_a_page_is_found_by_its_index_and_is_not_sorted(connection: sqlite3.Connection) -> None:
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    log_table.timeline_before(Database(connection), OURS, END, 4)
    log_table.timeline(Database(connection), OURS, 0, 4)
    connection.set_trace_callback(None)
    before, after = _plans(connection, statements)
    assert before == "SEARCH timeline USING INDEX timeline_by_room (room_id=? AND position<?)"
    assert after == "SEARCH timeline USING INDEX timeline_by_room (room_id=? AND position>?)"
