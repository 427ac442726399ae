"""What waits in a room's outbox, as it is shown: each message decoded once, for an app asks often."""

from __future__ import annotations

from typing import Final

from sottovoce.client.content import MimiContent
from sottovoce.client.device_store import DeviceStore
from sottovoce.client.events import PendingMessage
from sottovoce.client.room_state import Surroundings
from sottovoce.client.tables import outbox as outbox_table


class PendingMessages:
    """The messages of one room that this device wrote and has not read back from the log."""

    def __init__(self, store: DeviceStore, around: Surroundings, room_id: bytes) -> None:
        self._store: Final = store
        self._room_id: Final = room_id
        self._sender_uri: Final = around.user_uri(around.own.certificate.account_name)
        self._room_uri: Final = around.room_uri(room_id)
        self._decoded: dict[int, PendingMessage | None] = {}

    async def read(self) -> list[PendingMessage]:
        """Those that the store has now, oldest first."""
        room_id, known = self._room_id, frozenset(self._decoded)
        positions, fresh = await self._store.transact(
            lambda database: (
                outbox_table.positions(database, room_id),
                outbox_table.contents(database, room_id, known),
            )
        )
        self._decoded.update((position, self._decode(position, content)) for position, content in fresh)
        self._decoded = {position: self._decoded[position] for position in positions}
        return [message for message in self._decoded.values() if message is not None]

    def _decode(self, position: int, octets: bytes) -> PendingMessage | None:
        """The message, or None for one that is no text."""
        content = MimiContent.decode(octets)
        message_id = content.message_id(self._sender_uri, self._room_uri)
        return None if content.text is None else PendingMessage(message_id, content.text, position)
