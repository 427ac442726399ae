"""Accepting connections, and cutting those that miss a deadline."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import ssl
from typing import Final

from sottovoce.link.connection import Trace
from sottovoce.link.frames import encode_frame
from sottovoce.link.messages import ServerStopping
from sottovoce.server.admission import Admission
from sottovoce.server.config import ServerConfig
from sottovoce.server.delivery import DeliveryService
from sottovoce.server.dispatch import Dispatcher
from sottovoce.server.errors import AddressNotUsable, PortInUse
from sottovoce.server.metrics import Metrics
from sottovoce.server.pace import Pace
from sottovoce.server.peer import Peer
from sottovoce.server.readiness import Readiness
from sottovoce.server.session import Session
from sottovoce.server.tls_stream import TlsBuffers, TlsStream

SWEEP_SECONDS: Final = 0.5
"""How often deadlines are looked at; each is kept to within this."""

_BACKLOG: Final = 1024
_ACCEPTS_IN_A_ROW: Final = 16
_ACCEPT_PAUSE_SECONDS: Final = 0.2
_log: Final = logging.getLogger(__name__)


def listening_socket(host: str, port: int) -> socket.socket:
    """Bind and listen. Raises :class:`PortInUse` and :class:`AddressNotUsable`."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise AddressNotUsable(host, port, error.strerror or str(error)) from None
    except ValueError:  # a label that IDNA does not allow
        raise AddressNotUsable(host, port, "it is no host name") from None
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted sockets have these from the listening one.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
            if hasattr(socket, name):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        sock.bind(address)
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(host, port) from None
        raise AddressNotUsable(host, port, error.strerror or str(error)) from None
    return sock


class Listener:
    """Owns the listening socket and every connection."""

    def __init__(
        self,
        sock: socket.socket,
        context: ssl.SSLContext,
        config: ServerConfig,
        *,
        dispatcher: Dispatcher,
        delivery: DeliveryService,
        metrics: Metrics,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._context = context
        self._config = config
        self._dispatcher = dispatcher
        self._delivery = delivery
        self._metrics = metrics
        self._admission = Admission(
            allow=config.allow,
            deny=config.deny,
            connections=config.connections,
            connections_per_address=config.connections_per_address,
        )
        self._peers: set[Peer] = set()
        self._buffers = TlsBuffers()
        self._readiness = Readiness(self._loop)
        self._pace = Pace(self._loop)
        self._trace: Trace | None = _trace if config.debug else None
        self._sweeper: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Accept from now on."""
        self._loop.add_reader(self._sock.fileno(), self._accept)
        self._sweep()

    def stop_accepting(self) -> None:
        """Close the listening socket; connections stay."""
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()

    def stop_reading(self) -> None:
        """Take no more requests from anybody."""
        for peer in self._peers:
            peer.stop_reading()

    def close(self, *, retry_after: float) -> None:
        """Tell every client that the server stops, and close its connection."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        farewell = encode_frame(ServerStopping(retry_after))
        for peer in list(self._peers):
            peer.session.push(farewell)
            peer.close()
        self._readiness.close()

    def _accept(self) -> None:
        for _ in range(_ACCEPTS_IN_A_ROW):
            try:
                sock, address = self._sock.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:  # no file descriptors left: let the others finish first
                _log.error(
                    "cannot accept", extra={"fields": {"reason": errno.errorcode.get(error.errno or 0)}}
                )
                self._loop.remove_reader(self._sock.fileno())
                self._loop.call_later(_ACCEPT_PAUSE_SECONDS, self._accept_again)
                return
            group = self._admission.admit(address[0])
            if group is None:
                self._metrics.connections_refused += 1
                sock.close()
            else:
                self._welcome(sock, group)

    def _accept_again(self) -> None:
        if self._sock.fileno() >= 0:
            self._loop.add_reader(self._sock.fileno(), self._accept)

    def _welcome(self, sock: socket.socket, group: str) -> None:
        sock.setblocking(False)
        config = self._config
        peer = Peer(
            TlsStream(sock, self._context, self._buffers),
            self._loop,
            deadline=self._loop.time() + config.handshake_seconds,
            first_frame_seconds=config.first_frame_seconds,
            frame_seconds=config.frame_seconds,
            login_seconds=config.login_seconds,
            stall_seconds=config.stall_seconds,
            metrics=self._metrics,
            readiness=self._readiness,
            pace=self._pace,
            on_closed=self._closed,
        )
        session = Session(
            address_group=group,
            challenge=os.urandom(32),
            outbox_limit=config.outbox_bytes,
            metrics=self._metrics,
            wake=peer.wake,
            write_through=peer.write_through,
            trace=self._trace,
        )
        self._peers.add(peer)
        self._metrics.connections += 1
        self._metrics.connections_accepted += 1
        peer.start(session, self._dispatcher.open_line(session))

    def _closed(self, peer: Peer) -> None:
        self._peers.discard(peer)
        self._metrics.connections -= 1
        self._admission.leave(peer.session.address_group)
        self._delivery.disconnected(peer.session)

    def _sweep(self) -> None:
        self._sweeper = self._loop.call_later(SWEEP_SECONDS, self._sweep)
        now = self._loop.time()
        for peer in list(self._peers):
            missed = peer.missed_deadline(now)
            if missed is not None:
                self._metrics.deadlines_missed += 1
                _log.debug("deadline missed", extra={"fields": {"deadline": missed}})
                peer.abort()
        self._delivery.expire_turns()


def _trace(direction: str, name: str, size: int) -> None:
    _log.debug("frame", extra={"fields": {"direction": direction, "type": name, "bytes": size}})
