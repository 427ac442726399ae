"""One client's connection, driven by hand: a non-blocking TLS socket on epoll, no task for it."""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Callable
from typing import Final

from bench.server import wire
from sottovoce.link.frames import LIMIT_AFTER_LOGIN, FrameReader, encode_frame
from sottovoce.link.messages import (
    ClientMessage,
    Done,
    ErrorReply,
    Hello,
    HelloReply,
    ServerMessage,
    Subscribe,
    SubscribeReply,
)

_READ_SIZE: Final = 64 * 1024
_READ_IN_A_ROW: Final = 512 * 1024
_CONNECT_SECONDS: Final = 10.0


class LoadFailed(Exception):
    """The load could not be brought about; the text says why."""


class Poller:
    """The sockets of this process, and the buffer that all of them are read into."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._by_descriptor: dict[int, Connection] = {}
        self.buffer = bytearray(wire.HEADER_BYTES + _READ_IN_A_ROW)
        self.view = memoryview(self.buffer)
        self.context = wire.client_context()
        self.lost: Callable[[Connection], None] = _not_expected

    def poll(self, seconds: float) -> None:
        """Wait for at most that long, then serve every socket that is ready."""
        for descriptor, _mask in self._epoll.poll(max(0.0, seconds)):
            connection = self._by_descriptor.get(descriptor)
            if connection is not None:  # else: closed by another's event
                connection.on_event()

    def add(self, connection: Connection, descriptor: int) -> None:
        """Tell a connection of its socket from now on."""
        self._by_descriptor[descriptor] = connection
        self._epoll.register(descriptor, select.EPOLLIN)

    def want_write(self, descriptor: int, wanted: bool) -> None:
        """Tell, or do not tell, when the socket takes bytes."""
        self._epoll.modify(descriptor, select.EPOLLIN | (select.EPOLLOUT if wanted else 0))

    def want_nothing(self, descriptor: int) -> None:
        """Tell nothing until :meth:`want_write` is called: the connection is asleep."""
        self._epoll.modify(descriptor, 0)

    def remove(self, descriptor: int) -> None:
        """Forget a socket that is about to be closed."""
        self._epoll.unregister(descriptor)
        del self._by_descriptor[descriptor]


class Connection:
    """Connects, logs in, subscribes; then counts what comes, or hands it to ``on_messages``.

    ``on_ready`` is called once, when it is logged in and, with a ``room``, subscribed.
    """

    __slots__ = (
        "_certificate", "_on_data", "_pending", "_poller", "_reader", "_sock", "_user", "began", "counter",
        "head", "number", "on_arrived", "on_event", "on_messages", "on_ready", "room", "sender"
    )  # fmt: skip

    def __init__(
        self,
        poller: Poller,
        number: int,
        user: int,
        room: bytes | None,
        *,
        on_ready: Callable[[Connection], None],
        on_arrived: Callable[[Connection, int], None] = lambda _connection, _end: None,
    ) -> None:
        self._poller = poller
        self.number = number
        self._user = user
        self.room = room
        self.on_ready = on_ready
        self.on_arrived = on_arrived
        self.on_messages: Callable[[Connection, ServerMessage], None] = _ignored
        self.counter = wire.FrameCounter()
        self.sender: wire.Sender | None = None
        self.head = 0
        self._pending: list[bytes] = []
        self._reader = FrameReader(LIMIT_AFTER_LOGIN)
        self._certificate = b""
        self._on_data: Callable[[], bool] = self._read_messages
        self._sock: ssl.SSLSocket
        self.on_event: Callable[[], None] = self._handshake
        self.began = 0

    def start(self, port: int, *, receive_buffer: int = 0) -> None:
        """Connect to a server on this machine and begin the handshake."""
        self.began = time.monotonic_ns()
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(_CONNECT_SECONDS)
        sock.connect(("127.0.0.1", port))
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = self._poller.context.wrap_socket(sock, do_handshake_on_connect=False)
        self._poller.add(self, self._sock.fileno())
        self._handshake()

    @property
    def is_pending(self) -> bool:
        """Whether bytes wait that the socket has not taken."""
        return bool(self._pending)

    def send(self, data: bytes) -> None:
        """Send, at once or as soon as the socket takes more."""
        if self._pending:
            self._pending.append(data)
            return
        try:
            self._sock.send(data)
        except ssl.SSLWantWriteError:
            self._pending.append(data)
            self._poller.want_write(self._sock.fileno(), True)
        except OSError:
            self._lose()

    def ask(self, request: ClientMessage) -> None:
        """Send a request that is not worth a template."""
        self.send(encode_frame(request))

    def close(self) -> None:
        """Close without a word more, as a client does whose cable is pulled."""
        if self._sock.fileno() >= 0:
            self._poller.remove(self._sock.fileno())
            self._sock.close()

    def sleep(self) -> None:
        """Read nothing until :meth:`wake`."""
        self._poller.want_nothing(self._sock.fileno())

    def wake(self) -> None:
        """Read again."""
        self._poller.want_write(self._sock.fileno(), bool(self._pending))

    def count_from_now_on(self) -> None:
        """Decode nothing any more: only count. Raises :class:`LoadFailed` in the middle of a frame."""
        if self._reader.is_mid_frame:
            raise LoadFailed("a frame was cut where counting was to begin")
        self._on_data = self._count

    # --- events --------------------------------------------------------------------------------------------

    def _handshake(self) -> None:
        try:
            self._sock.do_handshake()
        except ssl.SSLWantReadError:
            return
        except OSError:
            self._lose()
            return
        self._certificate = self._sock.getpeercert(binary_form=True) or b""
        self.on_event = self._serve
        self.ask(Hello(1, [1], "bench"))

    def _serve(self) -> None:
        while self._pending:
            data = self._pending[0] if len(self._pending) == 1 else b"".join(self._pending)
            self._pending = [data]
            try:
                sent = self._sock.send(data)
            except ssl.SSLWantWriteError:
                break
            except OSError:
                self._lose()
                return
            self._pending = [data[sent:]] if sent < len(data) else []
            if not self._pending:
                self._poller.want_write(self._sock.fileno(), False)
        try:
            if not self._on_data():
                self._lose()
        except OSError:
            self._lose()

    def _count(self) -> bool:
        """Read and count; returns whether the connection still stands."""
        poller, counter = self._poller, self.counter
        view = poller.view
        view[: wire.HEADER_BYTES] = counter.carry
        end, most = wire.HEADER_BYTES, len(view) - _READ_SIZE
        is_open = True
        try:
            while is_open and end <= most:
                count = self._sock.recv_into(view[end:], _READ_SIZE)
                end += count
                is_open = count > 0
        except ssl.SSLWantReadError:
            pass
        if end > wire.HEADER_BYTES:
            self.on_arrived(self, end)
        return is_open

    def _read_messages(self) -> bool:
        """Read and decode; returns whether the connection still stands."""
        view = self._poller.view
        try:
            while count := self._sock.recv_into(view, _READ_SIZE):
                for body in self._reader.frames(view[:count]):
                    self._take(wire.server_messages.decode(body))
                    if self._sock.fileno() < 0:
                        return True
        except ssl.SSLWantReadError:
            return True
        return False

    def _take(self, message: ServerMessage) -> None:
        if isinstance(message, HelloReply):
            self.ask(wire.device_login(2, self._user, message, self._certificate))
        elif isinstance(message, Done) and message.id == 2:
            if self.room is None:
                self.on_ready(self)
            else:
                self.ask(Subscribe(3, self.room))
        elif isinstance(message, SubscribeReply):
            self.head = message.head
            self.on_ready(self)
        elif isinstance(message, ErrorReply) and message.id is not None and message.id <= 3:
            raise LoadFailed(f"connection {self.number} was refused: {message.message}")
        else:
            self.on_messages(self, message)

    def _lose(self) -> None:
        self.close()
        self._poller.lost(self)


def _ignored(_connection: Connection, _message: ServerMessage) -> None:
    """Take no notice."""


def _not_expected(connection: Connection) -> None:
    raise LoadFailed(f"the server closed connection {connection.number}")
