"""Looking at one message in all its layers: what the store has of it, and what the server has of it now."""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial
from typing import Final

from sottovoce.client.content import Envelope, MimiContent
from sottovoce.client.device_store import DeviceStore
from sottovoce.client.errors import ContentError, LinkLost, NoLifeRecorded, RateLimited, RequestRefused
from sottovoce.client.events import ReceivedMessage
from sottovoce.client.log_reader import time_of
from sottovoce.client.message_life import (
    MessageLife,
    StoredEntry,
    TlsFacts,
    content_octets,
    envelope_octets,
    frame_octets,
    header_octets,
    message_octets,
    plaintext_octets,
    protection,
    tls_record_lengths,
)
from sottovoce.client.message_recording import envelope_of
from sottovoce.client.room_state import Surroundings
from sottovoce.client.session import Session
from sottovoce.client.tables import lives as lives_table
from sottovoce.link.messages import Fetch, FetchReply
from sottovoce.link.parts import EntryKind

FETCH_DEADLINE: Final = 5.0
"""Seconds that the server has for its part."""


async def examine(
    store: DeviceStore, session: Session, around: Surroundings, room_id: bytes, message_id: bytes
) -> MessageLife:
    """Return the life of a message; asks the server for its entry when it is connected.

    Raises :class:`~sottovoce.client.errors.NoLifeRecorded`.
    """
    found = await store.transact(partial(lives_table.life, room_id=room_id, message_id=message_id))
    if found is None:
        raise NoLifeRecorded("it is not in the room's log yet")
    message, record = found
    if record is None:
        raise NoLifeRecorded("it came before this version, and the key it came with is deleted since")
    octets = envelope_of(record, message.text)
    envelope = _envelope(octets, message, around, room_id)
    entry = await _stored(session, room_id, message.seq, record.payload_hash)
    stored = entry if isinstance(entry, StoredEntry) else None
    is_whole = stored is not None and stored.is_same
    return MessageLife(
        message=message,
        room_id=room_id,
        content=content_octets(envelope.content),
        envelope=envelope_octets(octets),
        history=envelope,
        plaintext=plaintext_octets(octets, record.protection),
        protection=protection(record.protection),
        private_message=message_octets(stored.payload)
        if stored is not None and is_whole
        else header_octets(room_id, record.protection),
        payload_hash=record.payload_hash,
        stored=stored,
        missing=entry if isinstance(entry, str) else "",
    )


def _envelope(octets: bytes, message: ReceivedMessage, around: Surroundings, room_id: bytes) -> Envelope:
    """Read an envelope; its content must be the message's, by the id that both have."""
    try:
        envelope = Envelope.decode(octets)
        content = MimiContent.decode(envelope.content)
    except ContentError:
        content = None
    user_uri, room_uri = around.user_uri(message.sender.lower()), around.room_uri(room_id)
    if content is None or content.message_id(user_uri, room_uri) != message.message_id:
        raise NoLifeRecorded("its text is not the one that came")
    return envelope


async def _stored(session: Session, room_id: bytes, seq: int, payload_hash: bytes) -> StoredEntry | str:
    """What the server gives out as entry ``seq``, or the reason why there is nothing to show."""
    if not session.is_online:
        return "The server is not connected."
    try:
        async with asyncio.timeout(FETCH_DEADLINE):
            link = await session.online()
            reply = await link.request(lambda number: Fetch(number, room_id, seq - 1, 1), FetchReply)
    except (LinkLost, RequestRefused, RateLimited) as trouble:
        return str(trouble)
    except TimeoutError:
        return f"The server did not answer within {FETCH_DEADLINE:.0f} seconds."
    if reply.first > seq:
        return "The server has deleted this entry since: it keeps entries for a limited time."
    if len(reply.entries) != 1 or reply.entries[0].seq != seq:
        return "The server does not give this entry out, though it had it. Ask the others what they see."
    entry = reply.entries[0]
    frame = frame_octets(reply)
    version, cipher, key_bits = link.tls
    is_same = entry.kind is EntryKind.MESSAGE and hashlib.sha256(entry.payload).digest() == payload_hash
    return StoredEntry(
        seq=entry.seq,
        kind=str(entry.kind),
        epoch=entry.epoch,
        at=time_of(entry),
        payload=entry.payload,
        is_same=is_same,
        head=reply.head,
        frame=frame,
        tls=TlsFacts(version, cipher, key_bits, tls_record_lengths(len(frame))),
    )
