"""One connection as the services see it: who it is, how to answer it, and what it is owed.

No sockets: bytes go out when whoever owns the socket is woken and calls :meth:`Session.data_to_send`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sottovoce.link.connection import ServerConnection, Trace
from sottovoce.link.connection_state import State
from sottovoce.link.frames import encode_frame
from sottovoce.link.messages import CatchUp, ErrorReply, Request, ServerMessage
from sottovoce.link.parts import ErrorCode
from sottovoce.server.errors import Refused
from sottovoce.server.metrics import Metrics
from sottovoce.server.store.accounts import Account, StoredDevice

if TYPE_CHECKING:
    from sottovoce.opaque.server import ServerLogin

_DEVICE: Final = State.DEVICE
_CLOSED: Final = State.CLOSED
_log: Final = logging.getLogger(__name__)

_CAUGHT_UP_BELOW: Final = 64 * 1024
"""A connection that was behind is told to catch up when fewer bytes than this wait for it."""


def _do_nothing() -> None:
    """There is no socket to wake."""


def _take_nothing(_frame: bytes) -> bool:
    return False


class Session:
    """A connection's identity and outbox.

    ``address_group`` is what limits by address count as one; ``challenge`` (32 bytes) was sent in HelloReply.
    ``wake`` is called when there are bytes to send. ``write_through`` may take a whole frame to the socket at
    once while nothing else waits, and says whether it did. Used on the event loop only; hashable by identity.
    """

    __slots__ = (
        "_behind", "_metrics", "_outbox_limit", "_wake", "_write_through", "account", "address_group",
        "challenge", "connection", "device", "login", "unsent_bytes",
    )  # fmt: skip

    def __init__(
        self,
        *,
        address_group: str,
        challenge: bytes,
        outbox_limit: int,
        metrics: Metrics,
        wake: Callable[[], None],
        write_through: Callable[[bytes], bool] = _take_nothing,
        trace: Trace | None = None,
    ) -> None:
        self.connection = ServerConnection(trace)
        self.address_group = address_group
        self.challenge = challenge
        self.account: Account | None = None
        self.device: StoredDevice | None = None
        self.login: tuple[Account | None, str, ServerLogin] | None = None
        self.unsent_bytes = 0
        self._outbox_limit = outbox_limit
        self._behind: dict[bytes, int] = {}
        self._metrics = metrics
        self._wake = wake
        self._write_through = write_through if trace is None else _take_nothing

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self.connection.state is _CLOSED

    @property
    def bytes_waiting(self) -> int:
        """Bytes the client has not read: queued here, or taken by the socket's owner and not yet sent."""
        return self.connection.bytes_to_send + self.unsent_bytes

    @property
    def is_full(self) -> bool:
        """Whether more bytes wait than a slow reader may make us keep."""
        return self.connection.bytes_to_send + self.unsent_bytes > self._outbox_limit

    @property
    def current_device(self) -> StoredDevice:
        """The device that is logged in; requests that need one are legal only then."""
        if self.device is None:
            raise Refused(ErrorCode.NOT_ALLOWED, "no device is logged in on this connection")
        return self.device

    def reply(self, message: ServerMessage) -> None:
        """Answer a request; dropped when the connection is gone."""
        if self.connection.state is not _CLOSED:
            self.connection.send(message)
            self._wake()

    def refuse(self, request: Request, reason: BaseException) -> None:
        """Answer with an error; anything but a :class:`Refused` is our own trouble, told as such."""
        self._metrics.requests_refused += 1
        if isinstance(reason, Refused):
            error = ErrorReply(request.id, reason.code, str(reason), reason.retry_after, reason.epoch)
        else:
            _log.error(
                "a request failed",
                extra={"fields": {"request": type(request).__name__, "error": type(reason).__name__}},
            )
            error = ErrorReply(
                request.id, ErrorCode.INTERNAL, "the server could not do this; nothing was stored"
            )
        self.reply(error)

    def push_entries(self, room_id: bytes, frame: bytes, head: int) -> None:
        """Send entries, or note that this connection must catch up with the room: the log has them."""
        connection = self.connection
        if not (connection.bytes_to_send or self.unsent_bytes or self._behind) and (
            connection.state is _DEVICE and self._write_through(frame)
        ):
            self._metrics.entries_pushed += 1
            return
        if room_id in self._behind or self.is_full:
            self._behind[room_id] = head
            return
        self._metrics.entries_pushed += 1
        self.push(frame)

    def push(self, frame: bytes) -> None:
        """Queue another push; dropped when too many bytes wait, or nobody is logged in any more."""
        if self.connection.state is _DEVICE and not self.is_full:
            self.connection.send_push(frame)
            self._wake()

    def drop(self) -> None:
        """Forget the socket: the connection is gone, and is freed now, not at the collector's next look."""
        self._wake = _do_nothing
        self._write_through = _take_nothing

    def data_to_send(self) -> bytes:
        """Return the bytes to write now. When nearly all was read, they include what to catch up with."""
        if self._behind and self.bytes_waiting < _CAUGHT_UP_BELOW and self.connection.state is _DEVICE:
            for room_id, head in self._behind.items():
                self.connection.send_push(encode_frame(CatchUp(room_id, head)))
            self._metrics.catch_ups += len(self._behind)
            self._behind.clear()
        return self.connection.data_to_send()
