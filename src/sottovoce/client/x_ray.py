"""Looking at one message in all its layers: what the store has of it, and what the server has of it now."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from sottovoce.client.content import Envelope, MimiContent
from sottovoce.client.device_store import DeviceStore
from sottovoce.client.errors import ContentError, NoLifeRecorded
from sottovoce.client.events import ReceivedMessage
from sottovoce.client.message_life import MessageLife, StoredEntry, layered, stored_entry
from sottovoce.client.message_recording import envelope_of
from sottovoce.client.room_state import Surroundings
from sottovoce.client.session import Session
from sottovoce.client.tables import lives as lives_table
from sottovoce.errors import SottovoceError
from sottovoce.link.messages import Fetch, FetchReply

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
    _check_envelope(envelope_of(record, message.text), message, around, room_id)
    return layered(
        message, room_id, record, await _stored(session, room_id, message.seq, record.payload_hash)
    )


def _check_envelope(octets: bytes, message: ReceivedMessage, around: Surroundings, room_id: bytes) -> None:
    """Check that an envelope's content is the message's, by the id that both have."""
    try:
        content = MimiContent.decode(Envelope.decode(octets).content)
    except ContentError:
        content = None
    user_uri, room_uri = around.user_uri(message.sender.lower()), around.room_uri(room_id)
    if content is None or content.message_id(user_uri, room_uri) != message.message_id:
        raise NoLifeRecorded("its text is not the one that came")


async def _stored(session: Session, room_id: bytes, seq: int, payload_hash: bytes) -> StoredEntry | str:
    """What the server gives out as entry ``seq``, or the reason why there is nothing to show."""
    if not session.is_online:
        return "The server is not connected."
    try:
        async with asyncio.timeout(FETCH_DEADLINE):
            link = await session.online()
            reply = await link.request(lambda number: Fetch(number, room_id, seq - 1, 1), FetchReply)
        tls = link.tls
    except SottovoceError as trouble:
        return str(trouble)
    except TimeoutError:
        return f"The server did not answer within {FETCH_DEADLINE:.0f} seconds."
    if reply.first > seq:
        return "The server has deleted this entry since: it keeps entries for a limited time."
    if len(reply.entries) != 1 or reply.entries[0].seq != seq:
        return "The server does not give this entry out, though it had it. Ask the others what they see."
    return stored_entry(reply, payload_hash, tls)
