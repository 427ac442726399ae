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
from sottovoce.link.parts import EntryKind, ErrorCode, Stretching
from sottovoce.server import room_transactions as transactions
from sottovoce.server.errors import Refused
from sottovoce.server.store import accounts, rooms
from sottovoce.server.store.schema import metadata

ROOM = b"r" * 16
USERS = ("alice", "bob", "carol", "dave")
members = st.sampled_from(USERS)
epochs = st.integers(-4, 1)


def message_id(number: int) -> bytes:
    return number.to_bytes(16, "big")


class RoomLog(RuleBasedStateMachine):
    """One room and four devices; requests good and bad in any order."""

    def __init__(self):
        super().__init__()
        self.db = sqlite3.connect(":memory:", isolation_level=None)
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
        self.log = []  # (kind, epoch, message_id, payload)
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

    def wire(self, user):
        return m.Device(user, self.devices[user].device_id)

    @rule(user=members)
    def create(self, user):
        result = self.attempt(
            lambda: transactions.create(self.db, self.devices[user].row, m.RoomCreate(1, ROOM, user.encode()))
        )
        if self.epoch is None:
            assert result is None
            self.epoch, self.roster = 0, {user}
        elif self.roster == {user} and self.epoch == 0 and not self.log:
            assert result is None, "the founder may repeat it"
        else:
            assert result == ErrorCode.ROOM_EXISTS

    @rule(user=members, back=st.lists(epochs, min_size=1, max_size=3), repeat=st.booleans())
    def append(self, user, back, repeat):
        stored = {entry[2]: seq for seq, entry in enumerate(self.log, 1)}
        messages = [
            m.Outgoing(self.fresh(), max(0, (self.epoch or 0) + b), b"%d" % self.numbers) for b in back
        ]
        if repeat and self.log:
            _kind, epoch, known, payload = self.log[len(self.log) // 2]
            messages.insert(0, m.Outgoing(known, epoch, payload))
        result = self.attempt(
            lambda: transactions.append(self.db, self.devices[user].row, m.Append(1, ROOM, messages), 0)
        )
        floor = max((self.epoch or 0) - 3, self.addition)
        if self.epoch is None:
            assert result == ErrorCode.UNKNOWN_ROOM
        elif user not in self.roster:
            assert result == ErrorCode.NOT_A_MEMBER
        elif any(not floor <= x.epoch <= self.epoch for x in messages if x.message_id not in stored):
            assert result == ErrorCode.STALE_EPOCH
        else:
            for x in messages:
                if x.message_id not in stored:
                    self.log.append((EntryKind.MESSAGE, x.epoch, x.message_id, x.payload))
                    stored[x.message_id] = len(self.log)
            assert result.seqs == [stored[x.message_id] for x in messages]

    @precondition(lambda self: self.log)
    @rule(user=members, data=st.data())
    def retry(self, user, data):
        seq = data.draw(st.integers(1, len(self.log)))
        kind, epoch, known, payload = self.log[seq - 1]
        device = self.devices[user]
        if kind is EntryKind.COMMIT:
            request = m.Commit(1, ROOM, known, epoch, payload, b"g")
            result = self.attempt(lambda: transactions.commit(self.db, device, request, 5.0, 0))
            assert (result.seq, result.entry) == (seq, None)
        else:
            request = m.Append(1, ROOM, [m.Outgoing(known, epoch, payload)])
            result = self.attempt(lambda: transactions.append(self.db, device.row, request, 0))
            assert (result.seqs, result.entries) == ([seq], [])

    @rule(user=members, added=st.sets(members), removed=st.sets(members), back=epochs, taken=st.booleans())
    def commit(self, user, added, removed, back, taken):
        epoch = max(0, (self.epoch or 0) + back)
        request = m.Commit(
            1, ROOM, self.fresh(), epoch, b"c%d" % self.numbers, b"g%d" % self.numbers,
            added=[self.wire(x) for x in added], removed=[self.wire(x) for x in removed],
        )  # fmt: skip
        device = self.devices[user]
        result = self.attempt(
            lambda: transactions.commit(self.db, device, request, 1.0 if taken else None, 0)
        )
        if self.epoch is None:
            assert result == ErrorCode.UNKNOWN_ROOM
        elif user not in self.roster and (added != {user} or not removed <= {user}):
            assert result == ErrorCode.NOT_A_MEMBER
        elif epoch != self.epoch:
            assert result == ErrorCode.STALE_EPOCH
        elif taken:
            assert result == ErrorCode.TURN_TAKEN
        else:
            self.log.append((EntryKind.COMMIT, epoch, request.message_id, request.payload))
            assert result.seq == len(self.log)
            self.epoch += 1
            if added - (self.roster - removed):
                self.addition = self.epoch
            self.roster = (self.roster - removed) | added

    @rule(user=members)
    def leave(self, user):
        result = self.attempt(lambda: transactions.leave(self.db, self.devices[user].row, ROOM))
        assert result == (ErrorCode.UNKNOWN_ROOM if self.epoch is None else None)
        self.roster.discard(user)

    @rule(user=members, after=st.integers(0, 20), limit=st.integers(1, 5))
    def fetch(self, user, after, limit):
        device = self.devices[user].row
        result = self.attempt(
            lambda: transactions.fetch(self.db, device, m.Fetch(1, ROOM, after, limit), 10_000)
        )
        if user in self.roster:
            entries, position = result
            assert position.head == len(self.log)
            expected = list(enumerate(self.log, 1))[after : after + limit]
            assert [(e.seq, e.kind, e.epoch, e.payload) for e in entries] == [
                (seq, kind, epoch, payload) for seq, (kind, epoch, _, payload) in expected
            ]

    @invariant()
    def the_store_is_the_model(self):
        position = rooms.find_room(self.db, ROOM)
        if self.epoch is None:
            assert position is None
            return
        assert (position.epoch, position.head) == (self.epoch, len(self.log))
        assert rooms.roster_of(self.db, position.row) == {self.devices[user].row for user in self.roster}
        head_hash = bytes(32)
        for kind, _, _, payload in self.log:
            head_hash = hashlib.sha256(head_hash + kind.octet + hashlib.sha256(payload).digest()).digest()
        assert position.head_hash == head_hash

    def teardown(self):
        self.db.close()


RoomLog.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestRoomLog = RoomLog.TestCase
