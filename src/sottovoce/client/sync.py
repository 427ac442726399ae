"""Keeping one room in step with its log: one task a room, so that one room's trouble stops no other (B22).

The task is a loop of four steps, each leaving the state stored: read what the log has, carry out an intended
commit, send what the outbox has, wait. All of the room's state is touched by this task alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from sottovoce.client import explanations
from sottovoce.client.committing import PlannedCommit, plan_commit
from sottovoce.client.credentials import AccountKeyChanged
from sottovoce.client.device_store import DeviceStore
from sottovoce.client.entering import TURN_DEADLINE, Entering
from sottovoce.client.errors import (
    LinkLost,
    NotInRoom,
    RateLimited,
    RequestRefused,
    RoomRolledBack,
    SecretOutdated,
    UnknownRoom,
)
from sottovoce.client.events import AnyTimelineItem, ClientEvent, KeyChanged, RoomTrouble
from sottovoce.client.join_secret import JoinSecret
from sottovoce.client.log_reader import LogReader, OutOfStep
from sottovoce.client.outbox import Outbox
from sottovoce.client.room_state import Changes, RoomState, Surroundings
from sottovoce.client.session import Session, backoff
from sottovoce.client.tables import log as log_table
from sottovoce.client.tables import outbox as outbox_table
from sottovoce.client.tables import rooms as rooms_table
from sottovoce.client.tables.database import Database
from sottovoce.client.tables.rooms import AnyIntent, Membership, RoomRecord, SelfUpdate
from sottovoce.client.transport import ServerLink
from sottovoce.errors import SottovoceError
from sottovoce.link.messages import (
    Append,
    AppendReply,
    CommitReply,
    Done,
    Entry,
    ErrorCode,
    Fetch,
    FetchReply,
    Leave,
    Outgoing,
    Subscribe,
    SubscribeReply,
    Turn,
    TurnRelease,
    TurnReply,
)

MAX_PUSHED: Final = 4096
"""Pushed entries held unread; past that they are dropped and fetched."""

_HOPELESS: Final = (UnknownRoom, SecretOutdated, RoomRolledBack)
_PATIENCE: Final = 8
"""Attempts to enter a room before whoever waits for it is told; the task goes on trying."""

_ENTRIES_BETWEEN_YIELDS: Final = 8
_FETCH_LIMIT: Final = 500
_RENEWAL_JITTER: Final = 3.0


class RoomSync:
    """One room, kept in step by :meth:`run`. ``changed`` is notified after each change that was stored."""

    def __init__(
        self,
        record: RoomRecord,
        around: Surroundings,
        store: DeviceStore,
        session: Session,
        emit: Callable[[ClientEvent], None],
        secrets_changed: Callable[[], None],
        *,
        may_found: bool = False,
    ) -> None:
        self.state = RoomState(record, around)
        self.outbox = Outbox(())
        self.changed: Final = asyncio.Condition()
        self.ended: SottovoceError | None = None
        """Why :meth:`run` is over: out of the room, or the client closed."""
        self.revision = 0
        """Grows with each change that was stored."""
        self.entered: Final[asyncio.Future[None]] = observed_future()
        """Done at the first moment this device is a member; fails with what prevents it for good."""
        self._around: Final = around
        self._store: Final = store
        self._session: Final = session
        self._emit: Final = emit
        self._secrets_changed: Final = secrets_changed
        self._may_found: Final = may_found
        self._reader = LogReader(self.state, self.outbox.by_payload)
        self._entering: Entering | None = None
        self._planned: PlannedCommit | None = None  # sent, or to be sent, and not read back yet
        self._intent_results: Final[dict[int, asyncio.Future[None]]] = {}
        self._task: asyncio.Task[None] | None = None
        self._leaving: asyncio.Future[None] | None = None
        self._pushed: Final[deque[Entry]] = deque()
        self._known_head = 0  # the newest seq the server told of
        self._wake: Final = asyncio.Event()
        self._unblocked: Final = asyncio.Event()

    # --- what others may call ------------------------------------------------------------------------------

    @property
    def record(self) -> RoomRecord:
        """The room as it stands."""
        return self.state.record

    @property
    def is_alive(self) -> bool:
        """Whether this device is in the room, or on its way in."""
        return self.ended is None and self.record.membership not in (Membership.REMOVED, Membership.LEFT)

    async def load(self) -> None:
        """Read the room's state from the store, forgetting what memory holds."""
        record = self.state.record

        def work(database: Database) -> tuple[RoomState, list[outbox_table.OutboxRecord]]:
            stored = next((r for r in rooms_table.rooms(database) if r.room_id == record.room_id), record)
            state = RoomState.load(database, stored, self._around)
            return state, outbox_table.waiting(database, record.room_id)

        self.state, waiting = await self._store.transact(work)
        self.outbox.restore(waiting)
        self._reader = LogReader(self.state, self.outbox.by_payload)
        self._planned = None
        self._entering = None
        if self.record.membership is Membership.MEMBER and not self.entered.done():
            self.entered.set_result(None)

    def start(self) -> None:
        """Begin to follow the room."""
        self._task = asyncio.create_task(self.run())

    def push(self, entries: Sequence[Entry]) -> None:
        """Take entries the server pushed."""
        if entries:
            self._known_head = max(self._known_head, entries[-1].seq)
        if len(self._pushed) + len(entries) > MAX_PUSHED:
            self._pushed.clear()
        else:
            self._pushed.extend(entries)
        self._wake.set()

    def catch_up(self, head: int) -> None:
        """The server has entries up to ``head`` that it did not push."""
        self._known_head = max(self._known_head, head)
        self._wake.set()

    async def send(self, content: bytes) -> asyncio.Future[int]:
        """Store a message (MIMI content) for sending; the future gets its seq once the server stored it."""
        room_id, message_id = self.record.room_id, self._around.random(16)
        record = await self._store.transact(
            lambda database: outbox_table.add(database, room_id, message_id, content)
        )
        delivery = self.outbox.add(record)
        self._wake.set()
        return delivery

    async def intend(self, intent: AnyIntent) -> asyncio.Future[None]:
        """Store a commit to make; the future is done when it has been made (or found unneeded)."""
        room_id = self.record.room_id
        stored = await self._store.transact(
            lambda database: rooms_table.add_intent(database, room_id, intent)
        )
        result = observed_future()
        self._intent_results[stored.position] = result
        self.state.intents.append(stored)
        self._wake.set()
        return result

    async def leave(self) -> asyncio.Future[None]:
        """Leave the room for good; the future is done when the server knows."""
        self._leaving = self._leaving or observed_future()
        self._wake.set()
        return self._leaving

    async def wait_ended(self) -> SottovoceError:
        """Wait for the end of :meth:`run`, and return why."""
        async with self.changed:
            await self.changed.wait_for(lambda: self.ended is not None)
        return self.ended or NotInRoom(self.record.name)

    async def renew_group_info(self) -> None:
        """The sealed GroupInfo is damaged: unless another commit comes first, make one."""
        epoch = self.state.group.epoch if self.state.group else -1
        await asyncio.sleep(random.uniform(0, _RENEWAL_JITTER))  # noqa: S311 - jitter
        group = self.state.group
        if group is not None and group.epoch == epoch and not self.state.intents:
            await self.intend(SelfUpdate())

    def use_secret(self, secret: JoinSecret) -> None:
        """Enter with this join secret: a later invite link may have a newer one."""
        if secret.epoch >= self.record.join_secret_epoch:
            self.state.update(join_secret=secret.secret, join_secret_epoch=secret.epoch)
        self._unblocked.set()

    async def stop(self) -> None:
        """The client closes, or another object follows the room from now on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        await self._end(LinkLost("closed by this side"))

    def unblock(self) -> None:
        """A person decided about a changed key: try again what stood still."""
        self._unblocked.set()
        self._wake.set()

    # --- the task ------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Enter the room and follow it until this device is no longer in it."""
        attempt = 0
        while self.is_alive:
            try:
                link = await self._session.online()
            except SottovoceError as trouble:
                await self._end(trouble)
                return
            try:
                await self._follow(link)
                attempt = 0
            except LinkLost:
                await asyncio.wait((link.closed,))
                attempt = 0
            except AccountKeyChanged as trouble:
                await self._stand_still(trouble)
            except OutOfStep as trouble:
                await self._fall_out_of_step(str(trouble))
            except SottovoceError as trouble:
                attempt += 1
                await self._report(trouble, gives_up=isinstance(trouble, _HOPELESS) or attempt > _PATIENCE)
                delay = backoff(attempt, 0.0) + random.uniform(0, 0.5)  # noqa: S311 - jitter
                if isinstance(trouble, (RateLimited, RequestRefused)):
                    delay = max(delay, trouble.retry_after or 0.0)
                await asyncio.sleep(delay)
        await self._end(NotInRoom(self.record.name))

    async def _follow(self, link: ServerLink) -> None:
        if self.record.membership in (Membership.JOINING, Membership.OUT_OF_STEP):
            await self._enter(link)
        reply = await self._subscribe(link)
        if reply is None:
            return
        if reply.head < self.record.seq:
            raise OutOfStep("The server's log of the room is shorter than what this device has read.")
        self._known_head = max(self._known_head, reply.head)
        link.closed.add_done_callback(lambda _: self._wake.set())
        if self._planned is not None:
            await self._read(link)
            await self._resend_commit(link)
        turn: asyncio.Task[TurnReply] | None = None
        try:
            while self.record.membership is Membership.MEMBER:
                self._wake.clear()
                await self._read(link)
                if self.state.intents and self._planned is None and turn is None:
                    turn = self._ask_for_turn(link)
                if self._leaving is not None:
                    await self._leave(link, self._leaving)
                elif turn is not None and turn.done():
                    reply_to_turn, turn = turn.result(), None
                    await self._use_turn(link, reply_to_turn)
                elif self.outbox.has_unacknowledged:
                    await self._send_batch(link)
                elif not self._has_unread:
                    await self._wake.wait()
                if link.closed.done():
                    raise LinkLost(link.closed.result())
        finally:
            if turn is not None and not turn.cancel() and not turn.cancelled():
                turn.exception()  # it ended with the link, which is reported from elsewhere

    async def _subscribe(self, link: ServerLink) -> SubscribeReply | None:
        """Have entries pushed; None when the server says we are out of the room (its word alone)."""
        room_id = self.record.room_id
        try:
            return await link.request(lambda number: Subscribe(number, room_id), SubscribeReply)
        except RequestRefused as refusal:
            if refusal.error_code is not ErrorCode.NOT_A_MEMBER:
                raise
        # What is in the log up to there may still be read: the commit that took us out says so itself.
        with contextlib.suppress(RequestRefused):
            while (entries := await self._fetch(link)) and self.is_alive:
                await self._read_batch(entries)
        if not self.is_alive:
            return None
        changes = self.state.begin()
        changes.forgets_group = True
        changes.alarms.append(explanations.off_the_roster())
        self.state.group = None
        self.state.update(membership=Membership.REMOVED, highest_epoch=self.record.highest_epoch - 1)
        changes.record = self.record
        await self._save(changes)
        return None

    @property
    def _has_unread(self) -> bool:
        return self._known_head > self.record.seq

    # --- reading -------------------------------------------------------------------------------------------

    async def _read(self, link: ServerLink) -> None:
        """Read the log up to the newest seq known, from the pushes and where they have holes by Fetch."""
        while self._has_unread and self.record.membership is Membership.MEMBER:
            while self._pushed and self._pushed[0].seq <= self.record.seq:
                self._pushed.popleft()
            if self._pushed and self._pushed[0].seq == self.record.seq + 1:
                entries = list(self._pushed)
                self._pushed.clear()
            else:
                entries = await self._fetch(link)
                if not entries or entries[0].seq != self.record.seq + 1:
                    raise OutOfStep("The server no longer has the entries this device has not read.")
            await self._read_batch(entries)

    async def _fetch(self, link: ServerLink) -> list[Entry]:
        room_id, after = self.record.room_id, self.record.seq
        reply = await link.request(lambda number: Fetch(number, room_id, after, _FETCH_LIMIT), FetchReply)
        return reply.entries

    async def _read_batch(self, entries: Sequence[Entry]) -> None:
        """Process consecutive entries and store all they did in one transaction."""
        changes, trouble, now = self.state.begin(), None, int(time.time())
        secret_epoch = self.record.join_secret_epoch
        last = self.record.seq
        for count, entry in enumerate(entries, 1):
            if entry.seq <= self.record.seq:
                continue
            if entry.seq != self.record.seq + 1 or self.record.membership is not Membership.MEMBER:
                break
            try:
                self._reader.read(entry, changes, now)
            except (OutOfStep, AccountKeyChanged) as error:
                trouble = error
                break
            if count % _ENTRIES_BETWEEN_YIELDS == 0:
                await asyncio.sleep(0)
        epoch_changed, self._reader.epoch_changed = self._reader.epoch_changed, False
        if self.record.seq != last:
            await self._save(self.state.finish(changes, epoch_changed=epoch_changed))
            self._settle(changes)
        if self.record.join_secret_epoch != secret_epoch:
            self._secrets_changed()
        if trouble is not None:
            raise trouble

    def _settle(self, changes: Changes) -> None:
        for item, _ in changes.items:
            self._known_head = max(self._known_head, item.seq)
        for position in changes.sent:
            self.outbox.read_back(position, self.record.seq)
        for position in changes.intents_done:
            self._finish_intent(position, None)
        if self._reader.pending is None:
            self._planned = None

    async def _save(self, changes: Changes) -> None:
        try:
            replays = await self._store.transact(changes.write)
        except SottovoceError:
            await self.load()
            raise
        self.state.alarms.extend(changes.alarms)
        if replays:
            alarm = explanations.replayed("somebody")
            self.state.alarms.append(alarm)
            room_id, now = self.record.room_id, int(time.time())
            await self._store.transact(lambda db: log_table.add_alarm(db, room_id, alarm, now))
        await self._notify()

    # --- committing ----------------------------------------------------------------------------------------

    def _ask_for_turn(self, link: ServerLink) -> asyncio.Task[TurnReply]:
        room_id = self.record.room_id
        task = asyncio.create_task(
            link.request(
                lambda number: Turn(number, room_id, want_group_info=False), TurnReply, deadline=TURN_DEADLINE
            )
        )
        task.add_done_callback(lambda _: self._wake.set())
        return task

    async def _use_turn(self, link: ServerLink, turn: TurnReply) -> None:
        self._known_head = max(self._known_head, turn.head)
        await self._read(link)
        if not await self._commit(link):
            room_id = self.record.room_id
            await link.request(lambda number: TurnRelease(number, room_id), Done)

    async def _commit(self, link: ServerLink) -> bool:
        """Plan the oldest intent in the present epoch and send its commit; False when none was sent."""
        while self.state.intents and self.record.membership is Membership.MEMBER:
            intent = self.state.intents[0]
            failure: SottovoceError | None = None
            try:
                planned = plan_commit(self.state, intent, int(time.time()))
            except SottovoceError as trouble:
                planned, failure = None, trouble
            changes = self.state.finish(self.state.begin(), epoch_changed=False)
            if planned is not None:
                await self._save(changes)
                self._planned, self._reader.pending = planned, planned.pending
                await self._resend_commit(link)
                return True
            changes.intents_done.append(intent.position)
            self.state.intents.remove(intent)
            await self._save(changes)
            self._finish_intent(intent.position, failure)
        return False

    async def _resend_commit(self, link: ServerLink) -> None:
        """Send the planned commit; the same again is stored once. It is merged when the log shows it."""
        planned = self._planned
        if planned is None:
            return
        try:
            reply = await link.request(planned.request, CommitReply)
        except RequestRefused as refusal:
            self._planned = self._reader.pending = None
            if refusal.error_code not in (ErrorCode.STALE_EPOCH, ErrorCode.TURN_TAKEN):
                raise
            return
        self._known_head = max(self._known_head, reply.seq)

    def _finish_intent(self, position: int, failure: SottovoceError | None) -> None:
        result = self._intent_results.pop(position, None)
        if result is None or result.done():
            return
        if failure is None:
            result.set_result(None)
        else:
            result.set_exception(failure)

    async def _leave(self, link: ServerLink, done: asyncio.Future[None]) -> None:
        """Propose our own removal to the members, go off the server's roster, forget the keys."""
        room_id, group = self.record.room_id, self.state.group
        if group is not None:
            proposal = group.propose_remove(group.own_leaf_index, random=self._around.random)
            group.merge(proposal)
            await self._save(self.state.finish(self.state.begin(), epoch_changed=True))
            outgoing = Outgoing(self._around.random(16), group.epoch, proposal.message)
            with contextlib.suppress(RequestRefused):  # stale: the members see a leaf that is silent
                await link.request(lambda number: Append(number, room_id, [outgoing]), AppendReply)
        await link.request(lambda number: Leave(number, room_id), Done)
        changes = self.state.begin()
        changes.forgets_group = True
        self.state.group = None
        # Nothing of this epoch is kept to compare with, so joining at this very epoch again is no rollback.
        self.state.update(membership=Membership.LEFT, highest_epoch=self.record.highest_epoch - 1)
        changes.record = self.record
        await self._save(changes)
        done.set_result(None)

    # --- sending -------------------------------------------------------------------------------------------

    async def _send_batch(self, link: ServerLink) -> None:
        """Encrypt, store, send and have acknowledged the oldest messages of the outbox."""
        group = self.state.group
        if group is None:
            raise OutOfStep("This device holds no keys of the room.")
        batch = self.outbox.next_batch()
        encrypted = self.outbox.encrypt(batch, self.state, group)
        if encrypted:
            changes = self.state.finish(self.state.begin(), epoch_changed=False)

            def work(database: Database) -> None:
                changes.write(database)
                outbox_table.put_encrypted(database, encrypted)

            try:
                await self._store.transact(work)
            except SottovoceError:
                await self.load()
                raise
        room_id, messages = self.record.room_id, self.outbox.requests(batch)
        try:
            reply = await link.request(lambda number: Append(number, room_id, messages), AppendReply)
        except RequestRefused as refusal:
            if refusal.error_code is not ErrorCode.STALE_EPOCH:
                raise
            self.outbox.discard_ciphertexts(batch)
            reread = await self._subscribe(link)
            self._known_head = max(self._known_head, reread.head if reread else 0)
            return
        self._known_head = max(self._known_head, *reply.seqs)
        batch = self.outbox.acknowledge(batch, reply.seqs)
        await self._show_passed(batch, reply.seqs)

    async def _show_passed(self, batch: Sequence[outbox_table.OutboxRecord], seqs: Sequence[int]) -> None:
        """Messages whose entries lie before what we read (we joined again in between) are shown now."""
        passed = [
            (record, seq)
            for record, seq in zip(batch, seqs, strict=True)
            if seq <= self.record.seq and record.payload_hash in self.outbox.by_payload
        ]
        if not passed:
            return
        changes = self.state.begin()
        for record, seq in passed:
            self.outbox.by_payload.pop(record.payload_hash or b"", None)
            self._reader.show_own(record, seq, datetime.now(UTC), changes)
        await self._save(changes)

    # --- entering, and what goes wrong ---------------------------------------------------------------------

    async def _enter(self, link: ServerLink) -> None:
        if self._entering is None:
            self._entering = Entering(self.state, self._save, may_found=self._may_found)
        founded = await self._entering.enter(link, int(time.time()))
        self._entering = None
        self._reader = LogReader(self.state, self.outbox.by_payload)
        self._known_head = max(self._known_head, self.record.seq)
        self.outbox.discard_all_ciphertexts()
        self._secrets_changed()
        if founded:
            await self.intend(SelfUpdate())
            await self._commit(link)
        if not self.entered.done():
            self.entered.set_result(None)

    async def _fall_out_of_step(self, reason: str) -> None:
        if self.record.membership is Membership.MEMBER:
            self.state.update(membership=Membership.OUT_OF_STEP, trouble=reason)
            self._planned = self._reader.pending = None
            self._pushed.clear()
            await self._save(self.state.begin())
            self._emit(RoomTrouble(self.record.name, reason))

    async def _stand_still(self, trouble: AccountKeyChanged) -> None:
        """Report the changed key once, and wait until a person has decided."""
        contacts = self._around.contacts
        known = contacts.by_name.get(trouble.user.lower())
        self._unblocked.clear()
        if known is not None and known.changed_key != trouble.account_key:
            changed = msgspec.structs.replace(known, changed_key=trouble.account_key)
            contacts.by_name[changed.account_name] = changed
            item: AnyTimelineItem = KeyChanged(
                seq=self.record.seq + 1, at=datetime.now(UTC), user=known.user, was_verified=known.verified
            )
            changes = self.state.begin()
            changes.contacts.append(changed)
            changes.items.append((item, None))
            changes.alarms.append(explanations.key_changed(known.user, was_verified=known.verified))
            await self._save(changes)
        self._emit(RoomTrouble(self.record.name, str(trouble)))
        if not self.entered.done():
            self.entered.set_exception(trouble)
        await self._unblocked.wait()

    async def _report(self, trouble: SottovoceError, *, gives_up: bool) -> None:
        self._emit(RoomTrouble(self.record.name, str(trouble)))
        if gives_up and not self.entered.done():
            self.entered.set_exception(trouble)
        await self._notify()

    async def _end(self, trouble: SottovoceError) -> None:
        if self.ended is not None:
            return
        self.ended = trouble
        for position in list(self._intent_results):
            self._finish_intent(position, trouble)
        if not self.entered.done():
            self.entered.set_exception(trouble)
        await self._notify()

    async def _notify(self) -> None:
        self.revision += 1
        async with self.changed:
            self.changed.notify_all()


def observed_future() -> asyncio.Future[None]:
    """A future whose failure nobody needs to fetch."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future
