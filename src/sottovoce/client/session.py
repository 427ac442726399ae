"""Staying connected: one link at a time, made again with backoff and jitter whenever it ends."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from sottovoce.client.errors import (
    LinkLost,
    RateLimited,
    RequestRefused,
    ServerNotReachable,
    failed_task,
)
from sottovoce.client.events import ClientEvent, Connected, Disconnected, SessionEnded
from sottovoce.client.server_address import ServerAddress
from sottovoce.client.transport import ServerLink, Trace, patience
from sottovoce.errors import SottovoceError
from sottovoce.link.messages import Done, Ping, Push, ServerStopping

FIRST_DELAY: Final = 0.1
SHORT_CAP: Final = 2.0
LONG_CAP: Final = 10.0
LONG_AFTER: Final = 60.0
"""Seconds: the delay before an attempt is drawn from 0 up to a bound that doubles from ``FIRST_DELAY`` to
``SHORT_CAP``; once the server has been away for ``LONG_AFTER``, to ``LONG_CAP``."""

PING_EVERY: Final = 30.0
PING_DEADLINE: Final = 20.0

PASSING: Final = (ServerNotReachable, LinkLost, RateLimited, RequestRefused)
"""What another attempt may put right; anything else ends the session for good."""


def backoff(attempt: int, away: float) -> float:
    """The bound in seconds of the delay before attempt ``attempt`` (from 0), ``away`` seconds after."""
    cap = SHORT_CAP if away < LONG_AFTER else LONG_CAP
    return min(cap, FIRST_DELAY * float(2 ** min(attempt, 16)))


class Session:
    """Keeps a logged-in :class:`ServerLink` up while :meth:`run` runs."""

    def __init__(
        self,
        address: ServerAddress,
        *,
        log_in: Callable[[ServerLink], Awaitable[None]],
        on_push: Callable[[Push], None],
        emit: Callable[[ClientEvent], None],
        trace: Trace | None = None,
    ) -> None:
        self.address: Final = address
        self.failure: SottovoceError | None = None
        self.first_attempt: Final[asyncio.Future[None]] = asyncio.get_running_loop().create_future()
        """Done when the first attempt has succeeded or failed."""
        self._log_in: Final = log_in
        self._on_push: Final = on_push
        self._emit: Final = emit
        self._trace: Final = trace
        self._link: ServerLink | None = None
        self._changed: Final = asyncio.Condition()
        self._retry_after = 0.0

    @property
    def is_online(self) -> bool:
        """Whether a link is up and logged in."""
        return self._link is not None

    async def online(self) -> ServerLink:
        """Wait for a logged-in link; raises what ended the session for good."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._link is not None or self.failure is not None)
            if self._link is None:
                raise self.failure or LinkLost("closed by this side")
            return self._link

    async def run(self) -> None:
        """Connect, stay connected, connect again; ends for what is not :data:`PASSING`: see ``failure``."""
        try:
            await self._keep_connected()
        except SottovoceError as trouble:
            await self._end(trouble)
        except Exception as bug:  # noqa: BLE001 - whoever waits for this task is told
            await self._end(failed_task("the connection", bug))

    async def _end(self, trouble: SottovoceError) -> None:
        self._emit(SessionEnded(str(trouble)))  # before the rooms hear of it, and end too
        await self._fail(trouble)

    async def _keep_connected(self) -> None:
        loop = asyncio.get_running_loop()
        attempt, away_since = 0, loop.time()
        while True:
            try:
                link = await self._connect()
            except PASSING as trouble:
                delay = random.uniform(0, backoff(attempt, loop.time() - away_since))  # noqa: S311 - jitter
                if isinstance(trouble, (RateLimited, RequestRefused)):
                    delay += trouble.retry_after or 0.0
                attempt += 1
                self._emit(Disconnected(str(trouble), delay))
                self._settle_first_attempt()
                await asyncio.sleep(delay)
                continue
            reason = await self._stay(link)
            attempt, away_since = 0, loop.time()
            # Everybody lost the server at once: the first attempts must not come at once too.
            delay = self._retry_after + random.uniform(0, FIRST_DELAY)  # noqa: S311 - jitter
            self._retry_after = 0.0
            self._emit(Disconnected(reason, delay))
            await asyncio.sleep(delay)

    async def close(self) -> None:
        """End the link; :meth:`run` is to be cancelled by who started it."""
        if self._link is not None:
            await self._link.disconnect()
        await self._fail(LinkLost("closed by this side"))

    async def _connect(self) -> ServerLink:
        address = self.address
        link = await ServerLink.open(
            address.host, address.port, pin=address.pin, on_push=self._receive_push, trace=self._trace
        )
        try:
            await self._log_in(link)
        except BaseException:
            await link.disconnect()
            raise
        return link

    async def _stay(self, link: ServerLink) -> str:
        async with self._changed:
            self._link = link
            self._changed.notify_all()
        self._emit(Connected(link.address))
        self._settle_first_attempt()
        try:
            while not link.closed.done():
                await asyncio.wait((link.closed,), timeout=PING_EVERY)
                if not link.closed.done():
                    await link.request(Ping, Done, deadline=PING_DEADLINE)
        except (LinkLost, RequestRefused, RateLimited) as trouble:
            link.close()
            return str(trouble)
        finally:
            self._link = None
        return link.closed.result()

    def _receive_push(self, push: Push) -> None:
        if isinstance(push, ServerStopping):
            self._retry_after = patience(push.retry_after, LONG_CAP)
        self._on_push(push)

    async def _fail(self, trouble: SottovoceError) -> None:
        self.failure = self.failure or trouble
        async with self._changed:
            self._changed.notify_all()
        if not self.first_attempt.done():
            self.first_attempt.set_exception(trouble)

    def _settle_first_attempt(self) -> None:
        if not self.first_attempt.done():
            self.first_attempt.set_result(None)
