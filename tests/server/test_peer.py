"""One TLS connection by hand, on a socket pair: what is written, what a slow reader costs, how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from datetime import UTC, datetime

import pytest

from sottovoce.link import messages as m
from sottovoce.link.connection import ClientConnection
from sottovoce.link.connection_state import State
from sottovoce.link.frames import encode_frame
from sottovoce.link.parts import EntryKind
from sottovoce.server.metrics import Metrics
from sottovoce.server.peer import READ_SIZE, Peer, Phase
from sottovoce.server.session import Session
from sottovoce.server.store.accounts import StoredDevice
from sottovoce.server.tls import own_tls_files, tls_context

OUTBOX = 1024 * 1024


class Line:
    """Takes requests and does nothing with them."""

    def __init__(self):
        self.taken = []
        self.is_full = False
        self.wait = 0.0

    def take(self, requests, *, frames, octets):
        self.taken += requests
        return self.wait

    def advance(self):
        pass

    def drop(self):
        pass


class Ends:
    """Both ends of one connection: a peer, and a plain blocking TLS socket driven in a thread."""

    def __init__(self, peer, line, client, closed):
        self.peer, self.line, self.client, self.closed = peer, line, client, closed

    async def read(self, count):
        return await asyncio.to_thread(self.client.recv, count)


async def until(condition):
    """Let the loop turn until something is so."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a Peer sets no event when it turns
            await asyncio.sleep(0)


@pytest.fixture
def server_context(tmp_path):
    now = datetime.now(UTC)
    return tls_context(own_tls_files(tmp_path, ["localhost"], now), keylog=None, now=now)[0]


@pytest.fixture
async def ends(server_context):
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    for sock in (ours, theirs):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
    ours.setblocking(False)
    closed = asyncio.Event()
    line = Line()
    peer = Peer(
        server_context.wrap_socket(ours, server_side=True, do_handshake_on_connect=False),
        loop,
        deadline=loop.time() + 10,
        first_frame_seconds=10,
        frame_seconds=30,
        login_seconds=120,
        stall_seconds=60,
        metrics=Metrics(),
        buffer=memoryview(bytearray(READ_SIZE)),
        on_closed=lambda _peer: closed.set(),
    )
    session = Session(
        address_group="here", challenge=bytes(32), outbox_limit=OUTBOX, metrics=Metrics(), wake=peer.wake
    )
    peer.start(session, line)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([m.ALPN])
    client = await asyncio.to_thread(context.wrap_socket, theirs)
    client.settimeout(10)
    await until(lambda: peer._phase is not Phase.HANDSHAKE)
    session.connection.state = State.DEVICE
    session.device = StoredDevice(1, 7, "alice", bytes(16), b"", bytes(32))
    yield Ends(peer, line, client, closed)
    peer.abort()
    client.close()


def fill(session):
    """Queue as much as the outbox takes."""
    frame = encode_frame(m.EntriesPush(bytes(16), [m.Entry(1, EntryKind.MESSAGE, 0, bytes(100_000), 0)]))
    while not session.is_full:
        session.push(frame)


async def test_requests_come_through_and_replies_go_out_in_one_piece(ends):
    ends.client.send(encode_frame(m.Ping(1)) + encode_frame(m.Ping(2)))
    await until(lambda: len(ends.line.taken) == 2)
    ends.peer.session.reply(m.Done(1))
    ends.peer.session.reply(m.Done(2))
    client = ClientConnection()
    client.state, client._under_way = State.DEVICE, {1: m.Ping, 2: m.Ping}
    client.receive_data(await ends.read(1000))
    assert client.events() == [m.Done(1), m.Done(2)]


async def test_a_reader_that_is_slow_but_reads_is_not_taken_for_stalled(ends):
    fill(ends.peer.session)
    await until(lambda: ends.peer._stalled_since is not None)
    before, waiting = ends.peer._stalled_since, ends.peer.session.bytes_waiting
    assert ends.peer.missed_deadline(before + 61) == "stall", "who reads nothing at all is cut"
    while ends.peer.session.bytes_waiting == waiting:
        await ends.read(16_384)
        await asyncio.sleep(0)
    assert ends.peer.session.bytes_waiting > OUTBOX // 2, "long before everything was read"
    assert ends.peer._stalled_since is None or ends.peer._stalled_since > before


async def test_a_pause_stops_reading_and_ends_by_itself(ends):
    ends.line.wait = 0.05
    ends.client.send(encode_frame(m.Ping(1)))
    await until(lambda: ends.line.taken)
    ends.line.wait = 0.0
    assert ends.peer._should_pause()
    ends.client.send(encode_frame(m.Ping(2)))
    await until(lambda: len(ends.line.taken) == 2)


async def test_a_full_line_stops_reading_until_it_is_resumed(ends):
    ends.line.is_full = True
    ends.client.send(encode_frame(m.Ping(1)))
    await until(lambda: not ends.peer._is_reading)
    assert ends.line.taken == []
    ends.line.is_full = False
    ends.line.resume_reading()
    assert ends.line.taken == [m.Ping(1)]


async def test_closing_a_blocked_connection_leaves_nothing_with_the_loop(ends):
    fill(ends.peer.session)
    await until(lambda: ends.peer._is_writing)
    loop, fd = asyncio.get_running_loop(), ends.peer._fd
    ends.peer.close()
    assert ends.closed.is_set()
    assert not loop.remove_writer(fd)
    assert not loop.remove_reader(fd)


async def test_closing_as_soon_as_a_blocked_socket_takes_more_leaves_nothing_either(ends):
    fill(ends.peer.session)
    await until(lambda: ends.peer._is_writing)
    loop, fd = asyncio.get_running_loop(), ends.peer._fd
    drained = asyncio.get_running_loop().run_in_executor(None, drain, ends.client)
    await until(lambda: not ends.peer.session.bytes_waiting)
    ends.peer._want_write(True)
    ends.peer.close()
    assert not loop.remove_writer(fd)
    await drained


def drain(client):
    with contextlib.suppress(OSError):
        while client.recv(65_536):
            pass


async def test_after_a_broken_frame_the_reason_is_the_last_word(ends):
    ends.client.send(b"\xff\xff\xff\xff" + bytes(100_000))
    client = ClientConnection()
    while data := await ends.read(65_536):
        client.receive_data(data)
    (error,) = client.events()
    assert error.code is m.ErrorCode.FRAME_TOO_LARGE
    ends.client.close()
    await asyncio.wait_for(ends.closed.wait(), 10)


async def test_a_client_that_stays_after_the_last_word_is_cut(ends):
    ends.client.send(b"\xff\xff\xff\xff")
    await until(lambda: ends.peer._phase is Phase.LINGERING)
    now = asyncio.get_running_loop().time()
    assert ends.peer.missed_deadline(now) is None
    assert ends.peer.missed_deadline(now + 3) == "lingering"
