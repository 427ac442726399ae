"""Accepting: refused addresses, no files left, deadlines looked at whatever happened before."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from datetime import UTC, datetime

import pytest

from sottovoce.link.messages import ALPN
from sottovoce.server import listener as listener_module
from sottovoce.server.config import load_config
from sottovoce.server.listener import Listener, listening_socket
from sottovoce.server.metrics import Metrics
from sottovoce.server.peer import Phase
from sottovoce.server.tls import own_tls_files, tls_context


class Delivery:
    """Stands for the delivery service: counts who has gone; its turns may fail to expire."""

    def __init__(self):
        self.gone = 0
        self.expired = 0
        self.trouble = None

    def disconnected(self, _session):
        self.gone += 1

    def expire_turns(self):
        self.expired += 1
        if self.trouble is not None:
            raise self.trouble


class Dispatcher:
    def open_line(self, _session):
        return Line()


class Line:
    is_full = False

    def advance(self):
        pass

    def drop(self):
        pass


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a Listener sets no event
            await asyncio.sleep(0.001)


@pytest.fixture
async def listen(tmp_path):
    opened = []

    def listen(**settings):
        now = datetime.now(UTC)
        context, _ = tls_context(own_tls_files(tmp_path, ["localhost"], now), keylog=None, now=now)
        sock = listening_socket("127.0.0.1", 0)
        listener = Listener(
            sock, context, load_config(None, {}, {"data": tmp_path, **settings}),
            dispatcher=Dispatcher(), delivery=Delivery(), metrics=Metrics(),
        )  # fmt: skip
        opened.append(listener)
        listener.start()
        return listener

    yield listen
    for listener in opened:
        if listener._sock.fileno() >= 0:
            listener.stop_accepting()
        listener.close(retry_after=1)


def connect(listener):
    return socket.create_connection(listener._sock.getsockname())


async def test_connections_are_counted_in_and_out(listen):
    listener = listen(connections_per_address=1)
    first, second = connect(listener), connect(listener)
    await until(lambda: listener._metrics.connections_refused == 1)
    assert (listener._metrics.connections, listener._metrics.connections_accepted) == (1, 1)
    first.close()
    await until(lambda: listener._metrics.connections == 0)
    assert listener._delivery.gone == 1
    third = connect(listener)
    await until(lambda: listener._metrics.connections == 1)
    second.close()
    third.close()


async def test_without_files_left_accepting_waits_a_little_and_goes_on(listen, caplog, monkeypatch):
    logging.getLogger("sottovoce.server").propagate = True
    listener = listen()
    monkeypatch.setattr(listener_module, "_ACCEPT_PAUSE_SECONDS", 0.01)
    real, failures = listener._sock, [OSError(errno.EMFILE, "Too many open files")]

    class Full:
        def accept(self):
            if failures:
                raise failures.pop()
            return real.accept()

        def __getattr__(self, name):
            return getattr(real, name)

    listener._sock = Full()
    with connect(listener):
        await until(lambda: listener._metrics.connections == 1)
    assert failures == []
    reasons = [record.fields["reason"] for record in caplog.records if record.message == "cannot accept"]
    assert set(reasons) == {"EMFILE"}


async def test_nobody_is_accepted_after_the_stop_also_when_accepting_was_paused(listen):
    listener = listen()
    address = listener._sock.getsockname()
    listener.stop_accepting()
    listener._accept_again()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


async def test_deadlines_are_looked_at_again_after_a_sweep_that_failed(listen, monkeypatch):
    monkeypatch.setattr(listener_module, "SWEEP_SECONDS", 0.01)
    listener = listen()
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context["exception"]))
    listener._delivery.trouble = ValueError()
    await until(lambda: listener._delivery.expired >= 3)
    assert {type(trouble) for trouble in told} == {ValueError}
    listener._delivery.trouble = None


async def test_at_the_end_every_connection_is_closed(listen):
    listener = listen()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([ALPN])  # without, it would be told so and cut by the first sweep or the next
    client = await asyncio.to_thread(context.wrap_socket, connect(listener))
    await until(lambda: any(peer._phase is not Phase.HANDSHAKE for peer in listener._peers))
    silent = connect(listener)
    await until(lambda: len(listener._peers) == 2)
    listener.stop_accepting()
    listener.stop_reading()
    listener.close(retry_after=1)
    assert listener._peers == set()
    assert listener._metrics.connections == 0
    silent.settimeout(10)
    assert silent.recv(1) == b""
    client.close()
    silent.close()
