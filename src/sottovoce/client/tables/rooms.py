"""Rooms, the records of their MLS groups, and the commits this device intends to make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from sottovoce.client.tables.database import Database
from sottovoce.client.tables.records import decode, encode
from sottovoce.crypto.secret import Secret


class Membership(StrEnum):
    """Where this device stands with a room."""

    JOINING = "joining"  # wanted, not yet in the group
    MEMBER = "member"
    OUT_OF_STEP = "out_of_step"  # the group's state is lost or behind: to be joined again
    REMOVED = "removed"  # another member took this device out
    LEFT = "left"  # this device left of its own will

    @property
    def is_out(self) -> bool:
        """Whether this device is in the room no more, nor on its way into it."""
        return self in (Membership.REMOVED, Membership.LEFT)


class RoomRecord(msgspec.Struct, array_like=True, frozen=True):
    """What is kept of one room beside its group.

    ``seq``/``head_hash``: the newest log entry processed and the chain there; ``joined_seq``: the entry our
    membership began with. ``highest_epoch``: never join below or at it again (threats.md B3).
    ``counter``/``previous_hash``: of our own newest message. ``join_secret_epoch`` names the secret.
    """

    room_id: bytes
    name: str
    access: str
    membership: Membership
    join_secret: Secret
    join_secret_epoch: int
    suite_id: int = 0
    seq: int = 0
    head_hash: bytes = bytes(32)
    joined_seq: int = 0
    highest_epoch: int = -1
    counter: int = 0
    previous_hash: bytes = bytes(32)
    trouble: str = ""  # why the membership is OUT_OF_STEP
    leavers: tuple[int, ...] = ()  # leaves that proposed their own removal in this epoch
    was_added: bool = False  # by somebody, who chose the name; not entered by this account's own doing
    passed_over: int | None = None  # the newest commit of our epoch, where it does not follow the rules
    has_later: bool = False  # whether something after it says it is of a later epoch


class Intent(msgspec.Struct, array_like=True, frozen=True, tag_field="kind"):
    """A commit this device means to make; planned anew for each epoch until one is accepted."""


class AddUser(Intent, frozen=True, tag="add"):
    """Add every device of ``user`` by its key package (encoded MLSMessages, claimed once)."""

    user: str
    key_packages: list[bytes]


class RemoveUser(Intent, frozen=True, tag="remove"):
    """Remove every device of ``user``, and rotate the join secret."""

    user: str


class SelfUpdate(Intent, frozen=True, tag="update"):
    """Fresh keys for this leaf, and a fresh sealed GroupInfo."""


AnyIntent = AddUser | RemoveUser | SelfUpdate


class StoredIntent(msgspec.Struct, array_like=True, frozen=True):
    """An intent and its place in the queue."""

    position: int
    intent: AnyIntent


class CommitInFlight(msgspec.Struct, array_like=True, frozen=True):
    """A commit of ours on its way, as the log will show it.

    ``epoch`` is the one it ends, ``intents`` are the positions of those it carries out, ``group`` is what
    merging it writes (:meth:`sottovoce.mls.StagedCommit.stored`).
    """

    payload_hash: bytes
    epoch: int
    intents: list[int]
    group: dict[bytes, Secret | None]


def rooms(database: Database) -> list[RoomRecord]:
    """Every room this device knows."""
    return [decode(row[0], RoomRecord) for row in database.all("SELECT record FROM rooms")]


def room(database: Database, room_id: bytes) -> RoomRecord | None:
    """One room, or None if this device does not know it."""
    row = database.one("SELECT record FROM rooms WHERE room_id = ?", (room_id,))
    return decode(row[0], RoomRecord) if row else None


def put_room(database: Database, record: RoomRecord) -> None:
    """Store a room's record."""
    database.execute(
        "INSERT INTO rooms VALUES (?, ?) ON CONFLICT (room_id) DO UPDATE SET record = excluded.record",
        (record.room_id, encode(record)),
    )


def put_group(database: Database, room_id: bytes, changes: Mapping[bytes, bytes | None]) -> None:
    """Store the records of the group that changed; None deletes one (RFC 9420 §9.2, secure_delete is on)."""
    gone = [(room_id, key) for key, value in changes.items() if value is None]
    kept = [(room_id, key, value) for key, value in changes.items() if value is not None]
    if gone:
        database.execute_many("DELETE FROM group_records WHERE room_id = ? AND key = ?", gone)
    if kept:
        database.execute_many(
            """INSERT INTO group_records VALUES (?, ?, ?)
            ON CONFLICT (room_id, key) DO UPDATE SET value = excluded.value""",
            kept,
        )


def group(database: Database, room_id: bytes) -> dict[bytes, bytes]:
    """Every record of the group; none when this device is in no group there."""
    return dict(database.all("SELECT key, value FROM group_records WHERE room_id = ?", (room_id,)))


def commits_in_flight(database: Database, room_id: bytes) -> list[CommitInFlight]:
    """Every commit sent and not seen in the log yet."""
    rows = database.all("SELECT record FROM commits_in_flight WHERE room_id = ?", (room_id,))
    return [decode(row[0], CommitInFlight) for row in rows]


def put_commits_in_flight(database: Database, room_id: bytes, commits: Iterable[CommitInFlight]) -> None:
    """Store commits about to be sent."""
    database.execute_many(
        "INSERT OR REPLACE INTO commits_in_flight VALUES (?, ?, ?)",
        [(room_id, commit.payload_hash, encode(commit)) for commit in commits],
    )


def forget_commits_in_flight(database: Database, room_id: bytes) -> None:
    """Delete the secrets of commits that won their epoch or lost it."""
    database.execute("DELETE FROM commits_in_flight WHERE room_id = ?", (room_id,))


def forget_group(database: Database, room_id: bytes) -> None:
    """Delete every secret of the room's group."""
    forget_commits_in_flight(database, room_id)
    database.execute("DELETE FROM group_records WHERE room_id = ?", (room_id,))


def intents(database: Database, room_id: bytes) -> list[StoredIntent]:
    """What this device means to commit, oldest first."""
    rows = database.all(
        "SELECT position, record FROM intents WHERE room_id = ? ORDER BY position", (room_id,)
    )
    kind: Any = AnyIntent  # a union, which mypy does not take for a type
    return [StoredIntent(position, decode(record, kind)) for position, record in rows]


def add_intent(database: Database, room_id: bytes, intent: AnyIntent) -> StoredIntent:
    """Append an intent to the room's queue."""
    position = database.insert(
        "INSERT INTO intents (room_id, record) VALUES (?, ?)", (room_id, encode(intent))
    )
    return StoredIntent(position, intent)


def delete_intent(database: Database, position: int) -> None:
    """The intent was carried out, or cannot be."""
    database.execute("DELETE FROM intents WHERE position = ?", (position,))


def forget_intents(database: Database, room_id: bytes) -> None:
    """Nothing is to be committed in the room any more."""
    database.execute("DELETE FROM intents WHERE room_id = ?", (room_id,))
