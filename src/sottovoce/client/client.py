"""The SDK's entrance: :func:`connect` and the :class:`Client` it gives."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sottovoce.client.account import finish_registration, log_in_device
from sottovoce.client.announcing import Announcer
from sottovoce.client.credentials import Contacts, OwnCredential
from sottovoce.client.entrance import OpenProfile, Password, open_profile
from sottovoce.client.errors import BadInviteTime, BadRoomName, ExpiredInviteLink, ValueTooLong
from sottovoce.client.events import ClientEvent, Connected, OpenRoom
from sottovoce.client.inbox import Inbox
from sottovoce.client.join_secret import JoinSecret, from_room_key
from sottovoce.client.joined_rooms import JoinedRooms, keep_contact
from sottovoce.client.policy import MAX_NAME_LENGTH, Access
from sottovoce.client.profile import default_home
from sottovoce.client.room import Room
from sottovoce.client.room_state import Surroundings
from sottovoce.client.server_address import ServerAddress, find_server
from sottovoce.client.session import Session
from sottovoce.client.sync import RoomSync
from sottovoce.client.tables import account as account_table
from sottovoce.client.tables import kept_values as kept_table
from sottovoce.client.tables import rooms as rooms_table
from sottovoce.client.tables.rooms import Membership
from sottovoce.client.transport import ServerLink, Trace
from sottovoce.client.trust import PinnedContact, fingerprint
from sottovoce.client.vault import Vault, VaultRoom
from sottovoce.client.vault_keeper import VaultKeeper
from sottovoce.crypto.secret import Secret
from sottovoce.link.invite_link import InviteLink, is_invite_link
from sottovoce.link.messages import (
    LONGEST_INVITE,
    SHORTEST_INVITE,
    CatchUp,
    CreateToken,
    CreateTokenReply,
    EntriesPush,
    GroupInfoWanted,
    InboxPush,
    Push,
)

INVITE_LIFETIME: Final = 7 * 86400
"""Seconds an invite link is good for unless said otherwise."""

MAX_KEPT_VALUE: Final = 64 * 1024
"""Bytes of one value that :meth:`Client.keep` takes."""

_SETTLING: Final = 2.0
"""Seconds that closing waits for commits under way to be read back."""


@asynccontextmanager
async def connect(
    link: str | None = None,
    *,
    user: str,
    password: Password,
    home: Path | None = None,
    register: bool | None = None,
    trace: Trace | None = None,
) -> AsyncIterator[Client]:
    """Be ``user`` at a server: ``async with sottovoce.connect(link, user="alice", password=...) as me``.

    ``link``: an invite link; ``HOST:PORT`` (its key is pinned at first contact); None: the server this user
    runs on this machine. ``password`` may be a function that asks for it. ``home``: where profiles are kept.
    ``register``: True makes a new account, False never does, None does what is possible. ``trace`` is told
    what happens underneath, never a secret.

    With a profile of this user here, the server need not be reachable: what was received can be read, and
    what is sent goes out once it is. Raises a :class:`~sottovoce.errors.SottovoceError` whose sentence says
    what to do.
    """
    home = default_home() if home is None else home
    address = find_server(link, home)
    opened = await open_profile(address, user, password, home, register=register, trace=trace)
    client = Client(address, opened, trace)
    try:
        await client.start()
        yield client
    finally:
        await client.close()


class Client:
    """One account on one device, connected to its server. Get one from :func:`connect`."""

    def __init__(self, address: ServerAddress, opened: OpenProfile, trace: Trace | None) -> None:
        account = opened.account
        own = OwnCredential.of(account.certificate, account.signature_private)
        certificate = own.certificate
        self._opened: Final = opened
        self._account = account
        self._store: Final = opened.store
        self._address: Final = ServerAddress(address.host, address.port, opened.server.pin, address.invite)
        self._contacts: Final = Contacts(certificate.account_name, certificate.account_key)
        self._around: Final = Surroundings(own, self._contacts, opened.server.pin, os.urandom, trace)
        self._session: Final = Session(
            self._address, log_in=self._log_in, on_push=self._receive_push, emit=self._emit, trace=trace
        )
        self._vault: Final = VaultKeeper(
            account, self._store, self._session, self._collect_vault, self._adopt_vault, emit=self._emit
        )
        self._announcer: Final = Announcer(opened.events)
        self._rooms: Final = JoinedRooms(
            self._around,
            self._store,
            self._session,
            self._announcer,
            secrets_changed=self._vault.changed,
            invite=address.invite,
        )
        self._inbox: Final = Inbox(self._around, self._store, self._session, self._rooms.accept_welcome)
        self._tasks: Final[set[asyncio.Task[None]]] = set()

    def __repr__(self) -> str:
        return f"Client(user={self.user!r}, server={self.server!r}, rooms={len(self._rooms.by_id)})"

    # --- looking -------------------------------------------------------------------------------------------

    @property
    def user(self) -> str:
        """The user name as its owner typed it."""
        return self._account.user

    @property
    def device_id(self) -> bytes:
        """This device, 16 bytes."""
        return self._account.device_id

    @property
    def account_fingerprint(self) -> bytes:
        """32 bytes that stand for this account's key."""
        return fingerprint(self._contacts.own_key)

    @property
    def server(self) -> str:
        """``host:port``."""
        return f"{self._address.host}:{self._address.port}"

    @property
    def is_online(self) -> bool:
        """Whether the server is connected and this device logged in."""
        return self._session.is_online

    def rooms(self) -> list[Room]:
        """The rooms this device is in, by name."""
        return [self._room(sync) for sync in sorted(self._rooms.alive, key=lambda sync: sync.record.name)]

    async def look_up_rooms(self) -> list[OpenRoom]:
        """The server's open rooms, which everybody with an account may :meth:`join` by name; by name.

        Waits for the server. Raises what ended the connection for good.
        """
        return await self._rooms.open_rooms()

    def events(self) -> AsyncIterator[ClientEvent]:
        """What happens to the connection, the account and the rooms; from the beginning for who asks first.

        A listener that does not listen loses the oldest events, but never that a room changed.
        """
        return self._announcer.listen()

    # --- what the app on top keeps -------------------------------------------------------------------------

    async def keep(self, name: str, value: bytes) -> None:
        """Keep a small value in the encrypted store under a name of the app's own; an empty one deletes it.

        Raises :class:`~sottovoce.client.errors.ValueTooLong` above 64 KiB.
        """
        if len(value) > MAX_KEPT_VALUE:
            raise ValueTooLong(len(value), MAX_KEPT_VALUE)
        await self._store.transact(lambda database: kept_table.keep_value(database, name, value))

    async def kept(self, name: str) -> bytes | None:
        """The value kept under this name; None when there is none."""
        return await self._store.transact(lambda database: kept_table.kept_value(database, name))

    # --- rooms ---------------------------------------------------------------------------------------------

    async def join(self, room: str, room_key: bytes | None = None) -> Room:
        """Be in a room: by its name, by an invite link, or by its name and a 32-byte room key.

        Returns at once for a room this device is in, offline too; waits for the server for another.
        Raises :class:`~sottovoce.client.errors.UnknownRoom`,
        :class:`~sottovoce.client.errors.SecretOutdated`, what :meth:`InviteLink.parse` raises, and with a
        room key :class:`~sottovoce.client.errors.BadRoomName`.
        """
        if room_key is not None:
            _check_room_name(room)
            room_id, secret = from_room_key(Secret(room_key), room)
            sync = await self._rooms.enter(room_id, room, Access.KEY, secret, may_found=True)
        elif is_invite_link(room):
            sync = await self._rooms.follow_link(self._read_link(room))
        else:
            sync = self._rooms.known(room) or await self._rooms.look_up(room)
        await asyncio.shield(sync.entered)
        return self._room(sync)

    def _read_link(self, text: str) -> InviteLink:
        """Read an invite link; one that is over leads into a room that this device is in already."""
        try:
            return InviteLink.parse(text, now=time.time())
        except ExpiredInviteLink:
            invite = InviteLink.parse(text, now=0)
            known = self._rooms.by_id.get(invite.room_id)
            if known is None or not known.is_alive:
                raise
            return invite

    async def create_room(self, name: str) -> Room:
        """Make a room that people enter by invite link or by being added; this account owns it.

        Raises :class:`~sottovoce.client.errors.BadRoomName` for none, and above 64 characters.
        """
        _check_room_name(name)
        room_id, secret = os.urandom(16), JoinSecret(Secret(os.urandom(32)))
        sync = await self._rooms.enter(room_id, name, Access.INVITE, secret, may_found=True)
        await asyncio.shield(sync.entered)
        return self._room(sync)

    async def invite(self, room: Room | None = None, expires_in: int = INVITE_LIFETIME) -> InviteLink:
        """Make an invite link into ``room`` (None: the lobby) that one person can register with.

        ``expires_in``: seconds, from a minute to 30 days. Waits for the server. Raises
        :class:`~sottovoce.client.errors.BadInviteTime` for other times and
        :class:`~sottovoce.client.errors.UnknownRoom`.
        """
        if not SHORTEST_INVITE <= expires_in <= LONGEST_INVITE:
            raise BadInviteTime(SHORTEST_INVITE, LONGEST_INVITE)
        target = room or await self.join("lobby")
        record = self._rooms.by_id[target.room_id].record
        link = await self._session.online()
        reply = await link.request(lambda number: CreateToken(number, expires_in), CreateTokenReply)
        return InviteLink(
            host=self._address.host,
            port=self._address.port,
            room_name=record.name,
            server_pin=self._around.server_pin,
            token=reply.token,
            room_id=record.room_id,
            join_secret=record.join_secret,
            join_secret_epoch=record.join_secret_epoch,
            inviter_fingerprint=self.account_fingerprint,
            expires_at=reply.expires_at,
        )

    def _room(self, sync: RoomSync) -> Room:
        return Room(sync, self._around, self._store, self._session)

    # --- the account ---------------------------------------------------------------------------------------

    def _collect_vault(self) -> Vault:
        contacts = tuple(
            PinnedContact(c.user, c.account_key, c.verified, c.decided_at)
            for c in self._contacts.by_name.values()
        )
        rooms = tuple(
            VaultRoom(r.room_id, r.name, JoinSecret(r.join_secret, r.join_secret_epoch))
            for r in (sync.record for sync in self._rooms.alive)
            if r.membership in (Membership.MEMBER, Membership.OUT_OF_STEP)
        )
        return Vault(self._account.account_private, contacts, rooms)

    async def _adopt_vault(self, vault: Vault) -> None:
        """Take over what another device of this account stored: rooms to be in, contacts' keys."""
        shown = {member.account_key for room in self.rooms() for member in room.members()}
        for pinned in vault.contacts:
            contact = self._contacts.learn(pinned, shown)
            if contact is not None:
                await keep_contact(self._store, contact)
                self._contacts.by_name[contact.account_name] = contact
        for sync in self._rooms.by_id.values():
            sync.unblock()
            sync.kept.announce()
        for room in vault.rooms:
            await self._rooms.enter_if_new(room.room_id, room.name, room.join_secret)

    # --- life ----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Load the store, connect, and follow every room; returns after the first attempt to connect.

        Raises what makes every further attempt pointless.
        """
        contacts, records = await self._store.transact(
            lambda database: (account_table.contacts(database), rooms_table.rooms(database))
        )
        self._contacts.by_name.update({contact.account_name: contact for contact in contacts})
        self._contacts.watchers.append(self._unblock_rooms)
        for record in records:
            if not record.membership.is_out:
                await self._rooms.start(record, may_found=record.access != Access.INVITE)
        if self._opened.vault is not None:
            await self._adopt_vault(self._opened.vault)
        for work in (self._session.run(), self._vault.run(), self._inbox.run()):
            self._spawn(work)
        await self._session.first_attempt

    async def close(self) -> None:
        """Disconnect and close the store; what was sent and not acknowledged goes out next time."""
        if self._session.is_online:
            with suppress(TimeoutError):
                async with asyncio.timeout(_SETTLING):
                    for sync in self._rooms.by_id.values():
                        await sync.settled()
        await self._session.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for sync in self._rooms.by_id.values():
            await sync.stop()
        self._announcer.close()
        await self._opened.close()

    async def _log_in(self, link: ServerLink) -> None:
        if self._account.pending is not None:
            account = await finish_registration(link, self._account)
            await self._store.transact(lambda database: account_table.put_account(database, account))
            self._account = account
        await log_in_device(link, self._account)

    def _receive_push(self, push: Push) -> None:
        match push:
            case EntriesPush(room_id=room_id, entries=entries):
                if room_id in self._rooms.by_id:
                    self._rooms.by_id[room_id].follower.push(entries)
            case CatchUp(room_id=room_id, head=head):
                if room_id in self._rooms.by_id:
                    self._rooms.by_id[room_id].follower.expect(head)
            case GroupInfoWanted(room_id=room_id):
                if room_id in self._rooms.by_id:
                    self._spawn(self._rooms.by_id[room_id].renew_group_info())
            case InboxPush():
                self._inbox.look()
            case _:
                pass  # a push of a later version: nothing is lost by not knowing it

    def _emit(self, event: ClientEvent) -> None:
        if isinstance(event, Connected):
            self._inbox.look()
        self._announcer.emit(event)

    def _unblock_rooms(self) -> None:
        self._vault.changed()
        for sync in self._rooms.by_id.values():
            sync.unblock()
            sync.kept.announce()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _check_room_name(name: str) -> None:
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise BadRoomName(MAX_NAME_LENGTH)
