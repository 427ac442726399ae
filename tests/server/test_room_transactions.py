"""The delivery rules as a state machine, against a model that is a list and a few numbers."""

from __future__ import annotations

import hashlib
import sqlite3

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from sottovoce.link import messages as m
from sottovoce.link.encoded_entries import encode_entry
from sottovoce.link.frames import encode_frame
from sottovoce.link.parts import EntryKind, ErrorCode, Stretching
from sottovoce.server import room_transactions as transactions
from sottovoce.server.appending import Appender, Gathered
from sottovoce.server.errors import Refused
from sottovoce.server.store import accounts, rooms, segments
from sottovoce.server.store.schema import metadata

ROOM = b"r" * 16
USERS = ("alice", "bob", "carol", "dave")
members = st.sampled_from(USERS)
epochs = st.integers(-4, 1)
lengths = st.sampled_from([0, 1, 300, 1400, 3000])  # times the payload: some fill a segment
repeats = st.none() | st.floats(0, 1, exclude_max=True)  # which of the messages before to bring again


def message_id(number: int) -> bytes:
    return number.to_bytes(16, "big")


class RoomLog(RuleBasedStateMachine):
    """One room and four devices; requests good and bad in any order."""

    def __init__(self):
        super().__init__()
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        segments.prepare(self.db)
        engine = create_engine("sqlite://", creator=lambda: self.db, poolclass=StaticPool)
        metadata.create_all(engine)
        self.db.isolation_level = None
        self.devices = {}
        for user in USERS:
            row = accounts.add_account(
                self.db, user=user, registration_record=b"", stretching=Stretching(1, 1, 1),
                account_key=b"", vault=b"", now_ms=0,
            )  # fmt: skip
            accounts.add_device(
                self.db,
                row,
                device_id=user.encode().ljust(16),
                certificate=b"",
                authentication_key=b"",
                now_ms=0,
            )
            self.devices[user] = accounts.find_device(self.db, user, user.encode().ljust(16))
        self.appender = Appender()
        self.log = []  # (kind, epoch, message_id, payload, time): all there ever were
        self.first = 1  # the oldest that is kept
        self.now = 0
        self.epoch = None
        self.addition = 0
        self.roster = set()
        self.numbers = 0

    def fresh(self) -> bytes:
        self.numbers += 1
        return message_id(self.numbers)

    def attempt(self, work):
        """Run in a transaction; return the result, or the code of a refusal that changed nothing."""
        changes = self.db.total_changes
        self.db.execute("BEGIN")
        try:
            result = work()
        except Refused as refused:
            assert self.db.total_changes == changes, "a refusal comes before any write"
            self.db.execute("ROLLBACK")
            if refused.code == ErrorCode.STALE_EPOCH:
                assert refused.epoch == self.epoch  # noqa: PT017 - every outcome is looked at, this one more
            return refused.code
        self.db.execute("COMMIT")
        return result

    def append_now(self, requests):
        """Run requests as the writer does: all again, with care, when an id was stored before."""
        gathered = Gathered(
            (self.devices[user].row, m.Append(1, ROOM, messages)) for user, messages in requests
        )
        changes = self.db.total_changes
        self.db.execute("BEGIN")
        try:
            appended = self.appender.append(self.db, gathered, self.now)
        except sqlite3.IntegrityError:
            self.db.execute("ROLLBACK")
            self.appender.forget_all()
            changes = self.db.total_changes
            self.db.execute("BEGIN")
            appended = self.appender.append(self.db, gathered, self.now)
        self.db.execute("COMMIT")
        outcomes, new = appended.outcomes, appended.new
        if all(isinstance(outcome, Refused) for outcome in outcomes):
            assert self.db.total_changes == changes, "a refusal comes before any write"
        pushed = [entry for one in new.values() for part, _ in one.pushes(3000) for entry in part]
        return [one.code if isinstance(one, Refused) else one for one in outcomes], pushed

    @property
    def kept(self):
        """What is kept of the log: seq and entry."""
        return list(enumerate(self.log, 1))[self.first - 1 :]

    def append_to_model(self, user, messages):
        """Append to the model's log, and return the outcome."""
        stored = {entry[2]: seq for seq, entry in self.kept}
        floor = max((self.epoch or 0) - 3, self.addition)
        if self.epoch is None:
            return ErrorCode.UNKNOWN_ROOM
        if any(x.message_id not in stored for x in messages):
            if user not in self.roster:
                return ErrorCode.NOT_A_MEMBER
            if any(not floor <= x.epoch <= self.epoch for x in messages if x.message_id not in stored):
                return ErrorCode.STALE_EPOCH
        for x in messages:
            if x.message_id not in stored:
                self.log.append((EntryKind.MESSAGE, x.epoch, x.message_id, x.payload, self.now))
                stored[x.message_id] = len(self.log)
        return [stored[x.message_id] for x in messages]

    def wire(self, user):
        return m.Device(user, self.devices[user].device_id)

    @rule(user=members)
    def create(self, user):
        result = self.attempt(
            lambda: transactions.create(self.db, self.devices[user].row, m.RoomCreate(1, ROOM, user.encode()))
        )
        self.appender.forget(ROOM)
        if self.epoch is None:
            assert result is None
            self.epoch, self.roster = 0, {user}
        elif self.roster == {user} and self.epoch == 0 and not self.log:
            assert result is None, "the founder may repeat it"
        else:
            assert result == ErrorCode.ROOM_EXISTS

    @rule(
        requests=st.lists(
            st.tuples(members, st.lists(st.tuples(epochs, lengths), min_size=1, max_size=4), repeats),
            min_size=1,
            max_size=4,
        )
    )
    def append(self, requests):
        """Several requests in one transaction; some bring a message that is stored, or comes with another."""
        self.now += 1
        asked, seen = [], [entry[1:4] for _, entry in self.kept]
        for user, some, repeat in requests:
            messages = [
                m.Outgoing(self.fresh(), max(0, (self.epoch or 0) + back), b"%d" % self.numbers * length)
                for back, length in some
            ]
            if repeat is not None and seen:
                epoch, known, payload = seen[int(repeat * len(seen))]
                messages.insert(0, m.Outgoing(known, epoch, payload))
            if len(messages) > 3:
                messages.append(messages[1])
            asked.append((user, messages))
            seen += [(x.epoch, x.message_id, x.payload) for x in messages]
        before = len(self.log)
        expected = [self.append_to_model(user, messages) for user, messages in asked]
        outcomes, pushed = self.append_now(asked)
        assert outcomes == expected
        new = list(enumerate(self.log, 1))[before:]
        assert [(e.seq, e.kind, e.epoch, e.payload, e.at) for e in pushed] == [
            (seq, kind, epoch, payload, at) for seq, (kind, epoch, _, payload, at) in new
        ]

    @precondition(lambda self: self.kept)
    @rule(user=members, data=st.data(), is_other_kind=st.booleans())
    def retry(self, user, data, is_other_kind):
        seq, (kind, epoch, known, payload, _) = data.draw(st.sampled_from(self.kept))
        device = self.devices[user]
        if (kind is EntryKind.COMMIT) != is_other_kind:
            request = m.Commit(1, ROOM, known, epoch, payload, b"g")
            result = self.attempt(lambda: transactions.commit(self.db, device, request, 5.0, 0))
            if is_other_kind:
                assert result == ErrorCode.NOT_ALLOWED
            else:
                assert (result.seq, result.new, result.head_hash) == (seq, None, self.hash_after(seq))
        else:
            assert self.append_now([(user, [m.Outgoing(known, epoch, payload)])]) == ([[seq]], [])

    @rule(user=members, added=st.sets(members), removed=st.sets(members), back=epochs, taken=st.booleans())
    def commit(self, user, added, removed, back, taken):
        epoch = max(0, (self.epoch or 0) + back)
        request = m.Commit(
            1, ROOM, self.fresh(), epoch, b"c%d" % self.numbers, b"g%d" % self.numbers,
            added=[self.wire(x) for x in added], removed=[self.wire(x) for x in removed],
        )  # fmt: skip
        device = self.devices[user]
        self.now += 1
        result = self.attempt(
            lambda: transactions.commit(self.db, device, request, 1.0 if taken else None, self.now)
        )
        self.appender.forget(ROOM)
        if self.epoch is None:
            assert result == ErrorCode.UNKNOWN_ROOM
        elif user not in self.roster and (added != {user} or not removed <= {user}):
            assert result == ErrorCode.NOT_A_MEMBER
        elif epoch != self.epoch:
            assert result == ErrorCode.STALE_EPOCH
        elif taken:
            assert result == ErrorCode.TURN_TAKEN
        else:
            self.log.append((EntryKind.COMMIT, epoch, request.message_id, request.payload, self.now))
            assert (result.seq, result.head_hash) == (len(self.log), self.hash_after(len(self.log)))
            self.epoch += 1
            if added - (self.roster - removed):
                self.addition = self.epoch
            self.roster = (self.roster - removed) | added

    @rule(user=members)
    def leave(self, user):
        result = self.attempt(lambda: transactions.leave(self.db, self.devices[user].row, ROOM))
        self.appender.forget(ROOM)
        assert result == (ErrorCode.UNKNOWN_ROOM if self.epoch is None else None)
        self.roster.discard(user)

    @rule(age=st.integers(0, 20), limit=st.integers(1, 3))
    def delete(self, age, limit):
        """Retention, a few segments: a beginning of what is too old, whole transactions' entries or not."""
        position = rooms.find_room(self.db, ROOM)
        if position is None:
            return
        before_ms = self.now - age
        old = [seq for seq, entry in self.kept if entry[4] < before_ms]
        assert (position.row in segments.rooms_with_entries_before(self.db, before_ms)) == bool(old)
        deleted = self.attempt(lambda: segments.delete_oldest(self.db, position.row, before_ms, limit=limit))
        assert bool(deleted) == bool(old)
        assert deleted <= len(old)
        if deleted < len(old):
            assert deleted >= limit, "only the limit keeps it from more"
        self.first += deleted

    @rule(
        user=members,
        after=st.integers(0, 60),
        limit=st.integers(1, 30),
        max_bytes=st.sampled_from([1, 500, 5000, 10**6]),
    )
    def fetch(self, user, after, limit, max_bytes):
        device = self.devices[user].row
        result = self.attempt(
            lambda: transactions.fetch(self.db, device, m.Fetch(1, ROOM, after, limit), max_bytes)
        )
        if user in self.roster:
            entries, position = result
            assert (position.head, position.first) == (len(self.log), self.first)
            expected, size = [], 0
            for seq, (kind, epoch, _, payload, at) in [one for one in self.kept if one[0] > after][:limit]:
                entry = m.Entry(seq, kind, epoch, payload, at)
                size += len(encode_entry(entry))
                if expected and size > max_bytes:
                    break
                expected.append(entry)
            assert list(entries) == expected
            reply, same = (m.FetchReply(1, one, 9, 1) for one in (entries, expected))
            assert encode_frame(reply) == encode_frame(same)

    def hash_after(self, seq):
        head_hash = bytes(32)
        for kind, _, _, payload, _ in self.log[:seq]:
            head_hash = hashlib.sha256(head_hash + kind.octet + hashlib.sha256(payload).digest()).digest()
        return head_hash

    @invariant()
    def the_store_is_the_model(self):
        position = rooms.find_room(self.db, ROOM)
        if self.epoch is None:
            assert position is None
            return
        assert (position.epoch, position.head) == (self.epoch, len(self.log))
        assert rooms.roster_of(self.db, position.row) == {self.devices[user].row for user in self.roster}
        assert position.head_hash == self.hash_after(len(self.log))
        ids = self.db.execute("SELECT message_id, seq FROM message_ids ORDER BY seq").fetchall()
        assert ids == [(entry[2], seq) for seq, entry in self.kept]
        commits = self.db.execute("SELECT seq, epoch FROM commits ORDER BY seq").fetchall()
        assert commits == [(seq, entry[1]) for seq, entry in self.kept if entry[0] is EntryKind.COMMIT]
        following = self.first
        for first, last in self.db.execute("SELECT first_seq, last_seq FROM segments ORDER BY id"):
            assert (first, last >= first) == (following, True)
            following = last + 1
        assert following == len(self.log) + 1

    def teardown(self):
        self.db.close()


RoomLog.TestCase.settings = settings(max_examples=100, stateful_step_count=40)
TestRoomLog = RoomLog.TestCase
