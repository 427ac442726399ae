"""Sending a room's outbox over the link: encrypt, store, send, have acknowledged; a batch at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from sottovoce.client.errors import RequestRefused
from sottovoce.client.kept_room import KeptRoom
from sottovoce.client.log_following import LogFollower
from sottovoce.client.log_reader import OutOfStep
from sottovoce.client.tables import outbox as outbox_table
from sottovoce.client.tables.outbox import OutboxRecord
from sottovoce.client.transport import ServerLink
from sottovoce.link.messages import Append, AppendReply
from sottovoce.link.parts import ErrorCode


class Sending:
    """Empties one room's outbox."""

    def __init__(self, kept: KeptRoom, follower: LogFollower) -> None:
        self._kept: Final = kept
        self._follower: Final = follower

    async def add(self, content: bytes) -> asyncio.Future[int]:
        """Store a message (MIMI content) for sending; the future gets its seq once the server stored it.

        A caller that is cancelled in between has sent it: what is in the store goes out now, not next time.
        """
        return await asyncio.shield(self._add(content))

    async def _add(self, content: bytes) -> asyncio.Future[int]:
        kept = self._kept
        room_id = kept.record.room_id
        record = await kept.store.transact(lambda database: outbox_table.add(database, room_id, content))
        delivery = kept.outbox.add(record)
        kept.wake.set()
        kept.announce()
        return delivery

    async def send_batch(self, link: ServerLink) -> None:
        """Send the oldest messages the server has not acknowledged."""
        kept = self._kept
        if kept.state.group is None:
            raise OutOfStep("This device holds no keys of the room.")
        batch = kept.outbox.next_batch()
        numbering = {"counter": kept.record.counter, "previous_hash": kept.record.previous_hash}
        encrypted = kept.outbox.encrypt(batch, kept.state, kept.state.group)
        if encrypted:
            await kept.save_ratchets(tuple(encrypted))
        room_id, messages = kept.record.room_id, kept.outbox.requests(batch)
        try:
            reply = await link.request(lambda number: Append(number, room_id, messages), AppendReply)
        except RequestRefused as refusal:
            if refusal.error_code is not ErrorCode.STALE_EPOCH:
                raise
            kept.outbox.discard_ciphertexts(batch)
            await self._follower.subscribe(link)
            return
        if len(reply.seqs) != len(batch):
            raise link.broken("an answer to other messages than were sent")
        self._follower.expect(max(reply.seqs))
        stored = kept.outbox.acknowledge(batch, reply.seqs)
        if max(reply.seqs) <= kept.record.joined_seq:
            # The server had all of them from an earlier leaf of ours: no number of this one was used.
            kept.state.update(**numbering)
        await self._show_passed(stored, reply.seqs)

    async def _show_passed(self, batch: Sequence[OutboxRecord], seqs: Sequence[int]) -> None:
        """Messages whose entries were passed unread (we joined again in between) are shown now."""
        kept = self._kept
        passed = [
            (record, seq)
            for record, seq in zip(batch, seqs, strict=True)
            if seq <= kept.record.seq and kept.outbox.is_unread(record)
        ]
        if not passed:
            return
        changes = kept.state.begin()
        for record, seq in passed:
            self._follower.reader.show_own(record, seq, datetime.now(UTC), changes)
        await kept.save(changes)
        for record, seq in passed:
            kept.outbox.read_back(record.position, seq)
