"""D1: sockets that do nothing, or nearly, are cut in time, and honest logins stay quick meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import statistics
import time

import pytest
from server_fixtures import PATIENCE

from sottovoce.link import messages as m
from sottovoce.link.frames import encode_frame

EACH = 100


def silent_sockets(address, count: int) -> list[socket.socket]:
    return [socket.create_connection((address.host, address.port)) for _ in range(count)]


async def tls_streams(address, count: int) -> list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([m.ALPN])
    return [await asyncio.open_connection(address.host, address.port, ssl=context) for _ in range(count)]


async def wait_for_end(reader: asyncio.StreamReader) -> None:
    try:
        while await reader.read(1000):
            pass
    except (ConnectionError, ssl.SSLError):
        pass


@pytest.mark.slow
async def test_three_kinds_of_idle_sockets_are_cut_and_logins_stay_quick(serve):
    server = await serve(
        handshake_seconds=3, first_frame_seconds=3, frame_seconds=3, connections_per_address=1000
    )
    identity, _ = await server.device("alice")

    async def log_in() -> float:
        start = time.monotonic()
        client = await server.client()
        await client.device_login(identity)
        took = time.monotonic() - start
        await client.close()
        return took

    alone = [await log_in() for _ in range(20)]
    silent = silent_sockets(server.address, EACH)
    for sock in silent[::2]:
        sock.send(b"\x16\x03\x01\x02")  # the beginning of a ClientHello, and never more
    quiet = await tls_streams(server.address, EACH)
    partial = await tls_streams(server.address, EACH)
    hello = encode_frame(m.Hello(1, [1], "x"))
    for _, writer in partial:
        writer.write(hello + hello[:6])
    began = time.monotonic()

    waits = []
    ends = asyncio.gather(*(wait_for_end(reader) for reader, _ in quiet + partial))
    while not ends.done():
        waits.append(await log_in())
        await asyncio.wait({ends}, timeout=0.05)
    for sock in silent:
        sock.settimeout(5)
        with contextlib.suppress(ConnectionError):
            assert sock.recv(100) == b""
        sock.close()
    assert time.monotonic() - began < 15
    # The 99th percentile of so few is the slowest.
    assert max(waits) < max(1.0, 10 * max(alone)), waits
    assert statistics.median(waits) < 0.5, waits
    for _, writer in quiet + partial:
        writer.close()


async def test_a_byte_now_and_then_does_not_extend_a_frame(serve):
    server = await serve(frame_seconds=1.0)
    ((reader, writer),) = await tls_streams(server.address, 1)
    writer.write(encode_frame(m.Hello(1, [1], "x")))
    began = time.monotonic()
    writer.write(b"\0\0\x0f\xff")
    end = asyncio.ensure_future(wait_for_end(reader))
    while not end.done():
        writer.write(b"x")
        await asyncio.wait({end}, timeout=0.1)
        assert time.monotonic() - began < PATIENCE, "the deadline is absolute"
    writer.close()


async def test_who_greets_and_never_logs_in_is_cut(serve):
    server = await serve(login_seconds=2.0)
    client = await server.client()
    await asyncio.wait_for(client.closed.wait(), PATIENCE)


async def test_one_address_gets_so_many_connections_and_another_is_not_kept_out(serve):
    server = await serve(connections_per_address=3)
    for _ in range(3):
        await server.client()
    with pytest.raises((OSError, ssl.SSLError)):
        await server.client()
    assert (await server.client(local_addr=("127.0.0.2", 0))).hello.version == 1
    await server.clients[0].close()
    await server.client()


async def test_networks_are_denied_and_allowed(serve):
    server = await serve(allow="127.0.0.0/8", deny="127.0.0.3/32")
    await server.client()
    with pytest.raises((OSError, ssl.SSLError)):
        await server.client(local_addr=("127.0.0.3", 0))
