"""The rooms of this device, and every way into one: a name, an invite link, a room key, a Welcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from sottovoce.client.announcing import Announcer
from sottovoce.client.chain import LogChain
from sottovoce.client.device_store import DeviceStore
from sottovoce.client.errors import BadInviteLink, UnknownRoom
from sottovoce.client.events import OpenRoom, RoomAppeared
from sottovoce.client.join_secret import JoinSecret
from sottovoce.client.joining import join_by_welcome, take_over
from sottovoce.client.kept_room import KeptRoom
from sottovoce.client.policy import Access
from sottovoce.client.room_state import RoomState, Surroundings
from sottovoce.client.session import Session
from sottovoce.client.sync import RoomSync
from sottovoce.client.tables import account as account_table
from sottovoce.client.tables import read_marks as marks_table
from sottovoce.client.tables import rooms as rooms_table
from sottovoce.client.tables.account import ContactRecord
from sottovoce.client.tables.database import Database
from sottovoce.client.tables.rooms import Membership, RoomRecord
from sottovoce.client.trust import fingerprint
from sottovoce.crypto.secret import Secret
from sottovoce.errors import PeerError, SottovoceError
from sottovoce.link.invite_link import InviteLink
from sottovoce.link.messages import RoomList, RoomListReply
from sottovoce.link.parts import InboxItem
from sottovoce.mls import KeyPackageBundle


class JoinedRooms:
    """Every room this device follows.

    ``secrets_changed`` is called when the vault on the server no longer has all of them; ``invite`` is the
    link that this client was connected by, if any.
    """

    def __init__(
        self,
        around: Surroundings,
        store: DeviceStore,
        session: Session,
        announcer: Announcer,
        *,
        secrets_changed: Callable[[], None],
        invite: InviteLink | None,
    ) -> None:
        self.by_id: Final[dict[bytes, RoomSync]] = {}
        self._around: Final = around
        self._store: Final = store
        self._session: Final = session
        self._announcer: Final = announcer
        self._secrets_changed: Final = secrets_changed
        self._invite: Final = invite
        self._entering: Final = asyncio.Lock()  # never two tasks, and so two leaves, for one room

    @property
    def alive(self) -> list[RoomSync]:
        """Those this device is in, or on its way into."""
        return [sync for sync in self.by_id.values() if sync.is_alive]

    def known(self, name: str) -> RoomSync | None:
        """The room of this name; anybody may add this device to one, by any name: those come last."""
        found = [sync for sync in self.alive if sync.record.name == name]
        invite = self._invite
        if invite is not None and invite.room_name == name:
            return next((sync for sync in found if sync.record.room_id == invite.room_id), None)
        return min(found, key=lambda sync: sync.record.was_added, default=None)

    async def look_up(self, name: str) -> RoomSync:
        """A room by its name that this device is not in yet: the link's own, or an open one."""
        invite = self._invite
        if invite is not None and invite.room_name == name:
            return await self.follow_link(invite)
        found = (await self._open_rooms()).get(name)
        if found is None:
            raise UnknownRoom(name)
        room_id, secret = found
        return await self.enter(room_id, name, Access.OPEN, JoinSecret(secret), may_found=True)

    async def open_rooms(self) -> list[OpenRoom]:
        """The server's open rooms, by name; waits for the server."""
        found = await self._open_rooms()
        mine = {sync.record.room_id for sync in self.alive}
        return [OpenRoom(room_id, name, room_id in mine) for name, (room_id, _) in sorted(found.items())]

    async def _open_rooms(self) -> dict[str, tuple[bytes, Secret]]:
        """Id and join secret of the server's open rooms; of two with one name, the first in its list."""
        link = await self._session.online()
        reply = await link.request(RoomList, RoomListReply)
        return {
            summary.open_name: (summary.room_id, Secret(summary.open_join_secret))
            for summary in reversed(reply.rooms)
            if summary.open_name is not None and summary.open_join_secret is not None
        }

    async def follow_link(self, invite: InviteLink) -> RoomSync:
        """Enter the room of an invite link, and take whoever made it for verified.

        Raises :class:`BadInviteLink` for a link to another server, and what keeps this device out.
        """
        if invite.server_pin != self._around.server_pin:
            raise BadInviteLink("it leads to another server than the one connected to")
        secret = JoinSecret(invite.join_secret, invite.join_secret_epoch)
        # The lobby is founded by whoever comes first, with a link too; other rooms exist before their links.
        access = Access.OPEN if invite.inviter_fingerprint is None else Access.INVITE
        sync = await self.enter(
            invite.room_id, invite.room_name, access, secret, may_found=access is Access.OPEN
        )
        await asyncio.shield(sync.entered)
        if invite.inviter_fingerprint is not None:
            await self._recognise(invite.inviter_fingerprint)
        return sync

    async def _recognise(self, inviter: bytes) -> None:
        """The link came from the inviter by other means, so its fingerprint vouches for the inviter's key.

        What a person found by comparing numbers stands.
        """
        contacts = self._around.contacts
        for contact in list(contacts.by_name.values()):
            is_open = not contact.verified and not contact.decided_at
            if is_open and fingerprint(contact.account_key) == inviter:
                verified = msgspec.structs.replace(contact, verified=True)
                await keep_contact(self._store, verified)
                contacts.trust(verified)

    async def enter(
        self, room_id: bytes, name: str, access: Access, secret: JoinSecret, *, may_found: bool
    ) -> RoomSync:
        """Begin to be in a room, or go on being in it."""
        async with self._entering:
            return await self._enter_alone(room_id, name, access, secret, may_found=may_found)

    async def enter_if_new(self, room_id: bytes, name: str, secret: JoinSecret) -> None:
        """Enter a room that another device of the account is in; not one that this device is out of."""
        async with self._entering:
            if await self._record_of(room_id) is None:
                await self._enter_alone(room_id, name, Access.INVITE, secret, may_found=False)

    async def _enter_alone(
        self, room_id: bytes, name: str, access: Access, secret: JoinSecret, *, may_found: bool
    ) -> RoomSync:
        existing = self.by_id.get(room_id)
        if existing is not None and existing.is_alive:
            if existing.record.membership in (Membership.JOINING, Membership.OUT_OF_STEP):
                existing.use_secret(secret)
            return existing
        record = RoomRecord(room_id, name, str(access), Membership.JOINING, secret.secret, secret.epoch)
        if existing is not None:
            await existing.stop()
        before = await self._record_of(room_id)
        if before is not None:
            record = msgspec.structs.replace(record, seq=before.seq, highest_epoch=before.highest_epoch)

        def work(database: Database) -> None:
            rooms_table.put_room(database, record)
            marks_table.mark_all_read(database, room_id)  # who enters a room anew begins there

        await self._store.transact(work)
        return await self.start(record, may_found=may_found)

    async def _record_of(self, room_id: bytes) -> RoomRecord | None:
        """What is kept of a room, one that this device left or was taken out of included (threats.md B3)."""
        return await self._store.transact(lambda database: rooms_table.room(database, room_id))

    async def start(self, record: RoomRecord, *, may_found: bool) -> RoomSync:
        """Follow a room from what the store has of it."""
        kept = KeptRoom(record, self._around, self._store, self._secrets_changed)
        await kept.load()
        kept.watchers.append(partial(self._announcer.room_changed, record.room_id))
        sync = RoomSync(kept, self._session, self._announcer.emit, may_found=may_found)
        self.by_id[record.room_id] = sync
        sync.start()
        kept.announce()
        return sync

    async def accept_welcome(self, item: InboxItem, ref: bytes, bundle: KeyPackageBundle) -> None:
        """Join by a Welcome, unless this device is in that room (threats.md A10), or on its way into it and
        the Welcome does not show that it is the same one (A1).
        """
        async with self._entering:
            await self._accept_welcome_alone(item, ref, bundle)

    async def _accept_welcome_alone(self, item: InboxItem, ref: bytes, bundle: KeyPackageBundle) -> None:
        existing = self.by_id.get(item.room_id)
        if existing is not None and existing.is_alive and existing.record.membership is Membership.MEMBER:
            return
        # To who is out of a room, what comes under its id is as another's.
        known = None if existing is None or existing.record.membership.is_out else existing.kept.state
        was_added = known is None or known.record.was_added
        record = RoomRecord(item.room_id, "", Access.INVITE, Membership.JOINING, Secret(bytes(32)), 0)
        record = msgspec.structs.replace(record, was_added=was_added)
        before = await self._record_of(item.room_id)
        if before is not None:
            record = msgspec.structs.replace(record, highest_epoch=before.highest_epoch)
        state = RoomState(record, self._around)
        try:
            group = join_by_welcome(state, item.payload, bundle, known)
            changes = state.begin()
            take_over(state, group, LogChain(item.seq, item.head_hash), changes)
        except PeerError:
            return  # a Welcome that does not open adds nobody; there is no one to tell

        def work(database: Database) -> None:
            changes.write(database)
            account_table.consume_key_package(database, ref)

        try:
            await self._store.transact(work)
        except SottovoceError:
            self._around.contacts.unpin(changes.contacts)
            raise
        if existing is not None:
            await existing.stop()
        await self.start(state.record, may_found=False)
        self._secrets_changed()
        self._announcer.emit(RoomAppeared(state.record.name))


async def keep_contact(store: DeviceStore, contact: ContactRecord) -> None:
    """Store what is known of another account."""
    now = int(time.time())
    await store.transact(lambda database: account_table.put_contact(database, contact, now))
