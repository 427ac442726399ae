"""Recording a message's life when it is encrypted or read: afterwards its key is gone, and with it the facts.

What is recorded is in the encrypted store beside the message and as secret as it. No key is recorded. The
nonce as it was used, leaf and generation tell nothing about one: docs/xray.md says why.
"""

from __future__ import annotations

from sottovoce.client.tables.lives import LifeRecord, ProtectionRecord
from sottovoce.client.tables.outbox import payload_hash
from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls import MessageDetails


def protection_of(suite: CipherSuite, details: MessageDetails) -> ProtectionRecord:
    """Return what is kept of the details of one message."""
    return ProtectionRecord(
        suite.id,
        details.epoch,
        details.leaf,
        details.generation,
        details.nonce,
        details.authenticated_data_length,
        details.signature_length,
        details.padding_length,
        details.encrypted_sender_data_length,
        details.ciphertext_length,
    )


def life_of(protection: ProtectionRecord, payload: bytes, envelope: bytes, text: str) -> LifeRecord:
    """Return the life of a message that was stored in the log as ``payload``; ``text`` is what is shown."""
    octets = text.encode("utf-8", "replace")
    at = envelope.find(octets)
    if at < 0:  # what is shown is not what was sent: bytes that are no UTF-8
        return LifeRecord(protection, payload_hash(payload), None, envelope)
    without_text = envelope[:at] + envelope[at + len(octets) :]
    return LifeRecord(protection, payload_hash(payload), at, without_text)


def envelope_of(life: LifeRecord, text: str) -> bytes:
    """Return the whole envelope again."""
    if life.text_at is None:
        return life.envelope
    return life.envelope[: life.text_at] + text.encode("utf-8", "replace") + life.envelope[life.text_at :]
