"""Being added by others: this device's key packages on the server, and the Welcomes in its inbox."""

from __future__ import annotations

import asyncio
import contextlib
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
RENEWED_AFTER: Final = LIFETIME * 2 // 3
"""Seconds: all are replaced when a third of the oldest's life is left, so none is claimed near its end."""
KEPT_AFTER_END: Final = 7 * 86400
"""Seconds that private keys outlive their key package, as a Welcome for it may still be on its way."""
LOOKS_AGAIN_AFTER: Final = 86400.0
"""Seconds: a connection that lasts is no reason to let key packages end."""
_CLOCK_SKEW: Final = 3600


class Inbox:
    """Keeps key packages in stock and hands every Welcome, with its bundle, to ``accept``.

    ``clock`` tells Unix seconds.
    """

    def __init__(
        self,
        around: Surroundings,
        store: DeviceStore,
        session: Session,
        accept: Callable[[InboxItem, bytes, KeyPackageBundle], Awaitable[None]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._around: Final = around
        self._store: Final = store
        self._session: Final = session
        self._accept: Final = accept
        self._clock: Final = clock
        self._wake: Final = asyncio.Event()

    def look(self) -> None:
        """Something may be in the inbox, or the connection is new."""
        self._wake.set()

    async def run(self) -> None:
        """Work, also once a day without news, until cancelled or until the session ends for good."""
        while self._session.failure is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOKS_AGAIN_AFTER):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._look(await self._session.online())
            except SottovoceError:
                continue  # the next connection looks again; the inbox keeps what is in it

    async def _look(self, link: ServerLink) -> None:
        await self._stock_up(link)
        await self._empty(link)
        # Only now: a Welcome may have waited for as long as this device was away.
        await self._forget_ended()

    async def _stock_up(self, link: ServerLink) -> None:
        left = await link.request(KeyPackagesLeft, KeyPackagesLeftReply)
        now = int(self._clock())
        # threats.md A10: a last-resort key package that was handed out is replaced at once.
        replaces = left.last_resort_used or left.left == 0 or await self._is_renewal_due(now)
        if left.left >= FEW and not replaces:
            return
        fresh = [self._make(now) for _ in range(STOCK)]
        last_resort = self._make(now) if replaces else None

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
        if replaces:
            await self._store.transact(lambda database: account_table.put_stocked_at(database, now))

    async def _is_renewal_due(self, now: int) -> bool:
        """Whether the stock is old, or of an unknown age; one from the future was made by a wrong clock."""
        stocked_at = await self._store.transact(account_table.stocked_at)
        return stocked_at is None or not -_CLOCK_SKEW <= now - stocked_at < RENEWED_AFTER

    async def _forget_ended(self) -> None:
        """Delete the private keys of key packages that ended long ago, handed out or not (threats.md A10)."""
        earliest_end = int(self._clock()) - KEPT_AFTER_END

        def work(database: Database) -> None:
            for ref, bundle in account_table.key_packages(database):
                lifetime = KeyPackageBundle.from_bytes(bundle).key_package.leaf_node.lifetime
                if lifetime is not None and lifetime.not_after < earliest_end:
                    account_table.forget_key_package(database, ref)

        await self._store.transact(work)

    def _make(self, now: int) -> KeyPackageBundle:
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
