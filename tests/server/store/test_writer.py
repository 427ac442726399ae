"""Group commit: outcomes in order, after COMMIT, and a failure acknowledges nothing."""

from __future__ import annotations

import asyncio
import sqlite3
import threading

import pytest

from sottovoce.link.parts import ErrorCode
from sottovoce.server.errors import Refused
from sottovoce.server.store.database import open_connection
from sottovoce.server.store.writer import StoreFailure, Writer


@pytest.fixture
async def writer(tmp_path):
    db = open_connection(tmp_path / "test.db")
    db.execute("CREATE TABLE numbers (n INTEGER UNIQUE)")
    writer = Writer(db, asyncio.get_running_loop(), commit_interval=0.001)
    yield writer
    writer.close()


@pytest.fixture
def reader(tmp_path, writer):
    db = open_connection(tmp_path / "test.db")
    yield db
    db.close()


def insert(number):
    def work(db: sqlite3.Connection) -> int:
        db.execute("INSERT INTO numbers VALUES (?)", (number,))
        return number

    return work


def stored(reader):
    return [row[0] for row in reader.execute("SELECT n FROM numbers ORDER BY rowid")]


async def test_outcomes_come_in_order_and_are_on_disk_when_they_come(writer, reader):
    told: list[tuple[int, int]] = []
    end = asyncio.get_running_loop().create_future()

    def done(outcome):
        told.append((outcome, len(stored(reader))))
        if outcome == 499:
            end.set_result(None)

    for number in range(500):
        writer.submit(insert(number), done)
    await asyncio.wait_for(end, 10)
    assert [outcome for outcome, _ in told] == list(range(500))
    assert all(count > outcome for outcome, count in told)
    assert len({count for _, count in told}) < 100, "many shared a transaction"


async def test_a_refusal_is_the_outcome_and_the_others_are_stored(writer, reader):
    def refuse(db):
        raise Refused(ErrorCode.NOT_FOUND, "no")

    results = await asyncio.gather(
        writer.write(insert(1)), writer.write(refuse), writer.write(insert(2)), return_exceptions=True
    )
    assert results[0] == 1
    assert isinstance(results[1], Refused)
    assert stored(reader) == [1, 2]


async def test_one_that_fails_does_not_take_its_batch_along(writer, reader):
    hold = threading.Event()
    first = asyncio.ensure_future(writer.write(lambda db: hold.wait(10)))
    await asyncio.sleep(0)
    rest = [asyncio.ensure_future(writer.write(insert(number))) for number in (1, 2, 2, 3)]
    await asyncio.sleep(0)
    hold.set()
    results = await asyncio.gather(first, *rest, return_exceptions=True)
    assert results[1:3] == [1, 2]
    assert isinstance(results[3], StoreFailure)
    assert results[4] == 3
    assert stored(reader) == [1, 2, 3]


async def test_a_refusal_after_a_write_is_our_bug_and_nothing_is_kept(writer, reader):
    def broken(db):
        insert(1)(db)
        raise Refused(ErrorCode.NOT_FOUND, "too late")

    with pytest.raises(StoreFailure):
        await writer.write(broken)
    assert stored(reader) == []


async def test_a_listener_that_fails_does_not_silence_the_next(writer):
    def fail(_outcome):
        raise ValueError

    writer.submit(insert(1), fail)
    assert await writer.write(insert(2)) == 2


async def test_a_write_nobody_waits_for_any_more_is_done_all_the_same(writer, reader):
    waiting = asyncio.ensure_future(writer.write(insert(1)))
    await asyncio.sleep(0)
    waiting.cancel()
    await writer.write(insert(2))
    assert stored(reader) == [1, 2]


async def test_closing_commits_what_was_handed_in(tmp_path):
    db = open_connection(tmp_path / "close.db")
    db.execute("CREATE TABLE numbers (n INTEGER UNIQUE)")
    writer = Writer(db, asyncio.get_running_loop())
    for number in range(100):
        writer.submit(insert(number), lambda _outcome: None)
    writer.close()
    with pytest.raises(StoreFailure):
        writer.submit(insert(1), lambda _outcome: None)
    again = open_connection(tmp_path / "close.db")
    assert len(stored(again)) == 100
    again.close()


async def test_a_full_disk_is_never_acknowledged_and_recovers(tmp_path):
    """SQLite's page limit stands for the disk: the same SQLITE_FULL."""
    db = open_connection(tmp_path / "full.db")
    db.execute("CREATE TABLE blobs (b BLOB)")
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages + 20}")
    writer = Writer(db, asyncio.get_running_loop())

    def store(db):
        db.execute("INSERT INTO blobs VALUES (zeroblob(8000))")

    outcomes = await asyncio.gather(*(writer.write(store) for _ in range(50)), return_exceptions=True)
    acknowledged = sum(outcome is None for outcome in outcomes)
    assert 0 < acknowledged < 50
    assert {type(outcome) for outcome in outcomes} == {type(None), StoreFailure}
    assert (
        await writer.write(lambda db: db.execute("SELECT count(*) FROM blobs").fetchone()[0]) == acknowledged
    )
    await writer.write(lambda db: db.execute("DELETE FROM blobs"))
    await writer.write(store)
    writer.close()
