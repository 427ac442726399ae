"""From a user name and a password to an open profile: unlock it here, or get into the account first.

A profile that exists opens without the server. One that does not is made by registering, or by logging in
to an account that exists; which of the two is found out by trying.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from sottovoce.client.account import begin_registration, enrol_device, finish_registration
from sottovoce.client.device_store import DeviceStore
from sottovoce.client.errors import NameTaken, RegistrationRefused, StoreDamaged, WrongPassword
from sottovoce.client.events import AccountRegistered, ClientEvent, ServerTrusted
from sottovoce.client.profile import Profile, is_profile, profile_path
from sottovoce.client.server_address import ServerAddress, remember_server
from sottovoce.client.tables import account as account_table
from sottovoce.client.tables.account import AccountRecord, ServerRecord
from sottovoce.client.tables.database import Database
from sottovoce.client.transport import ServerLink, Trace
from sottovoce.client.vault import Vault
from sottovoce.crypto.secret import Secret

Password = str | Callable[[], str]


@dataclass
class OpenProfile:
    """A profile that is locked for this process, with its store open."""

    profile: Profile
    store: DeviceStore
    account: AccountRecord
    server: ServerRecord
    vault: Vault | None
    """What a device that was just enrolled found in the account's vault."""
    events: list[ClientEvent]

    async def close(self) -> None:
        """Close the store and let the next process use the profile."""
        await self.store.close()
        self.profile.close()


async def open_profile(
    address: ServerAddress,
    user: str,
    password: Password,
    home: Path,
    *,
    register: bool | None,
    trace: Trace | None,
) -> OpenProfile:
    """Open the profile of ``user`` at this server, or make it.

    ``register``: True makes a new account or fails, False never makes one, None does what is possible.
    Raises :class:`WrongPassword`, :class:`NameTaken`, :class:`RegistrationRefused`, :class:`ProfileInUse`,
    :class:`ServerNotReachable`, :class:`CertificateChanged`.
    """
    if address.pin is not None and is_profile(profile_path(home, address.pin, user.lower())):
        return await _unlock(address, address.pin, user, await _ask(password), home)
    link = await ServerLink.open(
        address.host, address.port, pin=address.pin, on_push=lambda _: None, trace=trace
    )
    try:
        return await _enter(link, address, user, await _ask(password), home, register=register)
    finally:
        await link.disconnect()


async def _enter(
    link: ServerLink,
    address: ServerAddress,
    user: str,
    password: Secret,
    home: Path,
    *,
    register: bool | None,
) -> OpenProfile:
    events: list[ClientEvent] = []
    if address.invite is None:
        if address.pin is None:
            events.append(ServerTrusted(link.address, link.pin))
        remember_server(home, address.host, address.port, link.pin)
    profile = Profile.open(profile_path(home, link.pin, user.lower()))
    try:
        if profile.exists:
            profile.close()
            opened = await _unlock(address, link.pin, user, password, home)
            opened.events.extend(events)
            return opened
        account, vault = await _get_account(link, address, user, password, register=register)
    except BaseException:
        profile.close()
        raise
    server = ServerRecord(address.host, address.port, link.pin)
    store = await _make_store(profile, password, account, server)
    try:
        if account.pending is not None:
            account = await finish_registration(link, account)
            await _keep(store, account, server)
            events.append(AccountRegistered(user))
    except (NameTaken, RegistrationRefused):
        await store.close()
        profile.discard()
        raise
    except BaseException:
        await store.close()
        profile.close()
        raise
    return OpenProfile(profile, store, account, server, vault, events)


async def _get_account(
    link: ServerLink, address: ServerAddress, user: str, password: Secret, *, register: bool | None
) -> tuple[AccountRecord, Vault | None]:
    """Begin a registration, or log in to the account that exists."""
    token = address.invite.token if address.invite else None
    refusal: NameTaken | RegistrationRefused | None = None
    is_welcome = token is not None or link.greeting.open_registration
    if register or (register is None and is_welcome):
        try:
            return await begin_registration(link, user, password, token), None
        except (NameTaken, RegistrationRefused) as error:
            if register:
                raise
            refusal = error
    try:
        device = await enrol_device(link, user, password)
    except WrongPassword:
        # The name is another's, as far as this password tells: that says more than "wrong".
        if isinstance(refusal, NameTaken):
            raise refusal from None
        raise WrongPassword(user, needs_invite=refusal is not None or not is_welcome) from None
    return device.account, device.vault


async def _unlock(address: ServerAddress, pin: bytes, user: str, password: Secret, home: Path) -> OpenProfile:
    profile = Profile.open(profile_path(home, pin, user.lower()))
    async with AsyncExitStack() as undoing:
        undoing.callback(profile.close)
        key = await asyncio.to_thread(profile.open_store_key, password)
        store = await DeviceStore.open(profile.store_path, key)
        undoing.push_async_callback(store.close)
        account = await store.transact(account_table.account)
        if account is None:
            raise StoreDamaged(str(profile.store_path))
        server = ServerRecord(address.host, address.port, pin)
        await store.transact(lambda database: account_table.put_server(database, server))
        undoing.pop_all()
    return OpenProfile(profile, store, account, server, None, [])


async def _make_store(
    profile: Profile, password: Secret, account: AccountRecord, server: ServerRecord
) -> DeviceStore:
    """Make the store of a new account; one that could not be made leaves nothing behind."""
    try:
        store = await DeviceStore.open(
            profile.store_path, await asyncio.to_thread(profile.create_store_key, password)
        )
        try:
            await _keep(store, account, server)
        except BaseException:
            await store.close()
            raise
    except BaseException:
        profile.discard()
        raise
    return store


async def _keep(store: DeviceStore, account: AccountRecord, server: ServerRecord) -> None:
    def work(database: Database) -> None:
        account_table.put_account(database, account)
        account_table.put_server(database, server)

    await store.transact(work)


async def _ask(password: Password) -> Secret:
    text = password if isinstance(password, str) else await asyncio.to_thread(password)
    # RFC 8265 §4.2.2: the same password typed on another keyboard is the same bytes, by Normalization Form C.
    return Secret(unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass"))
