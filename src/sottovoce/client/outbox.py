"""A room's outbox: what was typed goes out once and in order, whatever happens to the link or the process.

``add`` writes the plaintext; ``encrypt`` makes ciphertexts of the oldest ones, to be stored together with
the ratchet step *before* they are sent (threats.md B4). A ciphertext whose fate is unknown is sent again as
it is, under the same message id, so the server stores it once; only a refusal as stale makes a new one, of
the very same envelope.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from sottovoce.client.content import Envelope, message_hash
from sottovoce.client.message_ids import new_message_id
from sottovoce.client.message_recording import protection_of
from sottovoce.client.room_state import RoomState
from sottovoce.client.tables.lives import ProtectionRecord
from sottovoce.client.tables.outbox import OutboxRecord, payload_hash
from sottovoce.errors import InternalError, SottovoceError
from sottovoce.link.parts import Outgoing
from sottovoce.mls import Group

MAX_BATCH: Final = 64
MAX_BATCH_LENGTH: Final = 512 * 1024
"""Messages, and bytes of ciphertext, in one request."""


class Delivery:
    """A message on its way: it is stored here already and goes out by itself, once and in order."""

    def __init__(self, acknowledged: asyncio.Future[int]) -> None:
        self._acknowledged: Final = acknowledged

    @property
    def is_stored(self) -> bool:
        """Whether the server has it on disk."""
        return self._acknowledged.done() and self._acknowledged.exception() is None

    async def stored(self) -> int:
        """Wait until the server has it on disk, and return its place in the room log.

        Raises what ended the room or the client first; but for a room that was left, what is stored here goes
        out the next time.
        """
        return await asyncio.shield(self._acknowledged)


class Outbox:
    """The messages of one room that are not in the timeline yet."""

    def __init__(self, records: Sequence[OutboxRecord]) -> None:
        self.by_payload: Final[dict[bytes, OutboxRecord]] = {}
        """Messages by the SHA-256 of every ciphertext ever made of them: how their entries are recognised."""
        self._unacknowledged: Final[dict[int, OutboxRecord]] = {}
        self._deliveries: Final[dict[int, asyncio.Future[int]]] = {}
        self._empty: Final = asyncio.Event()
        self.restore(records, {})

    def restore(
        self,
        records: Sequence[OutboxRecord],
        payloads: Mapping[bytes, tuple[int, ProtectionRecord | None]],
    ) -> None:
        """Be what the store has; who waits for a delivery goes on waiting."""
        self._unacknowledged.clear()
        self._unacknowledged.update({record.position: record for record in records})
        self.by_payload.clear()
        self.by_payload.update(
            {
                key: msgspec.structs.replace(self._unacknowledged[position], protection=protection)
                for key, (position, protection) in payloads.items()
            }
        )
        self._settle()

    @property
    def has_unacknowledged(self) -> bool:
        """Whether something waits to be sent or to be acknowledged."""
        return bool(self._unacknowledged)

    async def acknowledged(self) -> None:
        """Wait until the server has stored everything."""
        await self._empty.wait()

    def add(self, record: OutboxRecord) -> asyncio.Future[int]:
        """Take in a stored message; the future gets its seq once the server has stored it."""
        delivery: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        delivery.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody need wait
        self._unacknowledged[record.position] = record
        self._deliveries[record.position] = delivery
        self._settle()
        return delivery

    def next_batch(self) -> list[OutboxRecord]:
        """The oldest messages the server has not acknowledged, as many as one request may have."""
        batch: list[OutboxRecord] = []
        length = 0
        for record in self._unacknowledged.values():
            # What is not encrypted yet will be padded: twice the content and 2 KiB is more than that.
            length += len(record.ciphertext) if record.ciphertext else 2 * len(record.content) + 2048
            if batch and (len(batch) == MAX_BATCH or length > MAX_BATCH_LENGTH):
                break
            batch.append(record)
        return batch

    def encrypt(self, batch: Sequence[OutboxRecord], state: RoomState, group: Group) -> list[OutboxRecord]:
        """Encrypt what has no ciphertext yet; returns the records that changed. Nothing may be sent before
        they and the state's changes are stored.
        """
        changed = []
        for record in batch:
            if record.ciphertext is not None:
                continue
            envelope = record.envelope or self._envelope(record, state)
            staged = group.encrypt(envelope, random=state.around.random)
            group.merge(staged)
            encrypted = msgspec.structs.replace(
                record,
                message_id=record.message_id or new_message_id(state.around.random),
                envelope=envelope,
                epoch=staged.epoch,
                ciphertext=staged.message,
                protection=protection_of(group.suite, staged.details),
            )
            self._unacknowledged[record.position] = encrypted
            self.by_payload[payload_hash(staged.message)] = encrypted
            changed.append(encrypted)
        return changed

    def discard_ciphertexts(self, batch: Sequence[OutboxRecord]) -> None:
        """The server refused the batch as stale: it is to be encrypted anew.

        The ciphertexts are recognised still: a connection that was lost may have brought one to the log.
        """
        for position in [record.position for record in batch]:
            current = self._unacknowledged.get(position)
            if current is None:
                continue
            self._unacknowledged[position] = msgspec.structs.replace(current, epoch=None, ciphertext=None)

    def discard_all_ciphertexts(self) -> None:
        """They are of a leaf this device no longer has; what the server stored of them, it knows by id.

        Their envelopes go too: a new leaf numbers its messages from 1.
        """
        self.discard_ciphertexts(tuple(self._unacknowledged.values()))
        for position, record in self._unacknowledged.items():
            self._unacknowledged[position] = msgspec.structs.replace(record, envelope=None)

    def requests(self, batch: Sequence[OutboxRecord]) -> list[Outgoing]:
        """The batch as the link sends it."""
        current = (self._unacknowledged[record.position] for record in batch)
        return [_outgoing(record) for record in current]

    def acknowledge(self, batch: Sequence[OutboxRecord], seqs: Sequence[int]) -> list[OutboxRecord]:
        """The server has stored the batch; returns its records as they were sent."""
        stored = []
        for record, seq in zip(batch, seqs, strict=True):
            stored.append(self._unacknowledged.pop(record.position, record))
            delivery = self._deliveries.pop(record.position, None)
            if delivery is not None and not delivery.done():
                delivery.set_result(seq)
        self._settle()
        return stored

    def fail_all(self, trouble: SottovoceError) -> None:
        """Nothing more is sent in this process; the store keeps what waits, for the next one."""
        while self._deliveries:
            _, delivery = self._deliveries.popitem()
            if not delivery.done():
                delivery.set_exception(trouble)

    def is_unread(self, record: OutboxRecord) -> bool:
        """Whether no log entry was recognised as this message yet."""
        return any(one.position == record.position for one in self.by_payload.values())

    def read_back(self, position: int, seq: int) -> None:
        """The message was seen in the log, which acknowledges it too."""
        for key in [key for key, one in self.by_payload.items() if one.position == position]:
            del self.by_payload[key]
        record = self._unacknowledged.get(position)
        if record is not None:
            self.acknowledge((record,), (seq,))

    def _envelope(self, record: OutboxRecord, state: RoomState) -> bytes:
        chain, counter = state.chain, state.record.counter + 1
        envelope = Envelope(
            record.content, chain.seq, chain.head_hash, counter, state.record.previous_hash
        ).encode()
        state.update(counter=counter, previous_hash=message_hash(envelope))
        return envelope

    def _settle(self) -> None:
        if self._unacknowledged:
            self._empty.clear()
        else:
            self._empty.set()


def _outgoing(record: OutboxRecord) -> Outgoing:
    if record.ciphertext is None or record.epoch is None:
        raise InternalError("A message was to be sent before it was encrypted.")
    return Outgoing(record.message_id, record.epoch, record.ciphertext)
