"""Messages on their way: written before anything is sent, deleted once their log entry was read back."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

import msgspec

from sottovoce.client.tables.database import Database
from sottovoce.client.tables.lives import ProtectionRecord
from sottovoce.client.tables.records import decode, encode


class OutboxRecord(msgspec.Struct, array_like=True, frozen=True):
    """One message on its way.

    ``message_id`` (16 bytes) is the link's, by which the server stores it once; it begins with the time, and
    when something was written is nobody's business, so it is empty until the first sending. ``content`` is
    the MIMI content; ``envelope`` what is encrypted, made once, so that a second encryption says the very
    same. ``ciphertext`` is of ``epoch``; ``protection`` says how that one was made, without its key.
    """

    position: int
    message_id: bytes
    content: bytes
    envelope: bytes | None = None
    epoch: int | None = None
    ciphertext: bytes | None = None
    protection: ProtectionRecord | None = None


_COLUMNS = "position, message_id, content, envelope, epoch, ciphertext"


def add(database: Database, room_id: bytes, content: bytes) -> OutboxRecord:
    """Append a message to the room's outbox."""
    position = database.insert(
        "INSERT INTO outbox (room_id, message_id, content) VALUES (?, x'', ?)", (room_id, content)
    )
    return OutboxRecord(position, b"", content)


def waiting(database: Database, room_id: bytes) -> list[OutboxRecord]:
    """Every message of the room's outbox, oldest first."""
    rows = database.all(f"SELECT {_COLUMNS} FROM outbox WHERE room_id = ? ORDER BY position", (room_id,))  # noqa: S608 - constants
    return [OutboxRecord(*row) for row in rows]


def positions(database: Database, room_id: bytes) -> list[int]:
    """The position of every message of the room's outbox, oldest first."""
    rows = database.all("SELECT position FROM outbox WHERE room_id = ? ORDER BY position", (room_id,))
    return [position for (position,) in rows]


def contents(database: Database, room_id: bytes, known: Collection[int]) -> list[tuple[int, bytes]]:
    """Position and MIMI content of every message of the room's outbox but the ``known``, oldest first."""
    wanted = [position for position in positions(database, room_id) if position not in known]
    rows = (database.one("SELECT position, content FROM outbox WHERE position = ?", (at,)) for at in wanted)
    return [(row[0], row[1]) for row in rows if row is not None]


def put_encrypted(database: Database, records: Iterable[OutboxRecord]) -> None:
    """Store ids, envelopes and ciphertexts; in the same transaction as the ratchet step that made them."""
    encrypted = list(records)
    database.execute_many(
        "UPDATE outbox SET message_id = ?, envelope = ?, epoch = ?, ciphertext = ? WHERE position = ?",
        ((r.message_id, r.envelope, r.epoch, r.ciphertext, r.position) for r in encrypted),
    )
    database.execute_many(
        "INSERT OR IGNORE INTO outbox_payloads VALUES (?, ?, ?)",
        (
            (payload_hash(r.ciphertext), r.position, None if r.protection is None else encode(r.protection))
            for r in encrypted
            if r.ciphertext is not None
        ),
    )


def payloads(database: Database, room_id: bytes) -> dict[bytes, tuple[int, ProtectionRecord | None]]:
    """Every ciphertext ever made of a message in the room's outbox, by SHA-256: its position, and how it was
    made (None: by a version that did not keep that).
    """
    rows = database.all(
        """SELECT payload_hash, outbox_payloads.position, protection FROM outbox_payloads
        JOIN outbox USING (position) WHERE room_id = ?""",
        (room_id,),
    )
    return {
        key: (position, None if protection is None else decode(protection, ProtectionRecord))
        for key, position, protection in rows
    }


def payload_hash(payload: bytes) -> bytes:
    """What a payload is recognised by."""
    return hashlib.sha256(payload).digest()


def delete(database: Database, positions: Iterable[int]) -> None:
    """These stand in the timeline now."""
    database.execute_many("DELETE FROM outbox WHERE position = ?", ((position,) for position in positions))


def forget(database: Database, room_id: bytes) -> None:
    """None of the room's messages is to be sent any more."""
    database.execute("DELETE FROM outbox WHERE room_id = ?", (room_id,))
