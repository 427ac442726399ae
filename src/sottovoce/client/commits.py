"""Making commits over the link: a turn, a plan for the present epoch, the request, and the wait for the log.

An intent stays in the store until the log shows its commit. A commit that lost its epoch is dropped and
planned again; one whose answer was lost is sent again as it is, and stored once.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from sottovoce.client.committing import plan_commit
from sottovoce.client.entering import TURN_DEADLINE
from sottovoce.client.errors import RequestRefused
from sottovoce.client.kept_room import KeptRoom, observed_future
from sottovoce.client.log_following import LogFollower
from sottovoce.client.log_reader import OutOfStep, PendingCommit
from sottovoce.client.superseding import Superseding
from sottovoce.client.tables import rooms as rooms_table
from sottovoce.client.tables.rooms import AnyIntent, SelfUpdate, StoredIntent
from sottovoce.client.transport import ServerLink
from sottovoce.errors import SottovoceError
from sottovoce.link.messages import CommitReply, Done, Turn, TurnRelease, TurnReply
from sottovoce.link.parts import ErrorCode


class Commits:
    """Carries out the intents of one room, oldest first."""

    def __init__(self, kept: KeptRoom, follower: LogFollower) -> None:
        self._kept: Final = kept
        self._follower: Final = follower
        self._results: Final[dict[int, asyncio.Future[None]]] = {}
        self._turn: asyncio.Task[TurnReply] | None = None
        self.superseding: Final = Superseding(kept)

    async def intend(self, intent: AnyIntent) -> asyncio.Future[None]:
        """Store a commit to make; the future is done when it has been made (or found unneeded)."""
        kept, room_id = self._kept, self._kept.record.room_id
        stored = await kept.store.transact(lambda database: rooms_table.add_intent(database, room_id, intent))
        result = self._results[stored.position] = observed_future()
        kept.state.intents.append(stored)
        kept.wake.set()
        return result

    async def go_on(self, link: ServerLink) -> bool:
        """Do the next step if there is one to do now; False when there is only to wait, or nothing."""
        while self._follower.intents_done:
            self._finish(self._follower.intents_done.pop(), None)
        if self._turn is not None and self._turn.done():
            turn, self._turn = self._turn.result(), None
            await self._use_turn(link, turn)
            return True
        if self._has_work and self._follower.reader.pending is None and self._turn is None:
            self._ask_for_turn(link)
        return False

    @property
    def _has_work(self) -> bool:
        if self._kept.record.passed_over is not None:
            return self.superseding.is_due
        return bool(self._kept.state.intents) or self.come_first

    @property
    def come_first(self) -> bool:
        """Whether messages wait for a commit of what others have proposed (RFC 9420 §12.4)."""
        group = self._kept.state.group
        return group is not None and group.must_commit_first and self._kept.outbox.has_unacknowledged

    async def commit(self, link: ServerLink) -> bool:
        """Plan the oldest intent in the present epoch and send its commit; False when none was sent."""
        kept = self._kept
        if kept.record.passed_over is not None:
            return self.superseding.is_due and await self._supersede(link)
        while kept.state.intents and kept.state.group is not None:
            intent = kept.state.intents[0]
            failure: SottovoceError | None = None
            try:
                planned = plan_commit(kept.state, intent, int(time.time()))
            except SottovoceError as trouble:
                planned, failure = None, trouble
            changes = kept.state.finish(kept.state.begin())
            if planned is not None:
                kept.state.add_in_flight(changes, planned.staged, planned.payload_hash, planned.intents)
                await kept.save(changes)
                self._follower.reader.pending = planned
                await self.send_pending(link)
                return True
            changes.intents_done.append(intent.position)
            kept.state.intents.remove(intent)
            await kept.save(changes)
            self._finish(intent.position, failure)
        if not self.come_first:
            return False
        planned = await self._plan_update()
        if planned is None:
            return False
        self._follower.reader.pending = planned
        await self.send_pending(link)
        return True

    async def _plan_update(self) -> PendingCommit | None:
        """Plan a commit of ours that nobody asked for, and store what it takes; None when there is none."""
        kept = self._kept
        planned = plan_commit(kept.state, StoredIntent(0, SelfUpdate()), int(time.time()))
        changes = kept.state.finish(kept.state.begin())
        if planned is not None:
            kept.state.add_in_flight(changes, planned.staged, planned.payload_hash, planned.intents)
        await kept.save(changes)
        return planned

    async def _supersede(self, link: ServerLink) -> bool:
        """Put a commit of ours in the place of the one that was passed over; False when it is not the time.

        Raises :class:`OutOfStep` when the others took that one, as far as can be seen or the server says.
        """
        reader = self._follower.reader
        await self.superseding.check(link)
        planned = await self._plan_update()
        if planned is None:
            return False
        try:
            reply = await link.request(planned.request, CommitReply)
        except RequestRefused as refusal:
            if refusal.error_code is ErrorCode.TURN_TAKEN:
                return False
            if refusal.error_code in (ErrorCode.NOT_ALLOWED, ErrorCode.STALE_EPOCH):
                raise OutOfStep("A change of the room cannot be followed here, and others have.") from refusal
            raise
        reader.pending = planned
        self._follower.expect(reply.seq)
        return True

    async def send_pending(self, link: ServerLink) -> None:
        """Send the planned commit, if there is one; the same again is stored once."""
        reader = self._follower.reader
        if reader.pending is None:
            return
        try:
            reply = await link.request(reader.pending.request, CommitReply)
        except RequestRefused as refusal:
            reader.pending = None
            if refusal.error_code not in (ErrorCode.STALE_EPOCH, ErrorCode.TURN_TAKEN):
                raise
            return
        self._follower.expect(reply.seq)

    def drop_turn(self) -> None:
        """The link the turn was asked on is gone."""
        turn, self._turn = self._turn, None
        if turn is not None and not turn.cancel() and not turn.cancelled():
            turn.exception()  # it ended with the link, which is reported from elsewhere

    def fail_all(self, trouble: SottovoceError) -> None:
        """Nothing will be carried out any more here; the store keeps the intents."""
        for position in list(self._results):
            self._finish(position, trouble)

    def _ask_for_turn(self, link: ServerLink) -> None:
        room_id = self._kept.record.room_id
        self._turn = asyncio.create_task(
            link.request(
                lambda number: Turn(number, room_id, want_group_info=False), TurnReply, deadline=TURN_DEADLINE
            )
        )
        self._turn.add_done_callback(lambda _: self._kept.wake.set())

    async def _use_turn(self, link: ServerLink, turn: TurnReply) -> None:
        self._follower.expect(turn.head)
        await self._follower.read(link)
        is_sent = False
        try:
            is_sent = await self.commit(link)
        finally:
            if not is_sent and not link.closed.done():
                room_id = self._kept.record.room_id
                await link.request(lambda number: TurnRelease(number, room_id), Done)

    def _finish(self, position: int, failure: SottovoceError | None) -> None:
        result = self._results.pop(position, None)
        if result is None or result.done():
            return
        if failure is None:
            result.set_result(None)
        else:
            result.set_exception(failure)
