"""Appends on their way: what is gathered into one piece of work, and what becomes of it when COMMIT fails."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from sottovoce.link import messages as m
from sottovoce.link.connection import ClientConnection
from sottovoce.link.connection_state import State
from sottovoce.link.frames import LIMIT_AFTER_LOGIN
from sottovoce.link.parts import ErrorCode, Stretching
from sottovoce.server import appending, room_log
from sottovoce.server import room_transactions as transactions
from sottovoce.server.appending import Appender
from sottovoce.server.delivery import DeliveryService
from sottovoce.server.errors import Refused
from sottovoce.server.fanout.in_process import InProcessFanout
from sottovoce.server.metrics import Metrics
from sottovoce.server.room_log import RoomLog
from sottovoce.server.session import Session
from sottovoce.server.store import accounts, rooms, segments
from sottovoce.server.store.store import Store
from sottovoce.server.store.writer import ENOUGH, StoreFailure

ROOM, OTHER = b"r" * 16, b"o" * 16


class FailingOnce:
    """A connection that fails once at a statement, as a disk does."""

    def __init__(self, connection, statement):
        self._connection = connection
        self._statement = statement

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def execute(self, sql, *parameters):
        if sql == self._statement:
            self._statement = None
            raise OSError("the disk is gone")
        return self._connection.execute(sql, *parameters)


class Sender:
    """A device's session, and what it has been told."""

    def __init__(self, device, log):
        self.log = log
        self.session = Session(
            address_group="here",
            challenge=bytes(32),
            outbox_limit=10**6,
            metrics=Metrics(),
            wake=lambda: None,
        )
        connection = self.session.connection
        connection.state, connection._reader.limit = State.DEVICE, LIMIT_AFTER_LOGIN
        self.session.device = device
        self._client = ClientConnection()
        self._client.state, self._client._reader.limit = State.DEVICE, LIMIT_AFTER_LOGIN
        self._requests = 0

    def request(self, kind, *arguments):
        """A request that has come through this connection and waits for its reply."""
        self._requests += 1
        request = kind(self._requests, *arguments)
        self._client.send(request)
        self.session.connection.receive_data(self._client.data_to_send())
        return request

    def append(self, room, *messages):
        self.log.append(self.session, self.request(m.Append, room, list(messages)))

    def replies(self):
        """The seqs, or the error code, of each reply since the last call, by the order they came in."""
        self._client.receive_data(self.session.data_to_send())
        return [getattr(x, "seqs", None) or x.code for x in self._client.events()]


class World:
    """One store, two rooms that alice and bob are in and carol is not, and the pushes there were."""

    def __init__(self, store):
        self.store = store
        self.appender = Appender()
        self.pushed = []  # (room, first seq, number of entries), each push
        self.now_ms = 0
        self.log = RoomLog(store, self.appender, self._publish, clock=lambda: self.now_ms / 1000)
        self.statements = []

    def _publish(self, room, new):
        self.pushed.append((room, new.first_seq, len(new.encoded)))

    async def furnish(self):
        def work(db):
            for user in ("alice", "bob", "carol"):
                row = accounts.add_account(
                    db, user=user, registration_record=b"", stretching=Stretching(1, 1, 1), account_key=b"",
                    vault=b"", now_ms=0,
                )  # fmt: skip
                accounts.add_device(
                    db,
                    row,
                    device_id=user.encode().ljust(16),
                    certificate=b"",
                    authentication_key=b"",
                    now_ms=0,
                )
            devices = [accounts.find_device(db, u, u.encode().ljust(16)) for u in ("alice", "bob", "carol")]
            for room in (ROOM, OTHER):
                transactions.create(db, devices[0].row, m.RoomCreate(1, room, b"sealed"))
                rooms.put_into_roster(db, rooms.find_room(db, room).row, [devices[1].row])
            return devices

        devices = await self.store.write(work)
        self.alice, self.bob, self.carol = (Sender(device, self.log) for device in devices)
        self.store._writer._connection.set_trace_callback(self.statements.append)

    async def settle(self):
        """Until everything handed in so far has been told; the mark behind it is handed in at once."""
        told = asyncio.get_running_loop().create_future()
        self.store.submit(lambda _db: None, told.set_result)
        await asyncio.wait_for(told, 20)

    def submit_commit(self, sender, room, epoch):
        """As the delivery service hands in a commit; what becomes of it is not told."""
        device = sender.session.current_device
        request = m.Commit(999, room, os.urandom(16), epoch, b"commit", b"sealed")

        def work(db):
            self.appender.forget(room)
            return transactions.commit(db, device, request, None, 0)

        outcomes = []
        self.store.submit(work, outcomes.append)
        return outcomes

    def stored(self, room):
        """The payloads of a room's log, which ends where the room's head is."""

        def work(db):
            at = rooms.find_room(db, room)
            entries = segments.read_entries(db, at.row, after=0, until=2**62, limit=10**6, max_bytes=10**9)
            assert [e.seq for e in entries] == list(range(1, at.head + 1))
            return [e.payload for e in entries]

        return self.store.read_now(work)


def message(payload=b"x", *, epoch=0, message_id=None):
    return m.Outgoing(message_id or os.urandom(16), epoch, payload)


@pytest.fixture
async def world(tmp_path):
    store = Store(tmp_path, asyncio.get_running_loop())
    world = World(store)
    await world.furnish()
    yield world
    store.close()


async def under_commit(world):
    """Have a transaction under way; returns what ends it."""
    hold, began = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def work(_db):
        loop.call_soon_threadsafe(began.set)
        assert hold.wait(10)

    world.store.submit(work, lambda _outcome: None)
    await asyncio.wait_for(began.wait(), 10)
    return hold


async def test_what_comes_while_a_transaction_is_under_way_shares_one_transaction_and_one_push_a_room(world):
    hold = await under_commit(world)
    world.alice.append(ROOM, message(b"1"), message(b"2"))
    world.bob.append(OTHER, message(b"a"))
    world.bob.append(ROOM, message(b"3"))
    world.carol.append(ROOM, message(b"no member's"))
    await asyncio.sleep(0)
    world.alice.append(ROOM, message(b"4"))
    before = len(world.statements)
    hold.set()
    await world.settle()
    after = world.statements[before:]
    assert after.count("COMMIT") == 2, "the one under way, and one for all of them"
    assert sum(statement.startswith("UPDATE rooms SET head") for statement in after) == 2, "one for each room"
    assert world.pushed == [(ROOM, 1, 4), (OTHER, 1, 1)]
    assert world.alice.replies() == [[1, 2], [4]]
    assert world.bob.replies() == [[1], [3]]
    assert world.carol.replies() == [ErrorCode.NOT_A_MEMBER]
    assert world.stored(ROOM) == [b"1", b"2", b"3", b"4"]
    assert world.stored(OTHER) == [b"a"]


async def test_what_comes_during_the_commit_of_an_append_is_of_the_next_transaction(world):
    at_commit, hold = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def trace(statement):
        if statement == "COMMIT" and not at_commit.is_set():
            loop.call_soon_threadsafe(at_commit.set)
            assert hold.wait(10)

    world.store._writer._connection.set_trace_callback(trace)
    world.alice.append(ROOM, message(b"1"))
    await asyncio.wait_for(at_commit.wait(), 10)
    world.alice.append(ROOM, message(b"2"))
    await asyncio.sleep(0)
    assert world.alice.replies() == [], "nothing is answered before COMMIT has returned"
    assert world.pushed == []
    hold.set()
    await world.settle()
    assert world.alice.replies() == [[1], [2]]
    assert world.pushed == [(ROOM, 1, 1), (ROOM, 2, 1)]


async def test_one_sender_who_cannot_be_answered_does_not_silence_the_others(world):
    never_came = m.Append(99, ROOM, [message(b"1")])  # its connection knows of no such request
    world.log.append(world.alice.session, never_came)
    world.bob.append(ROOM, message(b"2"))
    await world.settle()
    assert world.bob.replies() == [[2]]
    assert world.pushed == [(ROOM, 1, 2)]


async def test_an_append_does_not_overtake_the_commit_that_was_handed_in_before_it(world):
    outcomes = []
    for epoch in range(5):
        world.alice.append(ROOM, message(b"m", epoch=0))
        outcomes += [world.submit_commit(world.bob, ROOM, epoch)]
    world.alice.append(ROOM, message(b"m", epoch=5))
    await world.settle()
    assert [committed.seq for (committed,) in outcomes] == [2, 4, 6, 8, 9]
    assert world.alice.replies() == [[1], [3], [5], [7], ErrorCode.STALE_EPOCH, [10]]
    assert world.stored(ROOM) == [b"m", b"commit"] * 4 + [b"commit", b"m"]


async def test_more_than_is_gathered_at_most_is_several_pieces_in_order(world, monkeypatch):
    monkeypatch.setattr(room_log, "MAX_GATHERED", 3)
    sizes = []
    append = world.appender.append

    def counted(db, gathered, now_ms):
        sizes.append(len(gathered))
        return append(db, gathered, now_ms)

    monkeypatch.setattr(world.appender, "append", counted)
    for _ in range(7):
        world.alice.append(ROOM, message())
    await world.settle()
    assert sizes == [3, 3, 1]
    assert world.alice.replies() == [[seq] for seq in range(1, 8)]
    assert world.pushed == [(ROOM, 1, 3), (ROOM, 4, 3), (ROOM, 7, 1)]


async def test_enough_appends_do_not_wait_for_the_interval(world):
    writer = world.store._writer
    writer._interval, writer._began = 1000.0, asyncio.get_running_loop().time() - 500.0
    for _ in range(ENOUGH):
        assert world.pushed == []
        world.alice.append(ROOM, message())
        await asyncio.sleep(0)
    async with asyncio.timeout(10):
        while not world.pushed:  # noqa: ASYNC110 - the log sets no event when it publishes
            await asyncio.sleep(0)
    assert world.pushed == [(ROOM, 1, ENOUGH)]


async def test_a_message_that_comes_again_is_not_doubled_and_the_others_keep_their_answers(world):
    first, twice = message(b"first"), message(b"twice")
    world.alice.append(ROOM, first)
    await world.settle()
    world.pushed.clear()
    world.bob.append(ROOM, message(b"bob's"))
    world.alice.append(ROOM, first, message(b"second"))
    world.alice.append(ROOM, twice)
    world.alice.append(ROOM, twice)
    world.carol.append(ROOM, message(b"no member's"))
    world.bob.append(OTHER, message(b"elsewhere"))
    await world.settle()
    assert world.bob.replies() == [[2], [1]]
    assert world.alice.replies() == [[1], [1, 3], [4], [4]]
    assert world.carol.replies() == [ErrorCode.NOT_A_MEMBER]
    assert world.stored(ROOM) == [b"first", b"bob's", b"second", b"twice"]
    assert world.pushed == [(ROOM, 2, 3), (OTHER, 1, 1)], "and what was stored before is not pushed again"
    assert "ROLLBACK" in world.statements


async def test_only_repeats_are_answered_and_nothing_is_pushed(world):
    once = message(b"once")
    world.alice.append(ROOM, once)
    await world.settle()
    world.alice.append(ROOM, once)
    await world.settle()
    assert world.alice.replies() == [[1], [1]]
    assert world.pushed == [(ROOM, 1, 1)]
    world.alice.append(ROOM, message(b"next"))
    await world.settle()
    assert world.alice.replies() == [[2]]


async def rollbacks_of(world, now_ms, *appends):
    """Hand in appends for one transaction; how many are undone for it."""
    world.statements.clear()
    world.now_ms = now_ms
    for sender, payload in appends:
        sender.append(ROOM, payload)
    await world.settle()
    return world.statements.count("ROLLBACK")


async def test_who_repeats_one_message_has_a_transaction_undone_once_and_not_each_time(world):
    once, end = message(b"once"), appending.REPEATER_MS
    assert await rollbacks_of(world, 0, (world.alice, once)) == 0
    assert await rollbacks_of(world, 0, (world.bob, message()), (world.alice, once)) == 1
    for now_ms in (1, end - 1):
        assert await rollbacks_of(world, now_ms, (world.bob, message()), (world.alice, once)) == 0
    assert await rollbacks_of(world, 2 * end - 1, (world.alice, message())) == 0, "the last repeat counts"
    assert await rollbacks_of(world, 2 * end, (world.alice, once)) == 1, "and is forgotten in the end"
    assert world.alice.replies() == [[1], [1], [1], [1], [5], [1]]
    assert world.bob.replies() == [[2], [3], [4]]


async def test_a_repeater_and_another_with_the_same_id_at_once_are_told_the_same(world):
    once, both = message(b"once"), message(b"both")
    assert await rollbacks_of(world, 0, (world.alice, once)) == 0
    assert await rollbacks_of(world, 0, (world.alice, once)) == 1
    assert await rollbacks_of(world, 1, (world.alice, both), (world.bob, both), (world.alice, both)) == 1
    assert world.alice.replies() == [[1], [1], [2], [2]]
    assert world.bob.replies() == [[2]]
    assert world.stored(ROOM) == [b"once", b"both"]


async def test_only_so_many_repeaters_are_known(world, monkeypatch):
    monkeypatch.setattr(appending, "MAX_REPEATERS_KNOWN", 1)
    first, second = message(), message()
    assert await rollbacks_of(world, 0, (world.alice, first), (world.bob, second)) == 0
    assert await rollbacks_of(world, 0, (world.alice, first)) == 1
    assert await rollbacks_of(world, 0, (world.bob, second)) == 1
    assert await rollbacks_of(world, 0, (world.bob, second)) == 0
    assert await rollbacks_of(world, 0, (world.alice, first)) == 1, "forgotten for the other"


async def test_a_commit_that_fails_once_loses_nothing_and_no_seq(world):
    world.alice.append(ROOM, message(b"1"))
    await world.settle()
    world.store._writer._connection = FailingOnce(world.store._writer._connection, "COMMIT")
    world.alice.append(ROOM, message(b"2"))
    world.bob.append(ROOM, message(b"3"))
    await world.settle()
    assert world.alice.replies() == [[1], [2]]
    assert world.bob.replies() == [[3]]
    assert world.pushed == [(ROOM, 1, 1), (ROOM, 2, 2)]
    assert world.stored(ROOM) == [b"1", b"2", b"3"]


async def test_what_the_disk_does_not_take_is_refused_and_the_room_goes_on_where_it_was(world):
    """SQLite's page limit stands for the disk."""
    world.alice.append(ROOM, message(b"1"))
    await world.settle()
    db = world.store._writer._connection
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages + 2}")
    world.alice.append(ROOM, message(bytes(100_000)))
    world.bob.append(ROOM, message(b"in the same piece"))
    await world.settle()
    assert world.alice.replies() == [[1], ErrorCode.INTERNAL]
    assert world.bob.replies() == [ErrorCode.INTERNAL]
    assert world.stored(ROOM) == [b"1"]
    db.execute("PRAGMA max_page_count = 1000000")
    world.bob.append(ROOM, message(b"2"))
    await world.settle()
    assert world.bob.replies() == [[2]]
    assert world.pushed == [(ROOM, 1, 1), (ROOM, 2, 1)]
    assert world.stored(ROOM) == [b"1", b"2"]


async def test_a_transaction_undone_by_other_work_takes_what_was_known_of_the_room_along(world):
    """The append runs first and is undone with the rest; alone it runs again, and the room is read anew."""
    hold = await under_commit(world)

    def broken(db):
        raise ValueError

    outcomes = []
    world.alice.append(ROOM, message(b"1"))
    world.store.submit(broken, outcomes.append)
    world.alice.append(ROOM, message(b"2"))
    hold.set()
    await world.settle()
    assert world.alice.replies() == [[1], [2]]
    assert world.stored(ROOM) == [b"1", b"2"]
    assert len(outcomes) == 1
    assert isinstance(outcomes[0], Exception)


async def test_a_sender_that_has_gone_is_skipped_and_its_message_is_stored(world):
    world.alice.append(ROOM, message(b"1"))
    world.bob.append(ROOM, message(b"2"))
    world.alice.session.connection.close()
    await world.settle()
    assert world.bob.replies() == [[2]]
    assert world.pushed == [(ROOM, 1, 2)]


async def test_who_is_no_device_leaves_the_gathered_requests_alone(world):
    nobody = Sender(None, world.log)
    world.alice.append(ROOM, message(b"1"))
    with pytest.raises(Refused):
        nobody.append(ROOM, message(b"2"))
    world.alice.append(ROOM, message(b"3"))
    await world.settle()
    assert world.alice.replies() == [[1], [2]]
    assert nobody.replies() == []


async def test_what_is_known_of_rooms_is_bounded_and_what_was_forgotten_is_read_anew(world, monkeypatch):
    monkeypatch.setattr(appending, "MAX_ROOMS_KNOWN", 1)
    for expected in ([1], [2]):
        for room in (ROOM, OTHER):
            world.alice.append(room, message())
            await world.settle()
            assert world.alice.replies() == [expected]
            assert list(world.appender._states) == [room], "the one read first is forgotten first"


async def test_more_rooms_than_are_kept_in_mind_may_share_a_transaction(world, monkeypatch):
    monkeypatch.setattr(appending, "MAX_ROOMS_KNOWN", 1)
    for _ in range(2):
        world.alice.append(ROOM, message())
        world.alice.append(OTHER, message())
    await world.settle()
    assert world.alice.replies() == [[1], [1], [2], [2]]
    assert len(world.appender._states) == 1


async def test_a_room_that_other_work_has_changed_is_read_anew(world):
    world.bob.append(ROOM, message())
    await world.settle()
    bob = world.bob.session.current_device.row

    def take_out(db):
        world.appender.forget(ROOM)
        transactions.leave(db, bob, ROOM)

    await world.store.write(take_out)
    world.bob.append(ROOM, message())
    world.bob.append(OTHER, message())
    await world.settle()
    assert world.bob.replies() == [[1], ErrorCode.NOT_A_MEMBER, [1]]


async def test_an_append_after_the_store_was_closed_is_never_acknowledged(world):
    """It must not join those that were gathered before, and that closing has committed."""
    world.alice.append(ROOM, message(b"1"))
    world.store.close()
    with pytest.raises(StoreFailure):
        world.bob.append(ROOM, message(b"2"))
    await asyncio.sleep(0)
    assert world.alice.replies() == [[1]]
    assert world.bob.replies() == []


async def test_a_room_deleted_as_abandoned_is_known_no_more(world):
    delivery = DeliveryService(world.store, InProcessFanout(), Metrics(), turn_seconds=10)
    for expected in (ErrorCode.NOT_A_MEMBER, ErrorCode.UNKNOWN_ROOM):
        delivery.append(world.carol.session, world.carol.request(m.Append, ROOM, [message()]))
        await world.settle()
        assert world.carol.replies() == [expected]
        row = await world.store.write(lambda db: getattr(rooms.find_room(db, ROOM), "row", 0))
        await world.store.write(lambda db, row=row: rooms.take_off_roster(db, row, range(100), 0))
        await delivery.delete_older_than(2**62)
