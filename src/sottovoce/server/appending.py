"""Appending to room logs inside a transaction: judged by what is known in memory, inserted all at once.

Every write goes through this process (it holds the data directory's lock), so the newest state of a room is
read once and kept, until other work changes the room or a transaction is undone.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import Final

from sottovoce.link import messages as m
from sottovoce.link.encoded_entries import encode_entry
from sottovoce.link.parts import Entry, EntryKind, Outgoing
from sottovoce.server import delivery_rules as rules
from sottovoce.server.errors import Refused
from sottovoce.server.store import rooms, segments
from sottovoce.server.store.segments import NewEntries

_MESSAGE: Final = EntryKind.MESSAGE  # looking a member of an enumeration up costs more than a call

MAX_ROOMS_KNOWN: Final = 4096
"""Rooms whose state is kept in memory; the one read first is forgotten first."""

REPEATER_MS: Final = 60_000
"""For how long a device that has sent a message again has each of its ids looked up."""

MAX_REPEATERS_KNOWN: Final = 4096
"""Such devices kept in memory; the one whose last repeat is the oldest is forgotten first."""


class Gathered(list[tuple[int, m.Append]]):
    """Requests for one transaction, each with its device (row) before it.

    ``is_careful``: look every message id up before it is inserted.
    """

    is_careful = False


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of gathered requests, in their order (a seq for each message), and rooms' new entries."""

    outcomes: list[list[int] | Refused]
    new: dict[bytes, NewEntries]


@dataclass(slots=True)
class RoomState:
    """Where a room stands, and who may append what; ``newest_epoch`` is -1 before a group is founded."""

    row: int
    head: int
    head_hash: bytes
    members: set[int]
    oldest_epoch: int
    newest_epoch: int

    @classmethod
    def read(cls, db: sqlite3.Connection, room_id: bytes) -> RoomState:
        """Read a room from the store. Refuses UNKNOWN_ROOM."""
        at = rooms.find_room(db, room_id)
        if at is None:
            raise rules.unknown_room()
        members = rooms.roster_of(db, at.row)
        newest = -1 if at.epoch is None else at.epoch
        return cls(at.row, at.head, at.head_hash, members, at.oldest_epoch_accepted, newest)

    def check(self, device: int, messages: list[Outgoing]) -> None:
        """Refuse messages of a device that is not in the room, or of an epoch that is over or to come."""
        if device not in self.members:
            rules.check_member(is_member=False)
        for message in messages:
            if not self.oldest_epoch <= message.epoch <= self.newest_epoch:
                raise rules.stale_epoch(None if self.newest_epoch < 0 else self.newest_epoch)

    def moved_by(self, new: NewEntries) -> tuple[int, bytes, int, int]:
        """For :func:`rooms.move_heads`: this is where the room stands after ``new``."""
        return self.head, self.head_hash, self.row, new.first_seq - 1


@dataclass(slots=True)
class _Batch:
    """What one run of gathered requests adds to the logs at ``now_ms``."""

    now_ms: int
    new: dict[bytes, NewEntries] = field(default_factory=dict)
    earlier: dict[tuple[bytes, bytes], int] = field(default_factory=dict)


class Appender:
    """The newest state of rooms, and how appends change it. Never used by two threads at once."""

    def __init__(self) -> None:
        self._states: dict[bytes, RoomState] = {}
        self._repeaters: dict[int, int] = {}

    def forget(self, room_id: bytes) -> None:
        """Other work changes the room: read it anew for the next append."""
        self._states.pop(room_id, None)

    def forget_all(self) -> None:
        """A transaction was undone, or changes rooms that it does not name."""
        self._states.clear()

    def append(self, db: sqlite3.Connection, gathered: Gathered, now_ms: int) -> Appended:
        """Store the messages of all requests, at ``now_ms`` (Unix ms).

        Each request is stored whole or not at all; a message stored before keeps its seq. Raises
        ``sqlite3.IntegrityError`` when there is such a message, and is to be called again, the transaction
        undone: to look up every id that is nearly always new would cost more than that. Whoever brought that
        about is looked up from then on for a while, so that nobody has every transaction run twice.
        """
        batch = _Batch(now_ms)
        outcomes: list[list[int] | Refused] = []
        for device, request in gathered:
            try:
                if gathered.is_careful or (self._repeaters and self._is_repeater(device, now_ms)):
                    outcomes.append(self._take_carefully(db, batch, device, request))
                else:
                    outcomes.append(self._take(db, batch, device, request))
            except Refused as refusal:
                outcomes.append(refusal)
        if batch.new:
            try:
                segments.insert(db, batch.new.values(), now_ms)
            except sqlite3.IntegrityError:
                gathered.is_careful = True
                raise
            rooms.move_heads(db, [self._states[room_id].moved_by(new) for room_id, new in batch.new.items()])
        while len(self._states) > MAX_ROOMS_KNOWN:
            del self._states[next(iter(self._states))]
        return Appended(outcomes, batch.new)

    def _take(self, db: sqlite3.Connection, batch: _Batch, device: int, request: m.Append) -> list[int]:
        """Add one request's messages, taking them for new, and return their seqs; refuses all or none."""
        state = self._states.get(request.room_id) or self._read(db, request.room_id)
        try:
            state.check(device, request.messages)
        except Refused:  # unless all of them were stored before
            return self._take_carefully(db, batch, device, request)
        return _add(batch, state, request.room_id, request.messages)

    def _take_carefully(
        self, db: sqlite3.Connection, batch: _Batch, device: int, request: m.Append
    ) -> list[int]:
        """As :meth:`_take`, but a message that was stored before, or comes twice, keeps its seq."""
        room_id, messages = request.room_id, request.messages
        state = self._states.get(room_id) or self._read(db, room_id)
        for message in messages:
            seq = segments.find_stored(db, state.row, message.message_id)
            if seq is not None:
                batch.earlier[room_id, message.message_id] = seq
        new = {x.message_id: x for x in messages if (room_id, x.message_id) not in batch.earlier}
        if len(new) < len(messages):
            self._note_repeater(device, batch.now_ms)
        if new:
            state.check(device, list(new.values()))
            seqs = _add(batch, state, room_id, list(new.values()))
            batch.earlier.update(zip(((room_id, message_id) for message_id in new), seqs, strict=True))
        return [batch.earlier[room_id, message.message_id] for message in messages]

    def _is_repeater(self, device: int, now_ms: int) -> bool:
        until = self._repeaters.get(device)
        if until is not None and now_ms >= until:
            del self._repeaters[device]
            return False
        return until is not None

    def _note_repeater(self, device: int, now_ms: int) -> None:
        self._repeaters.pop(device, None)  # put in again as the newest
        self._repeaters[device] = now_ms + REPEATER_MS
        if len(self._repeaters) > MAX_REPEATERS_KNOWN:
            del self._repeaters[next(iter(self._repeaters))]

    def _read(self, db: sqlite3.Connection, room_id: bytes) -> RoomState:
        state = self._states[room_id] = RoomState.read(db, room_id)
        return state


def _add(batch: _Batch, state: RoomState, room_id: bytes, messages: list[Outgoing]) -> list[int]:
    """Put messages at the end of a room's log; returns their seqs."""
    new = batch.new.get(room_id)
    if new is None:
        new = batch.new[room_id] = NewEntries(state.row, state.head + 1)
    seqs = []
    for message in messages:
        payload = message.payload
        state.head = seq = state.head + 1
        state.head_hash = rules.next_hash(state.head_hash, _MESSAGE, payload)
        new.encoded.append(encode_entry(Entry(seq, _MESSAGE, message.epoch, payload, batch.now_ms)))
        new.message_ids.append(message.message_id)
        seqs.append(seq)
    return seqs
