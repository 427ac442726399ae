"""D2, and whatever else strangers send: a typed error and a close, no memory, no traceback."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import ssl
import tracemalloc

import pytest

from sottovoce.link import messages as m
from sottovoce.link.connection import ClientConnection
from sottovoce.link.parts import ErrorCode


def tls_client(alpn: str | None = m.ALPN) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if alpn is not None:
        context.set_alpn_protocols([alpn])
    return context


async def send_raw(server, data: bytes, alpn: str | None = m.ALPN) -> m.ErrorReply:
    """Send bytes over TLS and return the one error that comes back before the close."""
    reader, writer = await asyncio.open_connection(
        server.address.host, server.address.port, ssl=tls_client(alpn)
    )
    writer.write(data)
    try:
        answer = await asyncio.wait_for(reader.read(-1), 10)
    finally:
        writer.close()
    connection = ClientConnection()
    connection.receive_data(answer)
    (error,) = connection.events()
    return error


async def test_a_length_of_four_gibibytes_costs_no_memory(server):
    await send_raw(server, b"\xff\xff\xff\xff")
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(20):
        error = await send_raw(server, b"\xff\xff\xff\xff" + bytes(20_000))
        assert error.code == ErrorCode.FRAME_TOO_LARGE
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - before < 1024 * 1024, (before, after, peak)


@pytest.mark.parametrize("data", [b"\0\0\0\x05hello", b"\0\0\0\0", b"GET / HTTP/1.1\r\n\r\n"])
async def test_what_is_no_message_gets_a_typed_error(server, data):
    error = await send_raw(server, data)
    assert error.code in (ErrorCode.MALFORMED, ErrorCode.FRAME_TOO_LARGE)


@pytest.mark.parametrize("alpn", [None, "http/1.1"])
async def test_another_protocol_by_alpn_gets_a_typed_error(server, alpn):
    assert (await send_raw(server, b"", alpn)).code == ErrorCode.UNSUPPORTED_VERSION


async def test_strangers_without_tls_are_closed_and_the_log_stays_clean(server, caplog):
    logging.getLogger("sottovoce.server").propagate = True
    with caplog.at_level(logging.DEBUG, "sottovoce.server"):
        for data in (
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            os.urandom(500),
            b"\xff\xff\xff\xff" * 100,
            b"\x16\x03\x01",
        ):
            reader, writer = await asyncio.open_connection(server.address.host, server.address.port)
            writer.write(data)
            writer.write_eof()
            with contextlib.suppress(ConnectionError):
                await asyncio.wait_for(reader.read(-1), 10)
            writer.close()
        await server.device("alice")
    assert all(record.exc_info is None for record in caplog.records)
    assert not any(record.levelno >= logging.WARNING for record in caplog.records)


async def test_old_tls_is_refused(server):
    context = tls_client()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection(server.address.host, server.address.port, ssl=context)
