"""Being added by others: this device's key packages on the server, and the Welcomes in its inbox."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from sottovoce.client.device_store import DeviceStore
from sottovoce.client.joining import ROOM_SUITE, capabilities
from sottovoce.client.room_state import Surroundings
from sottovoce.client.session import Session
from sottovoce.client.tables import account as account_table
from sottovoce.client.tables.database import Database
from sottovoce.client.transport import ServerLink
from sottovoce.errors import PeerError, SottovoceError
from sottovoce.link.messages import (
    Done,
    InboxDelete,
    InboxFetch,
    InboxFetchReply,
    KeyPackagesLeft,
    KeyPackagesLeftReply,
    KeyPackagesPublish,
)
from sottovoce.link.parts import InboxItem
from sottovoce.mls import KeyPackageBundle, Lifetime, generate_key_package
from sottovoce.mls.framing import MLSMessage
from sottovoce.mls.group_info import Welcome

FEW: Final = 3
STOCK: Final = 8
"""Fewer than ``FEW`` unclaimed key packages are topped up by ``STOCK``."""

LIFETIME: Final = 90 * 86400
_CLOCK_SKEW: Final = 3600


class Inbox:
    """Keeps key packages in stock and hands every Welcome, with its bundle, to ``accept``."""

    def __init__(
        self,
        around: Surroundings,
        store: DeviceStore,
        session: Session,
        accept: Callable[[InboxItem, bytes, KeyPackageBundle], Awaitable[None]],
    ) -> None:
        self._around: Final = around
        self._store: Final = store
        self._session: Final = session
        self._accept: Final = accept
        self._wake: Final = asyncio.Event()

    def look(self) -> None:
        """Something may be in the inbox, or the connection is new."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled or until the session ends for good."""
        while self._session.failure is None:
            await self._wake.wait()
            self._wake.clear()
            try:
                link = await self._session.online()
                await self._stock_up(link)
                await self._empty(link)
            except SottovoceError:
                continue  # the next connection looks again; the inbox keeps what is in it

    async def _stock_up(self, link: ServerLink) -> None:
        left = await link.request(KeyPackagesLeft, KeyPackagesLeftReply)
        if left.left >= FEW and not left.last_resort_used:
            return
        fresh = [self._make() for _ in range(STOCK if left.left < FEW else 0)]
        # threats.md A10: a last-resort key package that was handed out is replaced at once.
        last_resort = self._make() if left.last_resort_used or left.left == 0 else None

        def work(database: Database) -> None:
            for bundle in fresh:
                account_table.add_key_package(database, bundle.ref, bundle.to_bytes(), last_resort=False)
            if last_resort is not None:
                account_table.add_key_package(
                    database, last_resort.ref, last_resort.to_bytes(), last_resort=True
                )

        await self._store.transact(work)
        await link.request(
            lambda number: KeyPackagesPublish(
                number,
                [bundle.message for bundle in fresh],
                None if last_resort is None else last_resort.message,
            ),
            Done,
        )

    def _make(self) -> KeyPackageBundle:
        now = int(time.time())
        return generate_key_package(
            ROOM_SUITE,
            self._around.own.credential,
            self._around.own.key_pair,
            lifetime=Lifetime(now - _CLOCK_SKEW, now + LIFETIME),
            capabilities=capabilities(),
            random=self._around.random,
        )

    async def _empty(self, link: ServerLink) -> None:
        """Take what the inbox has, some at a time as the server gives it; what it gives again is not new."""
        newest = -1
        while items := [
            item for item in (await link.request(InboxFetch, InboxFetchReply)).items if item.item_id > newest
        ]:
            for item in items:
                found = await self._bundle_for(item.payload)
                if found is not None:
                    await self._accept(item, *found)
            done = [item.item_id for item in items]
            await link.request(partial(InboxDelete, item_ids=done), Done)
            newest = max(done)

    async def _bundle_for(self, payload: bytes) -> tuple[bytes, KeyPackageBundle] | None:
        """The key package a Welcome is for; None for garbage, and for one used before (threats.md A10)."""
        try:
            welcome = MLSMessage.decode(payload).body
        except PeerError:
            return None
        if not isinstance(welcome, Welcome):
            return None
        refs = [secrets.new_member for secrets in welcome.secrets]

        def work(database: Database) -> tuple[bytes, bytes] | None:
            for ref in refs:
                found = account_table.key_package(database, ref)
                if found is not None and not account_table.is_consumed(database, ref):
                    return ref, found[0]
            return None

        found = await self._store.transact(work)
        return None if found is None else (found[0], KeyPackageBundle.from_bytes(found[1]))
