"""The key directory: key packages published by devices, each claimed once (RFC 9750 §5.1)."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Final

from sottovoce.link import messages as m
from sottovoce.link.parts import Device, ErrorCode, KeyPackageOf
from sottovoce.server.errors import Refused, rate_limited
from sottovoce.server.session import Session
from sottovoce.server.store import accounts, key_packages
from sottovoce.server.store.store import Store
from sottovoce.server.throttle import TokenBuckets

MAX_KEY_PACKAGES: Final = 100
"""Unclaimed one-time key packages kept for a device."""

_CLAIM_BURST: Final = 100.0
_BURST_OF_ONE_USERS: Final = 20.0  # a fifth of what a device keeps: no one account empties another's
_PER_SECOND_OF_ONE_USERS: Final = 1 / 20


class KeyDirectory:
    """Publishes and hands out key packages (threats A9).

    Claims are limited by claimer, by target, and more narrowly by both together.
    """

    def __init__(
        self, store: Store, *, claims_per_minute: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._clock = clock
        self._by_claimer = TokenBuckets(rate=claims_per_minute / 60, burst=_CLAIM_BURST)
        self._by_pair = TokenBuckets(rate=_PER_SECOND_OF_ONE_USERS, burst=_BURST_OF_ONE_USERS)
        self._by_target = TokenBuckets(rate=claims_per_minute / 6, burst=_CLAIM_BURST * 10)

    async def publish(self, session: Session, request: m.KeyPackagesPublish) -> m.Done:
        """Add key packages to those of this device; with a last-resort one, put them in their place."""
        device = session.current_device.row

        def work(db: sqlite3.Connection) -> None:
            if request.last_resort is not None:
                key_packages.withdraw(db, device)
                key_packages.publish_last_resort(db, device, request.last_resort)
            if key_packages.count_unclaimed(db, device) + len(request.key_packages) > MAX_KEY_PACKAGES:
                raise Refused(
                    ErrorCode.TOO_LARGE, f"a device keeps at most {MAX_KEY_PACKAGES} unclaimed key packages"
                )
            key_packages.publish(db, device, request.key_packages)

        await self._store.write(work)
        return m.Done(request.id)

    async def left(self, session: Session, request: m.KeyPackagesLeft) -> m.KeyPackagesLeftReply:
        """Count what is unclaimed."""
        device = session.current_device.row
        left, used = await self._store.read(
            lambda db: (
                key_packages.count_unclaimed(db, device),
                key_packages.is_last_resort_used(db, device),
            )
        )
        return m.KeyPackagesLeftReply(request.id, left, used)

    async def claim(self, session: Session, request: m.KeyPackagesClaim) -> m.KeyPackagesClaimReply:
        """Hand out one key package of each device of a user, none that has ended.

        An unknown user is NOT_FOUND.
        """
        now = self._clock()
        name = request.user.lower()
        claimer = session.current_device.account
        wait = (
            self._by_claimer.take(claimer, now)
            or self._by_pair.take((claimer, name), now)
            or self._by_target.take(name, now)
        )
        if wait > 0:
            raise rate_limited(wait)

        unix_now = int(time.time())

        def work(db: sqlite3.Connection) -> list[KeyPackageOf]:
            devices = accounts.devices_of(db, name)
            if not devices:
                raise Refused(ErrorCode.NOT_FOUND, "there is no such user")
            claimed = ((device, key_packages.claim(db, device.row, unix_now)) for device in devices)
            return [
                KeyPackageOf(Device(device.user, device.device_id), octets)
                for device, octets in claimed
                if octets is not None
            ]

        return m.KeyPackagesClaimReply(request.id, await self._store.write(work))
