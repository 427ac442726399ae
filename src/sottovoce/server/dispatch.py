"""Which service takes which request: one table, and the order in which a connection's requests are taken.

A handler returns the reply, or something to await for it, or None and answers later by itself (those that
answer after COMMIT, or when a turn comes). One connection's requests begin in the order they came; one that
is awaited ends before the next begins, so a connection holds at most one large reply in the making.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from sottovoce.link import messages as m
from sottovoce.link.connection_state import State
from sottovoce.link.messages import ClientMessage, Request
from sottovoce.server.authentication import AuthenticationService
from sottovoce.server.delivery import DeliveryService
from sottovoce.server.key_directory import KeyDirectory
from sottovoce.server.metrics import Metrics
from sottovoce.server.session import Session
from sottovoce.server.throttle import TokenBuckets

Handler = Callable[[Session, Any], Awaitable[m.Reply] | m.Reply | None]

MAX_QUEUED: Final = 16
"""Requests of one connection that may wait here; while more do, its socket is not read."""

MAX_UNDER_WAY: Final = 128
"""Requests of one connection that may be unanswered before its socket is not read any more."""

CHARGED_AS_ONE: Final = 4096
"""Bytes that are charged like one message."""


class Dispatcher:
    """Takes requests to the services."""

    def __init__(
        self,
        authentication: AuthenticationService,
        directory: KeyDirectory,
        delivery: DeliveryService,
        metrics: Metrics,
        *,
        messages_per_second: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._delivery = delivery
        self._metrics = metrics
        self._clock = clock
        self._rate = TokenBuckets(rate=messages_per_second, burst=messages_per_second * 10)
        self._tasks: set[asyncio.Task[None]] = set()
        self._handlers: Final[dict[type[Request], Handler]] = {
            m.Hello: authentication.hello,
            m.Ping: _ping,
            m.RegisterStart: authentication.register_start,
            m.RegisterFinish: authentication.register_finish,
            m.LoginStart: authentication.login_start,
            m.LoginFinish: authentication.login_finish,
            m.EnrolDevice: authentication.enrol_device,
            m.DeviceLogin: authentication.device_login,
            m.CreateToken: authentication.create_token,
            m.VaultGet: authentication.vault_get,
            m.VaultPut: authentication.vault_put,
            m.KeyPackagesPublish: directory.publish,
            m.KeyPackagesLeft: directory.left,
            m.KeyPackagesClaim: directory.claim,
            m.RoomList: delivery.room_list,
            m.RoomCreate: delivery.create,
            m.RoomState: delivery.state,
            m.Turn: delivery.turn,
            m.TurnRelease: delivery.turn_release,
            m.Commit: delivery.commit,
            m.Append: delivery.append,
            m.Fetch: delivery.fetch,
            m.Subscribe: delivery.subscribe,
            m.Leave: delivery.leave,
            m.GroupInfoDamaged: delivery.group_info_damaged,
            m.InboxFetch: delivery.inbox_fetch,
            m.InboxDelete: delivery.inbox_delete,
        }

    def open_line(self, session: Session) -> RequestLine:
        """Make the line in which one connection's requests wait."""
        return RequestLine(self, session)

    async def finish(self) -> None:
        """Wait for the requests that are being awaited."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def charge(self, session: Session, requests: list[ClientMessage], frames: int, octets: int) -> float:
        """Charge what came to the account (before login: the address); seconds to wait before the next.

        Every frame costs one, whether or not it was a request that is allowed; so does every further message
        or device in it, and every :data:`CHARGED_AS_ONE` bytes.
        """
        self._metrics.requests += len(requests)
        key = session.address_group if session.device is None else session.device.account
        amount = frames + octets / CHARGED_AS_ONE + sum([_further_parts(request) for request in requests])
        return self._rate.owe(key, self._clock(), amount)

    def begin(self, session: Session, request: Request) -> Awaitable[m.Reply] | None:
        """Give a request to its handler; None: it is or will be answered."""
        try:
            reply = self._handlers[type(request)](session, request)
            if reply is None or not isinstance(reply, m.Reply):
                return reply
            self._answer(session, request, reply)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a typed error
            session.refuse(request, error)
        return None

    async def complete(self, session: Session, request: Request, reply: Awaitable[m.Reply]) -> None:
        """Await a handler and send its reply or refusal."""
        try:
            self._answer(session, request, await reply)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a typed error
            session.refuse(request, error)

    def _answer(self, session: Session, request: Request, reply: m.Reply) -> None:
        session.reply(reply)  # type: ignore[arg-type]  # a handler's Reply is one of ServerMessage
        if isinstance(request, m.DeviceLogin) and session.connection.state is State.DEVICE:
            self._delivery.device_connected(session)

    def spawn(self, work: Any) -> None:
        """Run a coroutine and remember it until it ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


_NOTHING: Final[deque[ClientMessage]] = deque()  # shared by all who have nothing waiting; never added to


def _do_nothing() -> None:
    """There is no socket to read."""


class RequestLine:
    """The requests of one connection that have not begun."""

    __slots__ = ("_busy", "_dispatcher", "_session", "_waiting", "resume_reading")

    def __init__(self, dispatcher: Dispatcher, session: Session) -> None:
        self._dispatcher = dispatcher
        self._session = session
        self._waiting: deque[ClientMessage] = _NOTHING
        self._busy = False
        self.resume_reading: Callable[[], None] = _do_nothing

    @property
    def is_full(self) -> bool:
        """Whether the socket should not be read for now."""
        return len(self._waiting) > MAX_QUEUED or self._session.connection.requests_under_way > MAX_UNDER_WAY

    def take(self, requests: list[ClientMessage], *, frames: int, octets: int) -> float:
        """Queue requests and begin what can begin; returns seconds for which not to read any more.

        ``frames`` and ``octets`` are all that came, also what became no request.
        """
        if self._waiting:
            self._waiting.extend(requests)
        else:
            self._waiting = deque(requests)
        wait = self._dispatcher.charge(self._session, requests, frames, octets)
        self.advance()
        return wait

    def advance(self) -> None:
        """Begin requests until one has to be awaited, or the client does not read its replies."""
        while self._waiting and not self._busy and not self._session.is_full:
            request = self._waiting.popleft()
            reply = self._dispatcher.begin(self._session, request)
            if reply is not None:
                self._busy = True
                self._dispatcher.spawn(self._complete(request, reply))
        if not self._waiting:
            self._waiting = _NOTHING

    def drop(self) -> None:
        """Forget what has not begun, and the socket: the connection is gone."""
        self._waiting = _NOTHING
        self.resume_reading = _do_nothing

    async def _complete(self, request: Request, reply: Awaitable[m.Reply]) -> None:
        await self._dispatcher.complete(self._session, request, reply)
        self._busy = False
        self.advance()
        self.resume_reading()


def _further_parts(request: ClientMessage) -> int:
    """How many messages or devices a request has the store look at, apart from the first message."""
    if isinstance(request, m.Append):
        return len(request.messages) - 1
    if isinstance(request, m.Commit):
        return len(request.added) + len(request.removed) + len(request.welcomes)
    return 0


def _ping(_session: Session, request: m.Ping) -> m.Done:
    return m.Done(request.id)
