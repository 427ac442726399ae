"""Rooms without sockets: members with real keys, real tables and real groups around a log that is a list."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from dataclasses import dataclass, field

from sottovoce.client.chain import LogChain
from sottovoce.client.committing import plan_commit
from sottovoce.client.content import MimiContent
from sottovoce.client.credentials import Contacts, OwnCredential
from sottovoce.client.events import AnyTimelineItem, Gap, ReceivedMessage
from sottovoce.client.join_secret import JoinSecret
from sottovoce.client.joining import found, plan_join, take_over
from sottovoce.client.log_reader import LogReader
from sottovoce.client.outbox import Outbox
from sottovoce.client.policy import Access
from sottovoce.client.room_state import RoomState, Surroundings
from sottovoce.client.tables import log as log_table
from sottovoce.client.tables import outbox as outbox_table
from sottovoce.client.tables import rooms as rooms_table
from sottovoce.client.tables import schema
from sottovoce.client.tables.database import Database
from sottovoce.client.tables.rooms import AnyIntent, Membership, RoomRecord
from sottovoce.crypto.secret import Secret
from sottovoce.crypto.signatures import ed25519_key_pair
from sottovoce.link.certificates import DeviceCertificate
from sottovoce.link.messages import Commit
from sottovoce.link.parts import Entry, EntryKind, Outgoing

ROOM_ID = bytes(range(16))
NOW = 1_800_000_000
SECRET = JoinSecret(Secret(bytes(32)), 0)


@dataclass
class Log:
    """A delivery service's room log, as honest as its caller."""

    entries: list[Entry] = field(default_factory=list)
    epoch: int = -1
    group_info: bytes = b""
    stored: dict[bytes, int] = field(default_factory=dict)  # seq by message id
    head_hash: bytes = bytes(32)
    clock: int = 0  # of the newest entry, Unix seconds

    def commit(self, request: Commit) -> int | None:
        """Store a commit; None: stale."""
        if request.message_id in self.stored:
            return self.stored[request.message_id]
        if request.epoch != self.epoch:
            return None
        self.group_info = request.group_info
        return self.store_commit(request.epoch, request.payload, request.message_id)

    def store_commit(self, epoch: int, payload: bytes, message_id: bytes = bytes(16)) -> int:
        """Store what is said to be a commit that ends ``epoch``."""
        self.epoch = epoch + 1
        return self._add(message_id, EntryKind.COMMIT, epoch, payload)

    def append(self, messages: list[Outgoing]) -> list[int] | None:
        """Store messages, all or none, each once; None: one that is new is stale."""
        if any(one.message_id not in self.stored and one.epoch != self.epoch for one in messages):
            return None
        return [
            self.stored.get(one.message_id)
            or self._add(one.message_id, EntryKind.MESSAGE, one.epoch, one.payload)
            for one in messages
        ]

    def _add(self, message_id: bytes, kind: EntryKind, epoch: int, payload: bytes) -> int:
        seq = len(self.entries) + 1
        self.clock += 1
        self.entries.append(Entry(seq, kind, epoch, payload, self.clock * 1000))
        self.stored[message_id] = seq
        self.head_hash = LogChain(seq - 1, self.head_hash).advance(kind, payload).head_hash
        return seq


class Person:
    """One account with one device: a store in memory, and one room."""

    def __init__(
        self,
        user: str,
        log: Log,
        account_private: bytes | None = None,
        access: Access = Access.OPEN,
        device_id: bytes | None = None,
    ) -> None:
        account, leaf, authentication = (
            ed25519_key_pair(seed)
            for seed in (account_private or os.urandom(32), os.urandom(32), os.urandom(32))
        )
        certificate = DeviceCertificate.issue(
            account.private,
            user=user,
            device_id=device_id or os.urandom(16),
            account_key=account.public,
            signature_key=leaf.public,
            authentication_key=authentication.public,
        )
        self.log = log
        self.now = NOW
        own = OwnCredential.of(certificate.to_bytes(), Secret(leaf.private))
        contacts = Contacts(certificate.account_name, account.public)
        self.around = Surroundings(own, contacts, bytes(32), os.urandom)
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA foreign_keys = ON")
        self.database = Database(connection)
        schema.create(self.database)
        record = RoomRecord(ROOM_ID, "lobby", access, Membership.JOINING, SECRET.secret, SECRET.epoch)
        rooms_table.put_room(self.database, record)
        self.outbox = Outbox(())
        self.restart()

    def restart(self) -> None:
        """Be what the store has: what a process that was killed comes back as."""
        record = rooms_table.room(self.database, ROOM_ID)
        assert record is not None
        self.state = RoomState.load(self.database, record, self.around)
        self.outbox.restore(
            outbox_table.waiting(self.database, ROOM_ID), outbox_table.payloads(self.database, ROOM_ID)
        )
        self.reader = LogReader(self.state, self.outbox.by_payload)

    # --- entering ------------------------------------------------------------------------------------------

    def found(self) -> None:
        founding = found(self.state, NOW)
        self.log.epoch = 0
        changes = self.state.begin()
        take_over(self.state, founding.group, LogChain(), changes)
        changes.write(self.database)
        assert self.commit(rooms_table.SelfUpdate())

    def join(self) -> None:
        join = plan_join(self.state, self.log.epoch, self.log.group_info)
        seq = self.log.commit(join.request(0))
        assert seq is not None
        changes = self.state.begin()
        take_over(self.state, join.group, LogChain(seq, self.log.head_hash), changes)
        self.outbox.discard_all_ciphertexts()
        self.reader.reset()
        changes.write(self.database)

    # --- talking -------------------------------------------------------------------------------------------

    def type(self, text: str) -> None:
        content = MimiContent.of_text(text, salt=os.urandom(16)).encode()
        record = outbox_table.add(self.database, ROOM_ID, content)
        self.outbox._unacknowledged[record.position] = record  # what `add` does, without a loop to wait in

    def send(self, *, answer_is_lost: bool = False, dies_before_sending: bool = False) -> None:
        """One batch, as :mod:`sottovoce.client.sending` does it."""
        batch = self.outbox.next_batch()
        if not batch:
            return
        assert self.state.group is not None
        encrypted = self.outbox.encrypt(batch, self.state, self.state.group)
        outbox_table.put_encrypted(self.database, encrypted)
        self.state.finish(self.state.begin()).write(self.database)
        if dies_before_sending:
            self.restart()
            return
        seqs = self.log.append(self.outbox.requests(batch))
        if answer_is_lost:
            return
        if seqs is None:
            self.outbox.discard_ciphertexts(batch)
        else:
            self.outbox.acknowledge(batch, seqs)

    def commit(self, intent: AnyIntent, *, dies_before_reading: bool = False) -> bool:
        """Carry an intent out, if this device is up to date; False when another commit was first."""
        stored = rooms_table.add_intent(self.database, ROOM_ID, intent)
        planned = plan_commit(self.state, stored, NOW)
        changes = self.state.finish(self.state.begin())
        if planned is None:
            rooms_table.delete_intent(self.database, stored.position)
        else:
            self.state.add_in_flight(changes, planned.staged, planned.payload_hash, planned.intents)
        changes.write(self.database)
        if planned is None:
            return False
        is_first = self.log.commit(planned.request(0)) is not None
        if dies_before_reading:
            self.restart()
            return is_first
        if not is_first:
            rooms_table.delete_intent(self.database, stored.position)
            return False
        self.reader.pending = planned
        self.read()
        return True

    # --- reading -------------------------------------------------------------------------------------------

    def read(self, most: int | None = None, entries: list[Entry] | None = None) -> list[AnyTimelineItem]:
        """Read on in the log (or in what somebody says it is) and return what came of it."""
        changes = self.state.begin()
        unread = (self.log.entries if entries is None else entries)[self.state.record.seq :][:most]
        try:
            for entry in unread:
                self.reader.read(entry, changes, self.now)
        finally:
            self.state.finish(changes).write(self.database)
            for position, seq in changes.sent.items():
                self.outbox.read_back(position, seq)
        return [item for item, _ in changes.items]

    def timeline(self) -> list[AnyTimelineItem]:
        return [stored.item for stored in log_table.timeline(self.database, ROOM_ID, 0, 10_000)]

    def messages(self) -> list[tuple[str, str]]:
        return [(item.sender, item.text) for item in self.timeline() if isinstance(item, ReceivedMessage)]

    def gaps(self) -> list[Gap]:
        return [item for item in self.timeline() if isinstance(item, Gap)]

    def group_fingerprint(self) -> bytes:
        """Everything the store holds of the group, to compare before and after what must change nothing."""
        return hashlib.sha256(
            repr(sorted(rooms_table.group(self.database, ROOM_ID).items())).encode()
        ).digest()


def talking(*users: str, access: Access = Access.OPEN) -> list[Person]:
    """People who are all in one room and up to date; but for an open one, the first owns it."""
    log = Log()
    people = [Person(user, log, access=access) for user in users]
    people[0].found()
    for person in people[1:]:
        person.join()
        for other in people:
            if other.state.group is not None:
                other.read()
    return people
