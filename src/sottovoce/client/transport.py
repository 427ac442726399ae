"""One connection to the server: TLS 1.3, the pin check, requests with their replies, pushes.

A :class:`ServerLink` lives from handshake to close and is never reused; :mod:`sottovoce.client.session`
makes the next one. Nothing is sent before the server's key was compared with the pin.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from functools import lru_cache
from typing import Final, Self, TypeVar

from sottovoce.client.errors import (
    CertificateChanged,
    LinkLost,
    RateLimited,
    RequestRefused,
    ServerNotReachable,
)
from sottovoce.crypto.certificates import public_key_pin
from sottovoce.crypto.errors import InvalidCertificate
from sottovoce.link.connection import ClientConnection
from sottovoce.link.errors import LinkError
from sottovoce.link.messages import (
    ALPN,
    PROTOCOL_VERSION,
    ClientMessage,
    ErrorReply,
    Hello,
    HelloReply,
    Push,
    Reply,
    ServerMessage,
)
from sottovoce.link.parts import ErrorCode

R = TypeVar("R", bound=Reply)

Trace = Callable[[str], None]
"""Told what happens, for ``--debug``: names, sizes, epochs; never contents or secrets."""

HANDSHAKE_DEADLINE: Final = 10.0
REQUEST_DEADLINE: Final = 30.0
CLOSING_DEADLINE: Final = 1.0
MAX_PATIENCE: Final = 600.0
"""Seconds."""


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # The server's key is compared with a pin, which is stricter than any CA; names play no part.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([ALPN])
    return context


class ServerLink(asyncio.Protocol):
    """A connection whose TLS handshake is done. Make one with :meth:`open`."""

    def __init__(self, host: str, port: int, on_push: Callable[[Push], None], trace: Trace | None) -> None:
        self.address: Final = f"{host}:{port}"
        self.pin = b""
        self.greeting: HelloReply
        self.closed: Final[asyncio.Future[str]] = asyncio.get_running_loop().create_future()
        """Done when the connection has ended; the result says why, in a few words."""
        self._connection: Final = ClientConnection()
        self._on_push: Final = on_push
        self._trace: Final = trace
        self._transport: asyncio.Transport | None = None
        self._lost: Final[asyncio.Future[None]] = asyncio.get_running_loop().create_future()
        self._replies: Final[dict[int, asyncio.Future[Reply]]] = {}
        self._next_id = 0

    @classmethod
    async def open(
        cls,
        host: str,
        port: int,
        *,
        pin: bytes | None,
        on_push: Callable[[Push], None],
        trace: Trace | None = None,
    ) -> Self:
        """Connect, check the server's key against ``pin`` (None: first contact, any key), say hello.

        Raises :class:`ServerNotReachable` within 10 s, :class:`CertificateChanged` before a byte of the
        link was sent.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(HANDSHAKE_DEADLINE):
                _, link = await loop.create_connection(
                    lambda: cls(host, port, on_push, trace), host, port, ssl=_tls(), server_hostname=""
                )
        except TimeoutError:
            raise ServerNotReachable(host, port, "no answer within 10 seconds") from None
        except ssl.SSLError as trouble:
            raise ServerNotReachable(host, port, f"TLS failed: {_in_words(trouble)}") from trouble
        except OSError as trouble:
            raise ServerNotReachable(host, port, _in_words(trouble)) from trouble
        try:
            link.check_server(host, port, pin)
            link.greeting = await link.request(
                lambda number: Hello(number, [PROTOCOL_VERSION], "sottovoce-python"), HelloReply
            )
        except BaseException as trouble:
            await link.disconnect()
            if isinstance(trouble, LinkLost):
                raise ServerNotReachable(host, port, str(trouble)) from trouble
            raise
        return link

    @property
    def tls(self) -> tuple[str, str, int]:
        """The TLS version, the cipher suite and the bits of its key; raises :class:`LinkLost`."""
        transport = self._transport
        tls = transport.get_extra_info("ssl_object") if transport else None
        if tls is None:
            raise LinkLost("not connected")
        name, _, key_bits = tls.cipher()
        return tls.version(), name, key_bits

    async def request(
        self, build: Callable[[int], ClientMessage], reply: type[R], *, deadline: float = REQUEST_DEADLINE
    ) -> R:
        """Send the request that ``build`` makes of a fresh id, and return its reply.

        Raises :class:`RequestRefused` or :class:`RateLimited` for the server's typed refusal, and
        :class:`LinkLost` when the connection ends or ``deadline`` seconds pass first (the connection is
        then closed: whether the request took effect is not known).
        """
        if self._transport is None or self.closed.done():
            raise LinkLost(self.closed.result() if self.closed.done() else "not connected")
        number = self._next_id
        self._next_id += 1
        message = build(number)
        self._connection.send(message)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._replies[number] = future
        self._flush(type(message).__name__)
        try:
            async with asyncio.timeout(deadline):
                answer = await future
        except TimeoutError:
            raise self.broken(f"no reply to {type(message).__name__} within {deadline:.0f} seconds") from None
        finally:
            self._replies.pop(number, None)
        if not isinstance(answer, reply):
            raise self.broken(f"a {type(answer).__name__} is no {reply.__name__}")
        return answer

    def broken(self, reason: str) -> LinkLost:
        """End a connection whose server breaks the protocol; returns what to raise."""
        self._end(reason)
        return LinkLost(reason)

    def close(self) -> None:
        """End the connection."""
        self._end("closed by this side")

    async def disconnect(self) -> None:
        """End the connection and wait until its socket is closed; a peer that lingers is cut off.

        At once by who is cancelled meanwhile: its loop may end, and leave the socket open.
        """
        self.close()
        if self._transport is None:
            return
        try:
            await asyncio.wait((self._lost,), timeout=CLOSING_DEADLINE)
        finally:
            if not self._lost.done():
                self._transport.abort()
        await asyncio.wait((self._lost,), timeout=CLOSING_DEADLINE)

    # --- asyncio.Protocol ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport, once TLS is up."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take bytes; hand replies and pushes on."""
        try:
            self._connection.receive_data(data)
        except LinkError as error:
            self._end(f"the server broke the protocol: {error}")
            return
        for message in self._connection.events():
            self._dispatch(message)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        if not self._lost.done():
            self._lost.set_result(None)
        self._end(_in_words(exc) if exc else "the server closed the connection")

    def _dispatch(self, message: ServerMessage) -> None:
        self.note(f"link < {type(message).__name__}")
        if isinstance(message, Push):
            self._on_push(message)
        elif isinstance(message, ErrorReply):
            refusal: RequestRefused | RateLimited
            retry_after = None if message.retry_after is None else patience(message.retry_after)
            if message.code is ErrorCode.RATE_LIMITED:
                refusal = RateLimited(retry_after)
            else:
                refusal = RequestRefused(message.code, message.message, retry_after, message.epoch)
            future = None if message.id is None else self._replies.get(message.id)
            if future is None:
                self._end(str(refusal))
            elif not future.done():
                future.set_exception(refusal)
        else:
            future = self._replies.get(message.id)
            if future is not None and not future.done():
                future.set_result(message)

    def note(self, line: str) -> None:
        """Tell the trace, if there is one, a step that is being taken; never a secret."""
        if self._trace:
            self._trace(line)

    def check_server(self, host: str, port: int, pin: bytes | None) -> None:
        """Hold the server's key against ``pin``, before anything is sent.

        Raises :class:`CertificateChanged`, and :class:`ServerNotReachable` for what is no such server.
        """
        transport = self._transport
        tls = transport.get_extra_info("ssl_object") if transport else None
        if tls is None:
            raise LinkLost("the connection ended during the handshake")
        if tls.selected_alpn_protocol() != ALPN:
            raise ServerNotReachable(host, port, "what answers there is not a Sottovoce server")
        try:
            self.pin = public_key_pin(tls.getpeercert(binary_form=True))
        except InvalidCertificate as trouble:
            raise ServerNotReachable(host, port, str(trouble)) from trouble
        self.note(f"tls {tls.version()} {tls.cipher()[0]} alpn {ALPN} server key {self.pin.hex()[:16]}")
        if pin is not None and pin != self.pin:
            raise CertificateChanged(host, port)

    def _flush(self, name: str) -> None:
        data = self._connection.data_to_send()
        self.note(f"link > {name} {len(data)} bytes")
        if self._transport is not None and data:
            self._transport.write(data)

    def _end(self, reason: str) -> None:
        if self.closed.done():
            return
        self.closed.set_result(reason)
        self._connection.close()
        for future in self._replies.values():
            if not future.done():
                future.set_exception(LinkLost(reason))
        if self._transport is not None:
            self._transport.close()


def patience(seconds: float, most: float = MAX_PATIENCE) -> float:
    """How long to wait for a server that asks for so many seconds: no number of its own holds anybody up."""
    return min(seconds, most) if seconds > 0 else 0.0  # what is not a number is not above 0


def _in_words(trouble: Exception) -> str:
    """Say in the system's own words what asyncio tells as a call and an address, or not at all."""
    match trouble:
        case ssl.SSLError() | socket.gaierror():  # their numbers are not the system's
            return trouble.strerror or str(trouble)
        case OSError(errno=int() as number):
            return os.strerror(number)
        case ConnectionError():
            return str(trouble) or "the server ended the connection"
        case OSError():  # several addresses, each with a failure of its own
            return "none of its addresses answers"
        case _:
            return str(trouble)
