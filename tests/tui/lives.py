"""A message's life with fixed bytes, made as the SDK makes one."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

from sottovoce.client.content import Envelope, MimiContent
from sottovoce.client.events import ReceivedMessage
from sottovoce.client.message_life import MessageLife, header_octets, layered, stored_entry
from sottovoce.client.tables.lives import LifeRecord, ProtectionRecord
from sottovoce.crypto.suites import DEFAULT
from sottovoce.link.messages import FetchReply
from sottovoce.link.parts import Entry, EntryKind

ROOM_ID = bytes.fromhex("5eed5eed00112233445566778899aabb")
AT = datetime(2026, 11, 22, 16, 0, 0, 125000, tzinfo=UTC)
SEQ = 42


def noise(seed: str, length: int) -> bytes:
    """Bytes that look like ciphertext, the same every time."""
    return hashlib.shake_128(seed.encode()).digest(length)


def a_life(
    text: str = "Tea at four, as always? 🫖", sender: str = "Alice", *, is_online: bool = True
) -> MessageLife:
    """The life of ``text``, with the server's part or without."""
    content = MimiContent.of_text(text, salt=noise("salt", 16)).encode()
    envelope = Envelope(content, SEQ - 1, noise("head", 32), 7, noise("previous", 32)).encode()
    unpadded = len(envelope) + (1 if len(envelope) < 64 else 2 if len(envelope) < 16384 else 4) + 2 + 64
    bucket = next(one for one in (256, 1024, 4096, 16384, 65536) if one >= unpadded)
    record = ProtectionRecord(
        DEFAULT.id, 3, 1, 6, noise("nonce", 12), 0, 64, bucket - unpadded, 28, bucket + 16
    )  # fmt: skip
    header = header_octets(ROOM_ID, record)
    payload = bytearray(header.data)
    for one in header.stretches:
        if not one.is_known:
            payload[one.start : one.end] = noise(one.name, one.end - one.start)
    life = LifeRecord(record, hashlib.sha256(payload).digest(), None, envelope)
    message = ReceivedMessage(
        seq=SEQ, at=AT, sender=sender, text=text, is_mine=False, device_id=bytes(16),
        message_id=b"\x01" + noise("id", 31), verified=True,
    )  # fmt: skip
    if not is_online:
        return layered(message, ROOM_ID, life, "The server is not connected.")
    entry = Entry(SEQ, EntryKind.MESSAGE, 3, bytes(payload), round(AT.timestamp() * 1000))
    reply = FetchReply(9, [entry], SEQ + 1, 1)
    stored = stored_entry(reply, life.payload_hash, ("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256))
    return layered(message, ROOM_ID, life, stored)


def a_forged_life() -> MessageLife:
    """What is shown when the server gives out other bytes than it gave before."""
    life = a_life(is_online=False)
    whole = a_life().stored
    assert whole is not None
    return replace(life, stored=replace(whole, payload=noise("forged", 346), is_same=False), missing="")
