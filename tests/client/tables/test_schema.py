"""Stores of every release open, with all that is in them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from sottovoce.client.device_store import DeviceStore
from sottovoce.client.errors import StoreDamaged
from sottovoce.client.events import MemberJoined, ReceivedMessage
from sottovoce.client.tables import log as log_table
from sottovoce.client.tables import outbox as outbox_table
from sottovoce.client.tables import read_marks, schema
from sottovoce.client.tables import rooms as rooms_table
from sottovoce.client.tables.database import Database
from sottovoce.client.tables.records import RecordDamaged
from sottovoce.crypto.secret import Secret

KEY = Secret(bytes(range(32)))
ROOM = bytes(range(16))

# What the first release wrote for alice, who is in a room with bob, got two messages and wrote two herself.
VERSION_2 = (Path(__file__).parent.parent / "store_of_version_2.sql").read_text()


def _tables(connection: sqlite3.Connection) -> list[tuple[str, list[tuple[object, ...]]]]:
    """Every table and index, with its columns; as they are, whatever words made them."""
    names = connection.execute("SELECT name FROM sqlite_schema ORDER BY name").fetchall()
    return [
        (name, connection.execute(f"PRAGMA {pragma}({name})").fetchall())
        for (name,) in names
        for pragma in ("table_xinfo", "index_xinfo", "foreign_key_list")
    ]


def _store_of_version_2(path: Path) -> None:
    from sqlcipher3 import dbapi2

    connection = dbapi2.connect(str(path), isolation_level=None)
    connection.execute(f"PRAGMA key = \"x'{KEY.reveal().hex()}'\"")
    connection.executescript(VERSION_2)
    connection.execute("PRAGMA user_version = 2")
    connection.close()


def test_an_old_store_comes_to_have_the_tables_of_a_new_one() -> None:
    old, new = (sqlite3.connect(":memory:", isolation_level=None) for _ in range(2))
    old.executescript(VERSION_2)
    schema.migrate(Database(old), 2)
    schema.create(Database(new))
    assert _tables(old) == _tables(new)
    assert schema.version(Database(old)) == schema.version(Database(new)) == schema.VERSION


async def test_a_store_of_the_first_release_opens_with_everything_in_it(tmp_path: Path) -> None:
    _store_of_version_2(tmp_path / "store.db")
    for _ in range(2):  # brought up to date, then as it is
        store = await DeviceStore.open(tmp_path / "store.db", KEY)
        assert await store.transact(schema.version) == schema.VERSION
        joined, *said = [
            stored.item
            for stored in await store.transact(lambda database: log_table.timeline(database, ROOM, 0, 10))
        ]
        assert isinstance(joined, MemberJoined)
        assert [(item.sender, item.text) for item in said if isinstance(item, ReceivedMessage)] == [
            ("bob", "one"),
            ("bob", "two"),
            ("alice", "mine"),
        ]
        (room,) = await store.transact(rooms_table.rooms)
        assert (room.name, room.seq) == ("lobby", 5)
        assert len(await store.transact(lambda database: rooms_table.group(database, ROOM))) == 13
        assert len(await store.transact(lambda database: outbox_table.waiting(database, ROOM))) == 1
        await store.close()


async def test_what_was_there_before_marks_were_kept_counts_as_read(tmp_path: Path) -> None:
    _store_of_version_2(tmp_path / "store.db")
    store = await DeviceStore.open(tmp_path / "store.db", KEY)
    assert await store.transact(lambda database: read_marks.count_unread(database, ROOM, 10)) == 0
    assert await store.transact(lambda database: read_marks.read_mark(database, ROOM)) == 4
    await store.close()


async def test_a_change_of_tables_is_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _store_of_version_2(tmp_path / "store.db")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "_STEPS", (*schema._STEPS, ("CREATE TABLE more (x)", "no SQL")))
        with pytest.raises(StoreDamaged):
            await DeviceStore.open(tmp_path / "store.db", KEY)
    store = await DeviceStore.open(tmp_path / "store.db", KEY)
    assert await store.transact(schema.version) == schema.VERSION
    await store.close()


@pytest.mark.parametrize("version", [1, schema.VERSION + 1])
def test_no_other_version_is_brought_up_to_date(version: int) -> None:
    with pytest.raises(RecordDamaged):
        schema.migrate(Database(sqlite3.connect(":memory:")), version)
