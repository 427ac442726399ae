"""How each message of the timeline was protected; deleted with it. No key, and the text not a second time."""

from __future__ import annotations

import msgspec

from sottovoce.client.events import ReceivedMessage
from sottovoce.client.tables.database import Database
from sottovoce.client.tables.records import decode, encode


class ProtectionRecord(msgspec.Struct, array_like=True, frozen=True):
    """What of one PrivateMessage cannot be computed again once its key is deleted.

    ``nonce`` (12 bytes) is what the AEAD was given; the reuse guard in it is not kept, so that the ratchet's
    own nonce stays deleted (RFC 9420 §9.2). Lengths in bytes.
    """

    suite_id: int
    epoch: int
    leaf: int
    generation: int
    nonce: bytes
    authenticated_data_length: int
    signature_length: int
    padding_length: int
    sender_data_length: int
    ciphertext_length: int


class LifeRecord(msgspec.Struct, array_like=True, frozen=True):
    """One message's protection, the SHA-256 of what was stored in the log, and its envelope.

    The text is cut out of ``envelope`` at ``text_at``, since it is in the timeline; None: nothing is cut out.
    """

    protection: ProtectionRecord
    payload_hash: bytes
    text_at: int | None
    envelope: bytes


def add(database: Database, room_id: bytes, seq: int, message_id: bytes, record: LifeRecord) -> None:
    """Keep the life of the message that was put into the timeline from log entry ``seq``.

    Nothing is kept for one that is there from another entry: that was a replay.
    """
    database.execute(
        """INSERT OR IGNORE INTO lives SELECT position, ? FROM timeline
        WHERE room_id = ? AND message_id = ? AND seq = ?""",
        (encode(record), room_id, message_id, seq),
    )


def life(
    database: Database, room_id: bytes, message_id: bytes
) -> tuple[ReceivedMessage, LifeRecord | None] | None:
    """A message and what is kept of its life; None when it is not in the timeline."""
    row = database.one(
        """SELECT item, record FROM timeline LEFT JOIN lives USING (position)
        WHERE room_id = ? AND message_id = ?""",
        (room_id, message_id),
    )
    if row is None:
        return None
    item, record = row
    return decode(item, ReceivedMessage), None if record is None else decode(record, LifeRecord)
