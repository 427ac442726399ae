"""Keeping the account's vault on the server true: compare-and-set, a moment after something changed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import msgspec

from sottovoce.client import vault as vaults
from sottovoce.client.device_store import DeviceStore
from sottovoce.client.errors import LinkLost, RequestRefused, VaultFull
from sottovoce.client.events import AccountTrouble, ClientEvent
from sottovoce.client.session import Session
from sottovoce.client.tables import account as account_table
from sottovoce.client.tables.account import AccountRecord
from sottovoce.client.vault import Vault
from sottovoce.errors import SottovoceError
from sottovoce.link.messages import Done, VaultGet, VaultPut, VaultReply
from sottovoce.link.parts import ErrorCode

SETTLING: Final = 2.0
"""Seconds to wait after a change, so that several make one request."""


class VaultKeeper:
    """Stores what ``collect`` gives after :meth:`changed`; ``adopt`` takes what other devices stored.

    ``emit`` is told of what a person must do something about.
    """

    def __init__(
        self,
        account: AccountRecord,
        store: DeviceStore,
        session: Session,
        collect: Callable[[], Vault],
        adopt: Callable[[Vault], Awaitable[None]],
        *,
        emit: Callable[[ClientEvent], None],
    ) -> None:
        self._account = account
        self._store: Final = store
        self._session: Final = session
        self._collect: Final = collect
        self._adopt: Final = adopt
        self._emit: Final = emit
        self._is_full = False
        self._changed: Final = asyncio.Event()

    def changed(self) -> None:
        """Something that belongs into the vault has changed."""
        self._changed.set()

    async def run(self) -> None:
        """Keep the vault true until cancelled or until the session ends for good."""
        while self._session.failure is None:
            await self._changed.wait()
            await asyncio.sleep(SETTLING)
            self._changed.clear()
            try:
                await self._put()
                self._is_full = False
            except VaultFull as trouble:
                # The same would not fit again: it is tried at the next change, and a person hears of it once.
                if not self._is_full:
                    self._emit(AccountTrouble(str(trouble)))
                self._is_full = True
            except SottovoceError:
                # Not connected, or refused for now: the change is still in the store, and is tried again.
                self._changed.set()

    async def _put(self) -> None:
        link = await self._session.online()
        sealed, version = self._seal(), self._account.vault_version
        try:
            await link.request(lambda number: VaultPut(number, version, sealed), Done)
        except RequestRefused as refusal:
            if refusal.error_code is not ErrorCode.VAULT_CONFLICT:
                raise
            reply = await link.request(VaultGet, VaultReply)
            await self._adopt(vaults.open_vault(reply.vault, self._account.vault_key))
            await self._keep_version(reply.version)
            raise LinkLost("another device was storing the vault") from refusal
        await self._keep_version(version + 1)

    def _seal(self) -> bytes:
        vault = self._collect()
        try:
            return vaults.seal(vault, self._account.vault_key, os.urandom)
        except VaultFull:
            # What somebody decided and the rooms come first; the others are pinned again at first contact.
            chosen = tuple(one for one in vault.contacts if one.verified or one.decided_at)
            return vaults.seal(replace(vault, contacts=chosen), self._account.vault_key, os.urandom)

    async def _keep_version(self, version: int) -> None:
        account = msgspec.structs.replace(self._account, vault_version=version)
        await self._store.transact(lambda database: account_table.put_account(database, account))
        self._account = account
