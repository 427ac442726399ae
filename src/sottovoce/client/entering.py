"""Becoming a member over the link: take a turn, then found the room or join it by external commit.

Sixty devices that come in the same second queue for turns instead of retrying against each other.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

from sottovoce.client import explanations
from sottovoce.client.chain import LogChain
from sottovoce.client.errors import RequestRefused, SealBroken, UnknownRoom
from sottovoce.client.events import ForkAlarm, Gap, RoomRejoined
from sottovoce.client.joining import PlannedJoin, found, plan_join, take_over
from sottovoce.client.room_state import Changes, RoomState
from sottovoce.client.tables.rooms import Membership
from sottovoce.client.transport import ServerLink
from sottovoce.link.messages import (
    CommitReply,
    Done,
    Fetch,
    FetchReply,
    GroupInfoDamaged,
    Turn,
    TurnRelease,
    TurnReply,
)
from sottovoce.link.parts import EntryKind, ErrorCode

TURN_DEADLINE: Final = 120.0
"""Seconds to wait for a turn."""

_FOUNDING_PAUSE: Final = (0.1, 0.3)
_FETCH_LIMIT: Final = 500


class Entering:
    """Takes one room from JOINING or OUT_OF_STEP to MEMBER; ``enter`` is called again after a lost link."""

    def __init__(
        self, state: RoomState, store: Callable[[Changes], Awaitable[None]], *, may_found: bool
    ) -> None:
        self.state: Final = state
        self._store: Final = store
        self._may_found: Final = may_found
        self._sent: PlannedJoin | None = None  # a join whose answer is not known

    async def enter(self, link: ServerLink, now: int) -> bool:
        """Become a member; True when this device founded the room and owes it a first commit.

        Raises :class:`UnknownRoom`, :class:`SealBroken`, :class:`SecretOutdated`, a PeerError of MLS for a
        room that cannot be joined as it is, and LinkLost.
        """
        while True:
            if self._sent is not None and await self._send(link, self._sent):
                return False
            reply = await self._turn(link)
            if reply is None or reply.epoch is None:
                if await self._found(link, now):
                    return True
            elif reply.epoch == 0:
                # Nobody joins at epoch 0 (threats.md B14); its founder is about to commit.
                await self._release(link)
                await asyncio.sleep(random.uniform(*_FOUNDING_PAUSE))  # noqa: S311 - jitter
            else:
                self._sent = await self._plan(link, reply.epoch, reply.group_info or b"")

    async def _turn(self, link: ServerLink) -> TurnReply | None:
        """Wait for the turn; None when the server knows no such room and we may found it."""
        room_id = self.state.record.room_id
        try:
            return await link.request(
                lambda number: Turn(number, room_id, want_group_info=True), TurnReply, deadline=TURN_DEADLINE
            )
        except RequestRefused as refusal:
            if refusal.error_code is not ErrorCode.UNKNOWN_ROOM:
                raise
            if not self._may_found:
                raise UnknownRoom(self.state.record.name) from refusal
            return None

    async def _release(self, link: ServerLink) -> None:
        room_id = self.state.record.room_id
        await link.request(lambda number: TurnRelease(number, room_id), Done)

    async def _plan(self, link: ServerLink, epoch: int, sealed: bytes) -> PlannedJoin:
        room_id = self.state.record.room_id
        try:
            return plan_join(self.state, epoch, sealed)
        except SealBroken:
            await self._release(link)
            await link.request(lambda number: GroupInfoDamaged(number, room_id, epoch), Done)
            raise
        except BaseException:
            await self._release(link)
            raise

    async def _send(self, link: ServerLink, join: PlannedJoin) -> bool:
        """Send the external commit; False when another commit won the epoch."""
        try:
            reply = await link.request(join.request, CommitReply)
        except RequestRefused as refusal:
            self._sent = None
            if refusal.error_code in (ErrorCode.STALE_EPOCH, ErrorCode.TURN_TAKEN):
                return False
            raise
        self._sent = None
        await self._take_over(link, join, LogChain(reply.seq, reply.head_hash))
        return True

    async def _take_over(self, link: ServerLink, join: PlannedJoin, chain: LogChain) -> None:
        state, changes = self.state, self.state.begin()
        if state.record.membership is Membership.OUT_OF_STEP:
            await self._account_for_missed(link, chain, changes)
        take_over(state, join.group, chain, changes)
        await self._store(changes)

    async def _account_for_missed(self, link: ServerLink, chain: LogChain, changes: Changes) -> None:
        """Run our chain over the entries we skip, as far as there are any, and report what they were."""
        state, room_id = self.state, self.state.record.room_id
        ours, messages, complete = state.chain, 0, True
        while complete and ours.seq < chain.seq:
            fetch = partial(Fetch, room_id=room_id, after=ours.seq, limit=_FETCH_LIMIT)
            reply = await link.request(fetch, FetchReply)
            entries = [e for e in reply.entries if ours.seq < e.seq <= chain.seq]
            complete = bool(entries) and entries[0].seq == ours.seq + 1
            for entry in entries if complete else ():
                ours = ours.advance(entry.kind, entry.payload)
                messages += entry.kind is EntryKind.MESSAGE
        at, reason = datetime.now(UTC), state.record.trouble
        changes.items.append((RoomRejoined(seq=chain.seq, at=at, reason=reason), None))
        changes.alarms.append(explanations.rejoined(reason))
        if messages or not complete:
            lost = "They were sent while this device was out of step."
            changes.items.append(
                (Gap(seq=chain.seq, at=at, count=messages if complete else 0, reason=lost), None)
            )
        if complete and ours != chain:
            reason = "The log the server gives does not fit the one this device had read."
            fork = ForkAlarm(seq=chain.seq, at=at, sender="", forked_seq=state.record.seq, reason=reason)
            changes.items.append((fork, None))
            changes.alarms.append(explanations.fork(reason))

    async def _found(self, link: ServerLink, now: int) -> bool:
        """Found the room; False when somebody else was first."""
        state = self.state
        founding = found(state, now)
        try:
            await link.request(founding.request, Done)
        except RequestRefused as refusal:
            if refusal.error_code is not ErrorCode.ROOM_EXISTS:
                raise
            await asyncio.sleep(random.uniform(*_FOUNDING_PAUSE))  # noqa: S311 - jitter
            return False
        secret, changes = founding.join_secret, state.begin()
        state.update(join_secret=secret.secret, join_secret_epoch=secret.epoch)
        take_over(state, founding.group, LogChain(), changes)
        await self._store(changes)
        return True
