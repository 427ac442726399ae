"""Connecting to what is no Sottovoce server, and losing one."""

from __future__ import annotations

import asyncio
import errno
import math
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sottovoce.client.errors import (
    CertificateChanged,
    LinkLost,
    RateLimited,
    RequestRefused,
    ServerNotReachable,
)
from sottovoce.client.transport import MAX_PATIENCE, ServerLink
from sottovoce.crypto.certificates import self_signed_certificate
from sottovoce.link.connection import ServerConnection
from sottovoce.link.messages import ALPN, Done, ErrorReply, Hello, HelloReply, Ping
from sottovoce.link.parts import ErrorCode


@asynccontextmanager
async def _server(
    folder: Path, *, alpn: str = ALPN, tls: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> AsyncIterator[int]:
    """A server that greets, answers the first Ping, refuses the second, and closes at the third."""
    made = self_signed_certificate(["localhost"], datetime.now(UTC))
    (folder / "certificate").write_bytes(made.certificate)
    (folder / "key").write_bytes(made.private_key.reveal())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = tls
    context.load_cert_chain(folder / "certificate", folder / "key")
    context.set_alpn_protocols([alpn])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection, pings = ServerConnection(), 0
        while data := await reader.read(4096):
            connection.receive_data(data)
            for message in connection.events():
                match message:
                    case Hello(id=number):
                        connection.send(HelloReply(number, 1, False, bytes(32)))
                    case Ping(id=number):
                        pings += 1
                        if pings == 3:
                            writer.close()
                            return
                        refusal = ErrorReply(number, ErrorCode.INTERNAL, "not now", retry_after=2.0)
                        connection.send(Done(number) if pings == 1 else refusal)
            writer.write(connection.data_to_send())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _open(port: int, pin: bytes | None = None, trace: list[str] | None = None) -> ServerLink:
    return await ServerLink.open(
        "127.0.0.1", port, pin=pin, on_push=lambda _: None, trace=None if trace is None else trace.append
    )


async def test_requests_get_their_replies_and_refusals(tmp_path: Path) -> None:
    trace: list[str] = []
    async with _server(tmp_path) as port:
        link = await _open(port, trace=trace)
        assert len(link.pin) == 32
        await link.request(Ping, Done)
        with pytest.raises(RequestRefused) as caught:
            await link.request(Ping, Done)
        assert (caught.value.error_code, caught.value.retry_after) == (ErrorCode.INTERNAL, 2.0)
        with pytest.raises(LinkLost):
            await link.request(Ping, Done)
        with pytest.raises(LinkLost):
            await link.request(Ping, Done)
        assert link.closed.done()
        assert any(line.startswith("tls TLSv1.3") for line in trace)
        assert any(line.startswith("link > Ping") for line in trace)


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        (2.5, 2.5),
        (-1.0, 0.0),
        (math.inf, MAX_PATIENCE),
        (-math.inf, 0.0),
        (math.nan, 0.0),
        (1e300, MAX_PATIENCE),
    ],
)
@pytest.mark.parametrize("code", [ErrorCode.RATE_LIMITED, ErrorCode.INTERNAL])
async def test_no_server_has_a_client_wait_for_ever(asked: float, waited: float, code: ErrorCode) -> None:
    link = ServerLink("localhost", 1, lambda _: None, None)
    reply = link._replies[0] = asyncio.get_running_loop().create_future()
    link._dispatch(ErrorReply(0, code, "later", asked))
    refusal = reply.exception()
    assert isinstance(refusal, (RateLimited, RequestRefused))
    assert refusal.retry_after == waited


async def test_disconnecting_waits_for_the_socket_to_be_closed(tmp_path: Path) -> None:
    async with _server(tmp_path) as port:
        link = await _open(port)
        socket_ = link._transport.get_extra_info("socket")
        assert socket_.fileno() != -1
        await link.disconnect()
        assert socket_.fileno() == -1
        await link.disconnect()


async def test_who_is_cancelled_while_disconnecting_leaves_no_socket(tmp_path: Path) -> None:
    async with _server(tmp_path) as port:
        link = await _open(port)
        socket_ = link._transport.get_extra_info("socket")
        leaving = asyncio.create_task(link.disconnect())
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait((leaving,))
        await asyncio.sleep(0)
        assert socket_.fileno() == -1


async def test_another_key_is_left_before_a_byte_is_sent(tmp_path: Path) -> None:
    trace: list[str] = []
    async with _server(tmp_path) as port:
        with pytest.raises(CertificateChanged):
            await _open(port, bytes(32), trace)
        assert not any(line.startswith("link >") for line in trace)


async def test_a_reply_that_does_not_come_ends_the_link(tmp_path: Path) -> None:
    async with _server(tmp_path) as port:
        link = await _open(port)
        with pytest.raises(LinkLost, match="no reply"):
            await link.request(Ping, Done, deadline=0.0)
        assert link.closed.done()


async def test_what_is_no_such_server_is_told(tmp_path: Path) -> None:
    async with _server(tmp_path, alpn="h2") as port:
        with pytest.raises(ServerNotReachable):
            await _open(port)


async def test_older_tls_is_refused(tmp_path: Path) -> None:
    async with _server(tmp_path, tls=ssl.TLSVersion.TLSv1_2) as port:
        with pytest.raises(ServerNotReachable):
            await _open(port)


async def test_who_speaks_no_tls_and_who_is_not_there() -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        with pytest.raises(ServerNotReachable):
            await _open(server.sockets[0].getsockname()[1])
    with socket.socket() as held:  # so that nobody else listens there
        held.bind(("127.0.0.1", 0))
        with pytest.raises(ServerNotReachable, match="Connection refused"):
            await _open(held.getsockname()[1])


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (OSError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 1)"), "Connection refused"),
        (OSError(errno.ENETUNREACH, "Connect call failed ('10.0.0.1', 1)"), "Network is unreachable"),
        (OSError("Multiple exceptions: [Errno 111] Connect call failed"), "none of its addresses answers"),
        (ConnectionResetError(), "the server ended the connection"),
        (ssl.SSLError(1, "[SSL] record layer failure"), "TLS failed"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service not known"),
    ],
)
async def test_the_reason_is_in_the_systems_own_words(
    monkeypatch: pytest.MonkeyPatch, trouble: OSError, told: str
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise trouble

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", refuse)
    with pytest.raises(ServerNotReachable, match=told) as caught:
        await _open(1)
    assert "call failed" not in str(caught.value)


async def test_a_connection_that_is_reset_says_so_in_words(tmp_path: Path) -> None:
    async with _server(tmp_path) as port:
        link = await _open(port)
        link.connection_lost(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))
        assert link.closed.result() == "Connection reset by peer"
