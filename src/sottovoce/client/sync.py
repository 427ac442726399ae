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
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec

from sottovoce.client import explanations
from sottovoce.client.commits import Commits
from sottovoce.client.credentials import AccountKeyChanged
from sottovoce.client.entering import Entering
from sottovoce.client.errors import (
    LinkLost,
    NotInRoom,
    RateLimited,
    RequestRefused,
    RoomRolledBack,
    SecretOutdated,
    UnknownRoom,
    failed_task,
)
from sottovoce.client.events import ClientEvent, Explanation, KeyChanged, RoomTrouble
from sottovoce.client.join_secret import JoinSecret
from sottovoce.client.kept_room import KeptRoom, observed_future
from sottovoce.client.log_following import LogFollower
from sottovoce.client.log_reader import OutOfStep
from sottovoce.client.message_ids import new_message_id
from sottovoce.client.sending import Sending
from sottovoce.client.session import Session, backoff
from sottovoce.client.tables.rooms import Membership, RoomRecord, SelfUpdate
from sottovoce.client.transport import ServerLink
from sottovoce.errors import SottovoceError
from sottovoce.link.messages import Append, AppendReply, Done, Leave
from sottovoce.link.parts import ErrorCode, Outgoing

_HOPELESS: Final = (UnknownRoom, SecretOutdated, RoomRolledBack)
_PATIENCE: Final = 8
"""Attempts to enter a room before whoever waits for it is told; the task goes on trying."""

_RENEWAL_JITTER: Final = 3.0
_REJOINS: Final = 3
_REJOINS_WITHIN: Final = 60.0
"""Times that a room is joined again within so many seconds; the next one waits."""


class RoomSync:
    """One room, kept in step by a task of its own from :meth:`start` to :meth:`stop`."""

    def __init__(
        self, kept: KeptRoom, session: Session, emit: Callable[[ClientEvent], None], *, may_found: bool
    ) -> None:
        self.kept: Final = kept
        self.follower: Final = LogFollower(kept)
        self.commits: Final = Commits(kept, self.follower)
        self.sending: Final = Sending(kept, self.follower)
        self.ended: SottovoceError | None = None
        """Why the task is over: out of the room, or the client closed."""
        self.stopped_by: str | None = None
        """The user whose changed key keeps the room from going on."""
        self.entered: Final[asyncio.Future[None]] = observed_future()
        """Done at the first moment this device is a member; fails with what prevents it for good."""
        self._session: Final = session
        self._emit: Final = emit
        self._may_found: Final = may_found
        self._entering: Entering | None = None
        self._task: asyncio.Task[None] | None = None
        self._leaving: asyncio.Future[None] | None = None
        self._is_renewing = False
        self._renewal: asyncio.Task[None] | None = None
        self._rejoined_at: Final[deque[float]] = deque(maxlen=_REJOINS)
        self._unblocked: Final = asyncio.Event()
        if self.record.membership is Membership.MEMBER:
            self.entered.set_result(None)

    @property
    def record(self) -> RoomRecord:
        """The room as it stands."""
        return self.kept.state.record

    @property
    def is_alive(self) -> bool:
        """Whether this device is in the room, or on its way in."""
        return self.ended is None and not self.record.membership.is_out

    def start(self) -> None:
        """Begin to follow the room."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """The client closes, or another object follows the room from now on."""
        tasks = [task for task in (self._task, self._renewal) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._end(LinkLost("closed by this side"))

    async def settled(self) -> None:
        """Wait until no commit of ours is on its way: so this process ends in the newest epoch."""
        async with self.kept.changed:
            await self.kept.changed.wait_for(
                lambda: self.follower.reader.pending is None or self.ended is not None
            )

    async def wait_ended(self) -> SottovoceError:
        """Wait until the room is followed no longer, and return why."""
        async with self.kept.changed:
            await self.kept.changed.wait_for(lambda: self.ended is not None)
        return self.ended or NotInRoom(self.record.name)

    async def wait_for_change(self, revision: int) -> None:
        """Wait until something was stored after ``revision``, or the room is followed no longer."""
        async with self.kept.changed:
            await self.kept.changed.wait_for(lambda: self.kept.revision != revision or self.ended is not None)

    async def leave(self) -> asyncio.Future[None]:
        """Leave the room for good; the future is done when the server knows."""
        self._leaving = self._leaving or observed_future()
        self.kept.wake.set()
        return self._leaving

    async def renew_group_info(self) -> None:
        """The sealed GroupInfo is damaged: unless another commit comes first, make one."""
        if self._is_renewing:
            return
        self._is_renewing = True
        try:
            epoch = self.kept.state.group.epoch if self.kept.state.group else -1
            await asyncio.sleep(random.uniform(0, _RENEWAL_JITTER))  # noqa: S311 - jitter
            group = self.kept.state.group
            is_followed = group is not None and group.epoch == epoch and self.record.passed_over is None
            if is_followed and not self.kept.state.intents:
                await self.commits.intend(SelfUpdate())
        finally:
            self._is_renewing = False

    def use_secret(self, secret: JoinSecret) -> None:
        """Enter with this join secret: a later invite link may have a newer one."""
        if secret.epoch >= self.record.join_secret_epoch:
            self.kept.state.update(join_secret=secret.secret, join_secret_epoch=secret.epoch)
        self.unblock()

    def unblock(self) -> None:
        """A person decided about a changed key: try again what stood still."""
        self._unblocked.set()
        self.kept.wake.set()

    # --- the task ------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            await self._keep_in_step()
        except SottovoceError as trouble:
            await self._end(trouble)
        except Exception as bug:  # noqa: BLE001 - whoever waits for this task is told
            await self._end(failed_task("a room", bug))

    async def _keep_in_step(self) -> None:
        """Enter the room and follow it until this device is out of it; raises why it is followed no more."""
        attempt = 0
        while self.is_alive:
            link = await self._session.online()
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
                await self._wait_after(trouble, attempt)
        raise NotInRoom(self.record.name)

    async def _follow(self, link: ServerLink) -> None:
        if self._leaving is not None:  # also a room that this device never got into, or cannot get back into
            await self._leave(link, self._leaving)
            return
        if self.record.membership in (Membership.JOINING, Membership.OUT_OF_STEP):
            await self._enter(link)
        if not await self.follower.subscribe(link):
            return
        link.closed.add_done_callback(lambda _: self.kept.wake.set())
        await self.follower.read(link)
        await self.commits.send_pending(link)
        try:
            while self.record.membership is Membership.MEMBER:
                self.kept.wake.clear()
                await self.follower.read(link)
                await self._do_next(link)
                if link.closed.done():
                    raise LinkLost(link.closed.result())
        finally:
            self.commits.drop_turn()

    async def _do_next(self, link: ServerLink) -> None:
        if self.follower.reader.was_superseded:
            # The room is in two parts of one epoch: whoever cannot follow the next commit joins again by it.
            self.follower.reader.was_superseded = False
            self._renewal = asyncio.create_task(self.renew_group_info())
        if self._leaving is not None:
            await self._leave(link, self._leaving)
        elif await self.commits.go_on(link):
            pass
        elif self.record.passed_over is not None:
            if not self.follower.has_unread:
                await self.commits.superseding.wait(link)
        elif self.kept.outbox.has_unacknowledged and not self.commits.come_first:
            await self.sending.send_batch(link)
        elif not self.follower.has_unread:
            await self.kept.wake.wait()

    async def _enter(self, link: ServerLink) -> None:
        kept = self.kept
        if self._entering is None or self._entering.state is not kept.state:
            self._entering = Entering(kept.state, kept.save, may_found=self._may_found)
        founded = await self._entering.enter(link, int(time.time()))
        self._entering = None
        self.follower.begin_anew()
        kept.outbox.discard_all_ciphertexts()
        kept.secrets_changed()
        if founded:
            await self.commits.intend(SelfUpdate())
            await self.commits.commit(link)
        if not self.entered.done():
            self.entered.set_result(None)

    async def _leave(self, link: ServerLink, done: asyncio.Future[None]) -> None:
        """Propose our own removal to the members, go off the server's roster, forget the keys."""
        kept, room_id, group = self.kept, self.record.room_id, self.kept.state.group
        if group is not None:
            proposal = group.propose_remove(group.own_leaf_index, random=kept.around.random)
            group.merge(proposal)
            await kept.save(kept.state.finish(kept.state.begin()))
            outgoing = Outgoing(new_message_id(kept.around.random), group.epoch, proposal.message)
            with contextlib.suppress(RequestRefused):  # stale: the members see a leaf that is silent
                await link.request(lambda number: Append(number, room_id, [outgoing]), AppendReply)
        try:
            await link.request(lambda number: Leave(number, room_id), Done)
        except RequestRefused as refusal:
            if refusal.error_code not in (ErrorCode.NOT_A_MEMBER, ErrorCode.UNKNOWN_ROOM):
                raise
        changes = kept.state.begin()
        changes.forgets_group = changes.forgets_plans = True
        kept.state.group = None
        # Nothing of this epoch is kept to compare with, so joining at this very epoch again is no rollback.
        kept.state.update(membership=Membership.LEFT, highest_epoch=self.record.highest_epoch - 1)
        changes.record = self.record
        await kept.save(changes)
        done.set_result(None)

    # --- what goes wrong -----------------------------------------------------------------------------------

    async def _fall_out_of_step(self, reason: str) -> None:
        kept = self.kept
        if self.record.membership is Membership.MEMBER:
            kept.state.update(membership=Membership.OUT_OF_STEP, trouble=reason)
            self.follower.begin_anew()
            await kept.save(kept.state.begin())
            self._emit(RoomTrouble(self.record.name, reason))
        # Each time costs all members a commit: whatever makes it happen again and again is to be slow.
        now, rejoined_at = asyncio.get_running_loop().time(), self._rejoined_at
        if len(rejoined_at) == _REJOINS and now - rejoined_at[0] < _REJOINS_WITHIN:
            await asyncio.sleep(_REJOINS_WITHIN - (now - rejoined_at[0]))
        rejoined_at.append(asyncio.get_running_loop().time())

    async def _stand_still(self, trouble: AccountKeyChanged) -> None:
        """Report the changed key once, and wait until a person has decided."""
        kept, contacts = self.kept, self.kept.around.contacts
        known = contacts.by_name.get(trouble.user.lower())
        self._unblocked.clear()
        self.stopped_by = trouble.user
        if known is None:
            is_own_name = trouble.user.lower() == contacts.own_name
            await self._explain(explanations.two_keys(trouble.user, is_own_name=is_own_name))
        elif known.changed_key != trouble.account_key:
            changed = msgspec.structs.replace(known, changed_key=trouble.account_key)
            contacts.by_name[changed.account_name] = changed
            item = KeyChanged(
                seq=self.record.seq + 1, at=datetime.now(UTC), user=known.user, was_verified=known.verified
            )
            changes = kept.state.begin()
            changes.contacts.append(changed)
            changes.items.append((item, None))
            changes.alarms.append(explanations.key_changed(known.user, was_verified=known.verified))
            try:
                await kept.save(changes)
            except SottovoceError:
                contacts.by_name[known.account_name] = known  # its key stays the pinned one
                raise
        kept.announce()
        self._emit(RoomTrouble(self.record.name, str(trouble)))
        if not self.entered.done():
            self.entered.set_exception(trouble)
        await self._unblocked.wait()
        self.stopped_by = None
        kept.announce()

    async def _explain(self, explanation: Explanation) -> None:
        """Add to what `/why` shows, unless that is the newest there already."""
        alarms = self.kept.state.alarms
        if not alarms or alarms[-1] != explanation:
            changes = self.kept.state.begin()
            changes.alarms.append(explanation)
            await self.kept.save(changes)

    async def _wait_after(self, trouble: SottovoceError, attempt: int) -> None:
        self._emit(RoomTrouble(self.record.name, str(trouble)))
        if (isinstance(trouble, _HOPELESS) or attempt > _PATIENCE) and not self.entered.done():
            self.entered.set_exception(trouble)
        delay = backoff(attempt, 0.0) + random.uniform(0, 0.5)  # noqa: S311 - jitter
        if isinstance(trouble, (RateLimited, RequestRefused)):
            delay = max(delay, trouble.retry_after or 0.0)
        await asyncio.sleep(delay)

    async def _end(self, trouble: SottovoceError) -> None:
        if self.ended is not None:
            return
        self.ended = trouble
        self.commits.fail_all(trouble)
        self.kept.outbox.fail_all(trouble)
        if not self.entered.done():
            self.entered.set_exception(trouble)
        if self.record.membership.is_out:
            self.kept.secrets_changed()  # a new device has no business there, and the vault has room again
        await self.kept.notify()
