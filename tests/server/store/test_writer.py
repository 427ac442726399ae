"""Group commit: outcomes in order, after COMMIT, and a failure acknowledges nothing."""

from __future__ import annotations

import asyncio
import sqlite3
import threading

import pytest

from sottovoce.link.parts import ErrorCode
from sottovoce.server.errors import Refused
from sottovoce.server.store.database import open_connection
from sottovoce.server.store.gathering import LONGEST_GATHERING
from sottovoce.server.store.writer import ENOUGH, FEW, MAX_BATCH, StoreFailure, Writer


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


async def test_closing_during_a_commit_commits_what_waits_behind_it_and_tells_in_order(writer, tmp_path):
    told = []
    writer.submit(insert(1), told.append, is_brief=True)
    while not writer._is_under_way:  # noqa: ASYNC110 - a Writer sets no event when it begins
        await asyncio.sleep(0)
    for number in (2, 3):
        writer.submit(insert(number), told.append, is_brief=number == 2)
    writer.close()
    await asyncio.sleep(0)
    assert told == [1, 2, 3]
    again = open_connection(tmp_path / "test.db")
    assert stored(again) == [1, 2, 3]
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


# --- where work runs ---------------------------------------------------------------------------------------


async def run_together(writer, *kinds):
    """Hand in work of these kinds (True: brief) in one turn; returns the thread of each and of COMMIT."""
    ran, commits = [], []
    writer._connection.set_trace_callback(
        lambda statement: commits.append(threading.get_ident()) if statement == "COMMIT" else None
    )
    told = [asyncio.get_running_loop().create_future() for _ in kinds]
    for number, (is_brief, future) in enumerate(zip(kinds, told, strict=True)):
        writer.submit(
            lambda _db, number=number: ran.append((number, threading.get_ident())),
            future.set_result,
            is_brief=is_brief,
        )
    await asyncio.wait_for(asyncio.gather(*told), 10)
    writer._connection.set_trace_callback(None)
    assert [number for number, _ in ran] == list(range(len(kinds))), "in the order it was handed in"
    return {thread for _, thread in ran}, commits


async def test_brief_work_runs_on_the_loops_thread_and_other_work_and_commit_never(writer):
    ours, its = threading.get_ident(), writer._thread.ident
    assert await run_together(writer, True, True) == ({ours}, [its])
    assert await run_together(writer, False) == ({its}, [its])
    assert await run_together(writer, True, False, True) == ({its}, [its]), "one transaction, one thread"


async def test_brief_work_that_fails_does_not_take_its_batch_along(writer, reader):
    told = [asyncio.get_running_loop().create_future() for _ in range(3)]

    def broken(db):
        insert(9)(db)
        raise ValueError

    for work, future in zip((insert(1), broken, insert(2)), told, strict=True):
        writer.submit(work, future.set_result, is_brief=True)
    first, failed, last = await asyncio.wait_for(asyncio.gather(*told), 10)
    assert (first, last) == (1, 2)
    assert isinstance(failed, StoreFailure)
    assert stored(reader) == [1, 2]


# --- when a transaction begins -----------------------------------------------------------------------------


class LoopWithClock:
    """The running loop, with a clock that stands still unless it is moved."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.now = 1000.0

    def __getattr__(self, name):
        return getattr(self.loop, name)

    def time(self):
        return self.now


@pytest.fixture
async def clock():
    return LoopWithClock()


@pytest.fixture
async def clocked(tmp_path, clock):
    """A writer by ``clock``, that waits for nothing but more work."""
    writer = Writer(open_connection(tmp_path / "clock.db"), clock)
    yield writer
    writer.close()


async def make_costly(writer, clock, *, running=0.0, telling=0.0):
    """Two lone pieces of work, each a transaction that takes so many seconds of the loop."""

    def move(seconds):
        clock.now += seconds

    for _ in range(2):
        told = asyncio.Event()
        writer.submit(
            lambda _db: move(running),
            lambda _outcome, told=told: (move(telling), told.set()),
            is_brief=True,
        )
        await asyncio.wait_for(told.wait(), 10)
    await asyncio.sleep(0)


async def stream(writer, clock, step, pieces=()):
    """Hand in work in every turn of the loop, ``step`` seconds apart, until some of it runs.

    Returns after how many seconds that was.
    """
    began_at = []
    start = clock.now
    for _ in range(1000):
        writer.submit(
            lambda _db: began_at.append(clock.now), lambda _outcome: None, is_brief=True, pieces=pieces
        )
        await asyncio.sleep(0)
        if began_at:
            break
        clock.now += step
    assert began_at, "nothing ever ran"
    return began_at[0] - start


@pytest.mark.parametrize("cost", [{"running": 1.0}, {"telling": 1.0}])
async def test_a_stream_of_work_that_never_pauses_waits_for_the_longest_gathering_and_no_longer(
    clocked, clock, cost
):
    await make_costly(clocked, clock, **cost)
    step = LONGEST_GATHERING / 50
    waited = await stream(clocked, clock, step)
    assert LONGEST_GATHERING / 2 < waited <= LONGEST_GATHERING + 2 * step


async def test_where_transactions_cost_little_a_stream_waits_little(clocked, clock):
    cost = LONGEST_GATHERING / 50
    await make_costly(clocked, clock, running=cost)
    assert 0 < await stream(clocked, clock, cost / 10) < 5 * cost
    await make_costly(clocked, clock)
    assert await stream(clocked, clock, cost) == 0


@pytest.mark.parametrize("grows", [True, False])
async def test_enough_work_begins_after_a_quarter_of_the_interval_and_less_does_not(tmp_path, clock, grows):
    writer = Writer(open_connection(tmp_path / "interval.db"), clock, commit_interval=1000.0)
    await asyncio.wait_for(writer.write(lambda _db: None), 10)
    told, pieces = asyncio.Event(), [None] * 10
    writer.submit(lambda _db: None, lambda _outcome: told.set(), is_brief=True, pieces=pieces)
    for passed, count in ((240.0, ENOUGH), (20.0, 0)):
        clock.now += passed
        for _ in range(5):
            await asyncio.sleep(0)
        assert not told.is_set()
        pieces += [None] * count
        if grows:
            writer.look_again()
        else:
            writer.submit(lambda _db: None, lambda _outcome: None, is_brief=True)
    await asyncio.wait_for(told.wait(), 10)
    writer.close()


@pytest.mark.parametrize(("count", "is_first"), [(FEW // 2, True), (FEW, False)])
async def test_a_little_that_came_during_a_commit_begins_before_the_outcomes_are_told(
    clocked, count, is_first
):
    happened = []
    told = asyncio.Event()

    def work(name):
        return lambda _db: happened.append(f"{name} runs")

    clocked.submit(work("first"), lambda _outcome: happened.append("first told"), is_brief=True)
    await asyncio.sleep(0)
    while not happened:  # noqa: ASYNC110 - the transaction begins in one of the next turns
        await asyncio.sleep(0)
    clocked.submit(work("second"), lambda _outcome: told.set(), is_brief=True, pieces=range(count))
    await asyncio.wait_for(told.wait(), 10)
    assert happened.index("first told") == (2 if is_first else 1)


async def test_a_lone_piece_of_work_begins_at_once_whatever_the_last_one_cost(clocked, clock):
    await make_costly(clocked, clock, running=1.0)
    before = clock.now
    await asyncio.wait_for(clocked.write(lambda _db: None), 10)
    assert clock.now == before


async def test_a_transaction_that_is_full_waits_no_longer(clocked, clock):
    """The clock stands still: nothing else ends the gathering while work keeps coming."""
    await make_costly(clocked, clock, running=1.0)
    assert await stream(clocked, clock, 0.0, pieces=range(MAX_BATCH)) == 0


async def test_a_transaction_takes_so_many_pieces_and_leaves_the_rest_to_the_next(clocked):
    statements = []
    clocked._connection.set_trace_callback(statements.append)
    told = [asyncio.get_running_loop().create_future() for _ in range(3)]
    for future in told:
        clocked.submit(lambda _db: None, future.set_result, is_brief=True, pieces=range(MAX_BATCH // 2))
    await asyncio.wait_for(asyncio.gather(*told), 10)
    assert statements.count("COMMIT") == 2


async def test_the_turn_changes_with_every_submission_and_when_a_transaction_begins(clocked):
    turns = [clocked.turn]
    told = asyncio.Event()

    def submit():
        clocked.submit(lambda _db: turns.append(clocked.turn), lambda _outcome: told.set(), is_brief=True)
        turns.append(clocked.turn)

    submit()
    submit()
    await asyncio.wait_for(told.wait(), 10)
    before, first, second, *during = turns
    assert before < first < second < during[0]
    assert during[0] == during[1]
