"""A room as the user of the SDK sees it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from sottovoce.client.content import MimiContent
from sottovoce.client.credentials import certificates
from sottovoce.client.errors import (
    CannotBeAdded,
    ClientClosed,
    LinkLost,
    NotInRoom,
    RequestRefused,
    UnknownUser,
)
from sottovoce.client.errors import KeyChanged as KeyChangedError
from sottovoce.client.events import (
    AnyTimelineItem,
    Explanation,
    PendingMessage,
    ReceivedMessage,
    RoomMember,
    StoredItem,
)
from sottovoce.client.explanations import sending_blocked
from sottovoce.client.joined_rooms import keep_contact
from sottovoce.client.outbox import Delivery
from sottovoce.client.tables import log as log_table
from sottovoce.client.tables import read_marks as marks_table
from sottovoce.client.tables.account import ContactRecord
from sottovoce.client.tables.rooms import AddUser, Membership, RemoveUser
from sottovoce.client.trust import safety_number
from sottovoce.client.x_ray import examine
from sottovoce.crypto.suites import cipher_suite
from sottovoce.link.messages import KeyPackagesClaim, KeyPackagesClaimReply
from sottovoce.link.parts import ErrorCode, is_user_name

if TYPE_CHECKING:
    from sottovoce.client.device_store import DeviceStore
    from sottovoce.client.message_life import MessageLife
    from sottovoce.client.room_state import Surroundings
    from sottovoce.client.session import Session
    from sottovoce.client.sync import RoomSync

MAX_UNREAD: Final = 1000
"""Unread messages are counted up to here: the count stays quick, and more is no number anybody reads."""

_PAGE: Final = 200
_END: Final = 2**63 - 1  # a position after every item


class Room:
    """One room; get it from :meth:`sottovoce.client.client.Client.join`."""

    def __init__(self, sync: RoomSync, around: Surroundings, store: DeviceStore, session: Session) -> None:
        self._sync: Final = sync
        self._around: Final = around
        self._store: Final = store
        self._session: Final = session
        self._compared: Final[dict[str, bytes]] = {}  # the keys whose numbers were given out, by account name

    def __repr__(self) -> str:
        return f"Room({self.room_id.hex()}, {self._sync.record.membership}, epoch={self.epoch})"

    @property
    def name(self) -> str:
        """The room's name, as its members agreed on it."""
        return self._sync.record.name

    @property
    def room_id(self) -> bytes:
        """16 bytes."""
        return self._sync.record.room_id

    @property
    def access(self) -> str:
        """``open``, ``invite`` or ``key``: how one gets in."""
        return self._sync.record.access

    @property
    def epoch(self) -> int | None:
        """The MLS epoch; None while this device is not in the group."""
        group = self._sync.kept.state.group
        return None if group is None else group.epoch

    @property
    def epoch_authenticator(self) -> bytes | None:
        """The same for all members of one and the same epoch (RFC 9420 §8.7)."""
        group = self._sync.kept.state.group
        return None if group is None else group.epoch_authenticator

    @property
    def suite_name(self) -> str:
        """The MLS cipher suite; empty before this device was in the group."""
        suite_id = self._sync.record.suite_id
        return cipher_suite(suite_id).name if suite_id else ""

    @property
    def seq(self) -> int:
        """The newest log entry this device has processed; ``messages(after=room.seq)`` begins now."""
        return self._sync.record.seq

    @property
    def is_member(self) -> bool:
        """Whether this device is in the room."""
        return self._sync.record.membership in (Membership.MEMBER, Membership.OUT_OF_STEP)

    def members(self) -> list[RoomMember]:
        """Who is in the room, by name; from the group's ratchet tree alone, never from the server."""
        group = self._sync.kept.state.group
        if group is None:
            return []
        leaves = certificates(group.members())
        devices = Counter(leaf.account_name for leaf in leaves)
        accounts = {leaf.account_name: leaf for leaf in leaves}
        return [
            RoomMember(leaf.user, devices[name], self._around.contacts.is_verified(name), leaf.account_key)
            for name, leaf in sorted(accounts.items())
        ]

    async def send(self, text: str) -> Delivery:
        """Store a text for sending and return at once; offline too.

        Raises :class:`~sottovoce.client.errors.TextTooLong` above 32 KiB of UTF-8,
        :class:`~sottovoce.client.errors.KeyChanged` while the key of a verified contact in this room is
        another than the verified one, and :class:`~sottovoce.client.errors.NotInRoom`.
        """
        self._require_membership()
        changed = self._changed_verified_contact()
        if changed is not None:
            raise KeyChangedError(changed)
        content = MimiContent.of_text(text, salt=self._around.random(16)).encode()
        return Delivery(await self._sync.sending.add(content))

    async def flush(self) -> None:
        """Wait until the server has stored everything sent."""
        await self._until(self._sync.kept.outbox.acknowledged())

    async def messages(self, after: int | None = None) -> AsyncIterator[ReceivedMessage]:
        """Messages after log entry ``after`` (None: all there are here) in log order, then each new one."""
        async for item in self.timeline(after):
            if isinstance(item, ReceivedMessage):
                yield item

    async def timeline(self, after: int | None = None) -> AsyncIterator[AnyTimelineItem]:
        """As :meth:`messages`, with everything else that happened.

        Ends when the client closes or this device is out of the room; raises what ended the session for good,
        such as :class:`~sottovoce.client.errors.CertificateChanged`.
        """
        sync = self._sync
        try:
            position = 0 if after is None else await self._position_after(after)
            while True:
                seen, ended = sync.kept.revision, sync.ended
                page = await self.history_after(position)
                for stored in page:
                    position = stored.position
                    yield stored.item
                if not page:
                    if isinstance(ended, (NotInRoom, LinkLost)):
                        return
                    if ended is not None:
                        raise ended
                    await sync.wait_for_change(seen)
        except ClientClosed:
            return

    async def history(self, before: int | None = None, limit: int = _PAGE) -> list[StoredItem]:
        """The newest ``limit`` timeline items before position ``before`` (None: the end), oldest first.

        Fewer than ``limit``: the timeline begins there. Offline too.
        """
        position = _END if before is None else before
        return await self._store.transact(
            partial(log_table.timeline_before, room_id=self.room_id, position=position, limit=limit)
        )

    async def history_after(self, position: int, limit: int = _PAGE) -> list[StoredItem]:
        """The first ``limit`` items of the timeline after ``position``, oldest first.

        Fewer than ``limit``: the timeline ends there for now. Offline too.
        """
        return await self._store.transact(
            partial(log_table.timeline, room_id=self.room_id, position=position, limit=limit)
        )

    async def pending(self) -> list[PendingMessage]:
        """What this device wrote and has not yet read back from the log, oldest first; offline too.

        Ask for this before :meth:`history`: a message that enters the timeline in between is then in both,
        under one ``message_id``, and never in neither.
        """
        return await self._sync.kept.pending.read()

    async def read_position(self) -> int:
        """The timeline position up to which this room was read here; 0 before anything was."""
        room_id = self.room_id
        return await self._store.transact(lambda database: marks_table.read_mark(database, room_id))

    async def mark_read(self, position: int) -> None:
        """Remember that all up to timeline ``position`` was read; never goes back, nor past the end."""
        room_id = self.room_id
        if await self._store.transact(
            lambda database: marks_table.move_read_mark(database, room_id, position)
        ):
            self._sync.kept.announce()

    async def unread(self) -> int:
        """How many messages of others came after the read position; :data:`MAX_UNREAD`: so many or more."""
        room_id = self.room_id
        return await self._store.transact(
            lambda database: marks_table.count_unread(database, room_id, MAX_UNREAD)
        )

    async def _position_after(self, seq: int) -> int:
        room_id = self.room_id
        return await self._store.transact(lambda database: log_table.position_after(database, room_id, seq))

    def explain(self) -> list[Explanation]:
        """What went wrong in this room and what to do about it, newest first; empty when nothing did."""
        found = list(reversed(self._sync.kept.state.alarms))
        changed = self._changed_verified_contact()
        return found if changed is None else [sending_blocked(changed), *found]

    async def life_of(self, message_id: bytes) -> MessageLife:
        """How one message was made and protected, in layers with their bytes, never a key.

        While connected, with what the server gives out as its entry now. Raises
        :class:`~sottovoce.client.errors.NoLifeRecorded` for a message on its way, one that came before this
        version recorded anything, and one that is not in this room.
        """
        return await examine(self._store, self._session, self._around, self.room_id, message_id)

    def safety_number(self, user: str) -> str:
        """60 digits to compare with ``user``, the same on both sides.

        A changed key that waits for a decision is the one the number is of. Raises
        :class:`~sottovoce.client.errors.UnknownUser`.
        """
        own = self._around.own.certificate
        known = self._contact(user)
        theirs = self._compared[known.account_name] = known.changed_key or known.account_key
        return safety_number(own.user, own.account_key, known.user, theirs)

    def has_changed_key(self, user: str) -> bool:
        """Whether the known key of ``user`` was replaced by another, and nobody has decided about it yet."""
        known = self._around.contacts.by_name.get(user.lower())
        return known is not None and known.changed_key is not None

    @property
    def waits_for(self) -> str | None:
        """Whose changed key somebody must decide about (:meth:`verify`) before the room goes on."""
        stopped_by = self._sync.stopped_by
        if stopped_by is not None and self.has_changed_key(stopped_by):
            return stopped_by
        return self._changed_verified_contact()

    async def verify(self, user: str) -> None:
        """The numbers were compared and are the same: trust the key they are of, a changed one included.

        The key is the one that :meth:`safety_number` gave last, if it gave any. Raises
        :class:`~sottovoce.client.errors.UnknownUser`, and :class:`~sottovoce.client.errors.KeyChanged` when
        that key is neither the known nor the changed one any more.
        """
        known = self._contact(user)
        key = self._compared.get(known.account_name, known.changed_key or known.account_key)
        if key not in (known.account_key, known.changed_key):
            raise KeyChangedError(known.user)
        changed = None if key == known.changed_key else known.changed_key
        await self._decide(
            msgspec.structs.replace(known, account_key=key, verified=True, changed_key=changed)
        )

    async def distrust(self, user: str) -> None:
        """The numbers were compared and differ: ``user`` counts as verified no more, on no device.

        A changed key that waits for a decision goes on waiting, and nothing is sent meanwhile. Raises
        :class:`~sottovoce.client.errors.UnknownUser`.
        """
        known = self._contact(user)
        # If the doubt is about a changed key, the known one is what it was.
        is_verified = known.verified and known.changed_key is not None
        await self._decide(msgspec.structs.replace(known, verified=is_verified))

    async def add(self, user: str) -> None:
        """Add every device of ``user`` by its key package, and wait until that is done.

        Raises :class:`~sottovoce.client.errors.UnknownUser` when there is nobody to add, and
        :class:`~sottovoce.client.errors.CannotBeAdded` when there is no key package to add them by.
        """
        self._require_membership()
        if not is_user_name(user):
            raise UnknownUser(user)
        link = await self._session.online()
        try:
            reply = await link.request(lambda number: KeyPackagesClaim(number, user), KeyPackagesClaimReply)
        except RequestRefused as refusal:
            if refusal.error_code is ErrorCode.NOT_FOUND:
                raise UnknownUser(user) from refusal
            raise
        packages = [claimed.key_package for claimed in reply.key_packages]
        if not packages:
            raise CannotBeAdded(user)
        await self._until(await self._sync.commits.intend(AddUser(user, packages)))

    async def remove(self, user: str) -> None:
        """Remove every device of ``user`` and change the room's join secret; wait until that is done.

        Raises :class:`~sottovoce.client.errors.UnknownUser` and, where the policy forbids it,
        :class:`~sottovoce.client.errors.PolicyViolation`.
        """
        self._require_membership()
        if user.lower() not in {member.user.lower() for member in self.members()}:
            raise UnknownUser(user)
        await self._until(await self._sync.commits.intend(RemoveUser(user)))

    async def leave(self) -> None:
        """Take this device out of the room, and forget its keys; the others' next commit removes its leaf."""
        self._require_membership()
        await self._until(await self._sync.leave())

    def _contact(self, user: str) -> ContactRecord:
        known = self._around.contacts.by_name.get(user.lower())
        if known is None:
            raise UnknownUser(user)
        return known

    async def _decide(self, contact: ContactRecord) -> None:
        """Keep what a person decided now; later than any decision before, whatever the clocks say."""
        decided_at = max(int(time.time()), contact.decided_at + 1)
        decided = msgspec.structs.replace(contact, decided_at=decided_at)
        await keep_contact(self._store, decided)
        self._around.contacts.trust(decided)

    def _require_membership(self) -> None:
        if self._sync.record.membership.is_out:
            raise NotInRoom(self.name)

    def _changed_verified_contact(self) -> str | None:
        contacts = self._around.contacts.by_name
        users = [member.user for member in self.members()]
        for user in [*users, self._sync.stopped_by or ""]:
            known = contacts.get(user.lower())
            if known is not None and known.verified and known.changed_key is not None:
                return known.user
        return None

    async def _until(self, work: Awaitable[None]) -> None:
        """Wait for ``work``; raises what ended the room's task if that comes first."""
        done = asyncio.ensure_future(work)
        ended = asyncio.ensure_future(self._sync.wait_ended())
        try:
            await asyncio.wait((done, ended), return_when=asyncio.FIRST_COMPLETED)
            if not done.done():
                raise ended.result()
            done.result()
        finally:
            ended.cancel()
            if isinstance(done, asyncio.Task):  # made here; others may wait for the same future
                done.cancel()
