"""A message's life from the text to what the server stores: facts and real bytes, layer by layer.

Pure values and how they are put together; :mod:`sottovoce.client.x_ray` fetches what they are made of.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from sottovoce.client import cbor
from sottovoce.client.calendar import time_of
from sottovoce.client.content import Envelope, MimiContent, SinglePart
from sottovoce.client.events import ReceivedMessage
from sottovoce.client.message_recording import envelope_of
from sottovoce.client.named_octets import NamedOctets, OctetsInParts
from sottovoce.client.tables.lives import LifeRecord, ProtectionRecord
from sottovoce.crypto.aead import TAG_LENGTH
from sottovoce.crypto.suites import cipher_suite
from sottovoce.link.frames import encode_frame
from sottovoce.link.messages import FetchReply
from sottovoce.link.parts import EntryKind
from sottovoce.mls import ContentType, MLSMessage, PrivateMessage, WireFormat
from sottovoce.mls.presentation import uint8, uint16, uint64, variable_length

_MLS10: Final = 1
_TLS_RECORD_OVERHEAD: Final = 5 + 1 + 16
"""RFC 8446 §5.2: the header, the content type inside, the tag; bytes."""

_TLS_RECORD_LIMIT: Final = 2**14


@dataclass(frozen=True, slots=True)
class Protection:
    """How the MLS message was made. ``nonce`` is what the AEAD was given; lengths in bytes; no key."""

    suite: str
    aead: str
    key_length: int
    epoch: int
    leaf: int
    generation: int
    nonce: bytes
    signature_length: int
    padding_length: int
    plaintext_length: int
    """With the padding: one of the buckets."""
    ciphertext_length: int
    """``plaintext_length`` and the tag."""


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """The connection that the entry came by just now."""

    version: str
    cipher: str
    key_bits: int
    record_lengths: tuple[int, ...]
    """Bytes on the wire of the records that carry the frame when nothing travels with it."""


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """What the server has stored, as it was given out just now.

    ``is_same``: whether the payload is, by its SHA-256, what this device sent or received. ``head``: the
    newest entry of the log.
    """

    seq: int
    kind: str
    epoch: int
    at: datetime
    payload: bytes
    is_same: bool
    head: int
    frame: NamedOctets
    tls: TlsFacts


@dataclass(frozen=True, slots=True)
class MessageLife:
    """One message in its layers, the innermost first; ``room_id``: 16 bytes.

    ``content`` is MIMI content, ``envelope`` what this program puts around it, ``plaintext`` what is
    encrypted (of the signature the length alone is known), ``private_message`` the result: without ``stored``
    its header alone. ``missing`` says why there is no ``stored`` entry.
    """

    message: ReceivedMessage
    room_id: bytes
    content: NamedOctets
    envelope: NamedOctets
    history: Envelope
    plaintext: NamedOctets
    protection: Protection
    private_message: NamedOctets
    payload_hash: bytes
    stored: StoredEntry | None
    missing: str


def layered(
    message: ReceivedMessage, room_id: bytes, record: LifeRecord, found: StoredEntry | str
) -> MessageLife:
    """Put a message's life together. ``found``: what the server has of it, or the reason for nothing."""
    stored, missing = (None, found) if isinstance(found, str) else (found, "")
    envelope = envelope_of(record, message.text)
    history = Envelope.decode(envelope)
    return MessageLife(
        message=message,
        room_id=room_id,
        content=content_octets(history.content),
        envelope=envelope_octets(envelope),
        history=history,
        plaintext=plaintext_octets(envelope, record.protection),
        protection=protection(record.protection),
        private_message=message_octets(stored.payload)
        if stored is not None and stored.is_same
        else header_octets(room_id, record.protection),
        payload_hash=record.payload_hash,
        stored=stored,
        missing=missing,
    )


def stored_entry(reply: FetchReply, payload_hash: bytes, tls: tuple[str, str, int]) -> StoredEntry:
    """Return the one entry of ``reply``. ``tls``: version, cipher suite, bits of its key."""
    entry, frame, (version, cipher, key_bits) = reply.entries[0], frame_octets(reply), tls
    return StoredEntry(
        seq=entry.seq,
        kind=str(entry.kind),
        epoch=entry.epoch,
        at=time_of(entry),
        payload=entry.payload,
        is_same=entry.kind is EntryKind.MESSAGE and hashlib.sha256(entry.payload).digest() == payload_hash,
        head=reply.head,
        frame=frame,
        tls=TlsFacts(version, cipher, key_bits, tls_record_lengths(len(frame))),
    )


def protection(record: ProtectionRecord) -> Protection:
    """Return the facts of a record."""
    suite = cipher_suite(record.suite_id)
    return Protection(
        suite=suite.name,
        aead=suite.aead.name,
        key_length=suite.key_length,
        epoch=record.epoch,
        leaf=record.leaf,
        generation=record.generation,
        nonce=record.nonce,
        signature_length=record.signature_length,
        padding_length=record.padding_length,
        plaintext_length=record.ciphertext_length - TAG_LENGTH,
        ciphertext_length=record.ciphertext_length,
    )


def content_octets(data: bytes) -> NamedOctets:
    """Return MIMI content with its fields named (draft-ietf-mimi-content-08 §4)."""
    content = MimiContent.decode(data)
    items = cbor.decode(data)
    names = ("salt", "replaces", "topic", "expires", "in reply to", "extensions")
    parts = OctetsInParts().add("array of 7", data[:1])
    for name, item in zip(names, items, strict=False):
        parts.add(name, cbor.encode(item))
    body = content.body
    if not isinstance(body, SinglePart):
        return parts.add("body", cbor.encode(items[-1])).finish()
    head = b"".join(map(cbor.encode, items[-1][:3]))
    parts.add("use, language, kind", cbor.encode(items[-1])[:1] + head)
    parts.add("media type", cbor.encode(body.content_type))
    return _add_octet_string(parts, "text", body.content).finish()


def envelope_octets(data: bytes) -> NamedOctets:
    """Return an envelope with its fields named (docs/protocol.md, *Messages*)."""
    envelope = Envelope.decode(data)
    parts = _add_octet_string(OctetsInParts().add("array of 5", data[:1]), "content", envelope.content)
    parts.add("log position", cbor.encode(envelope.head_seq)).add("log hash", cbor.encode(envelope.head_hash))
    parts.add("counter", cbor.encode(envelope.counter))
    return parts.add("previous hash", cbor.encode(envelope.previous_hash)).finish()


def plaintext_octets(envelope: bytes, record: ProtectionRecord) -> NamedOctets:
    """Return the ``PrivateMessageContent`` that was encrypted (RFC 9420 §6.3.1)."""
    parts = OctetsInParts().add("length", variable_length(len(envelope))).add("envelope", envelope)
    parts.add("signature length", variable_length(record.signature_length))
    parts.add_unknown("signature", record.signature_length)
    return parts.add("padding", bytes(record.padding_length)).finish()


def header_octets(room_id: bytes, record: ProtectionRecord) -> NamedOctets:
    """Return the ``MLSMessage`` as far as it can be made again without what was encrypted (§6, §6.3)."""
    parts = OctetsInParts().add("version", uint16(_MLS10))
    parts.add("wire format", uint16(WireFormat.PRIVATE_MESSAGE))
    parts.add("group id", variable_length(len(room_id)) + room_id).add("epoch", uint64(record.epoch))
    parts.add("content type", uint8(ContentType.APPLICATION))
    parts.add("open data length", variable_length(record.authenticated_data_length))
    parts.add_unknown("open data", record.authenticated_data_length)
    parts.add("sender data length", variable_length(record.sender_data_length))
    parts.add_unknown("encrypted sender data", record.sender_data_length)
    parts.add("ciphertext length", variable_length(record.ciphertext_length))
    parts.add_unknown("ciphertext", record.ciphertext_length - TAG_LENGTH)
    return parts.add_unknown("tag", TAG_LENGTH).finish()


def message_octets(payload: bytes) -> NamedOctets:
    """Return an ``MLSMessage`` that holds a PrivateMessage, with its fields named (§6, §6.3).

    Raises :class:`~sottovoce.mls.DecodingError` for anything else, as far as it is malformed, and returns
    bytes without a structure where it is another message.
    """
    message = MLSMessage.decode(payload).body
    if not isinstance(message, PrivateMessage):
        return OctetsInParts().add("another message", payload).finish()
    parts = OctetsInParts().add("version", payload[:2]).add("wire format", payload[2:4])
    parts.add("group id", variable_length(len(message.group_id)) + message.group_id)
    parts.add("epoch", uint64(message.epoch)).add("content type", uint8(message.content_type))
    parts.add("open data length", variable_length(len(message.authenticated_data)))
    parts.add("open data", message.authenticated_data)
    parts.add("sender data length", variable_length(len(message.encrypted_sender_data)))
    parts.add("encrypted sender data", message.encrypted_sender_data)
    parts.add("ciphertext length", variable_length(len(message.ciphertext)))
    parts.add("ciphertext", message.ciphertext[:-TAG_LENGTH])
    return parts.add("tag", message.ciphertext[-TAG_LENGTH:]).finish()


def frame_octets(reply: FetchReply) -> NamedOctets:
    """Return the frame of a reply that has one entry, as the server sent it (docs/protocol.md, *Link*)."""
    frame, encode = encode_frame(reply), msgspec.msgpack.encode
    entry = reply.entries[0]
    payload = encode(entry.payload)
    end = len(payload) - len(entry.payload)
    parts = OctetsInParts().add("frame length", frame[:4])
    parts.add("message type", frame[4:5] + encode("fetch_reply")).add("request id", encode(reply.id))
    at = len(parts.data)
    parts.add("one entry of 5", frame[at : at + 2]).add("log position", encode(entry.seq))
    parts.add("kind", encode(entry.kind)).add("epoch", encode(entry.epoch))
    parts.add("payload length", payload[:end]).add("payload", entry.payload).add("time", encode(entry.at))
    return parts.add("newest, oldest", encode(reply.head) + encode(reply.first)).finish()


def tls_record_lengths(length: int) -> tuple[int, ...]:
    """Return the lengths of the TLS 1.3 records that ``length`` bytes make when they are written at once."""
    whole, rest = divmod(length, _TLS_RECORD_LIMIT)
    contents = [_TLS_RECORD_LIMIT] * whole + [rest] * bool(rest)
    return tuple(content + _TLS_RECORD_OVERHEAD for content in contents)


def _add_octet_string(parts: OctetsInParts, name: str, octets: bytes) -> OctetsInParts:
    """Append a CBOR byte string: its head, then its bytes."""
    encoded = cbor.encode(octets)
    return parts.add(f"{name} length", encoded[: len(encoded) - len(octets)]).add(name, octets)
