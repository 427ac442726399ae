"""One TLS connection by hand, on a socket pair: what is written, what a slow reader costs, how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import ssl
from datetime import UTC, datetime
from selectors import EVENT_WRITE

import pytest

from sottovoce.link import messages as m
from sottovoce.link.connection import ClientConnection
from sottovoce.link.connection_state import State
from sottovoce.link.frames import encode_frame
from sottovoce.link.parts import EntryKind
from sottovoce.server.fanout.in_process import InProcessFanout
from sottovoce.server.metrics import Metrics
from sottovoce.server.pace import Pace
from sottovoce.server.peer import Peer, Phase
from sottovoce.server.readiness import Readiness
from sottovoce.server.session import Session
from sottovoce.server.store.accounts import StoredDevice
from sottovoce.server.tls import own_tls_files, tls_context
from sottovoce.server.tls_stream import TlsBuffers, TlsStream

OUTBOX = 1024 * 1024


class Line:
    """Takes requests and does nothing with them."""

    def __init__(self):
        self.taken = []
        self.is_full = False
        self.wait = 0.0
        self.last_taken_at = 0.0

    def take(self, requests, *, frames, octets):
        self.taken += requests
        self.last_taken_at = asyncio.get_running_loop().time()
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


def is_writing(peer: Peer) -> bool:
    return peer._watched & EVENT_WRITE != 0


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
    readiness = Readiness(loop)
    peer = Peer(
        TlsStream(ours, server_context, TlsBuffers()),
        loop,
        deadline=loop.time() + 10,
        first_frame_seconds=10,
        frame_seconds=30,
        login_seconds=120,
        stall_seconds=60,
        metrics=Metrics(),
        readiness=readiness,
        pace=Pace(loop),
        on_closed=lambda _peer: closed.set(),
    )
    session = Session(
        address_group="here",
        challenge=bytes(32),
        outbox_limit=OUTBOX,
        metrics=Metrics(),
        wake=peer.wake,
        write_through=peer.write_through,
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


def push(session, seq, size=40_000):
    entry = m.Entry(seq, EntryKind.MESSAGE, 0, bytes(size), 0)
    session.push_entries(bytes(16), encode_frame(m.EntriesPush(bytes(16), [entry])), seq)


async def seqs_read(ends, last):
    """The seq of every push, in the order they come out of the client's socket, until ``last`` is there."""
    client = ClientConnection()
    client.state, client._reader.limit = State.DEVICE, OUTBOX
    seqs = []
    while last not in seqs:
        client.receive_data(await ends.read(65_536))
        seqs += [event.entries[0].seq for event in client.events()]
    return seqs


async def test_a_push_goes_out_before_the_next_turn_of_the_loop(ends):
    push(ends.peer.session, 1, size=1000)
    ends.client.settimeout(1)
    client = ClientConnection()
    client.state = State.DEVICE
    client.receive_data(ends.client.recv(65_536))  # the loop stands still meanwhile
    assert [event.entries[0].seq for event in client.events()] == [1]


@pytest.mark.parametrize("sizes", [(40_000,), (10,), (65_000, 10), (100, 90_000, 1000, 40_000)])
async def test_what_the_socket_does_not_take_comes_out_whole_once_and_in_order(ends, sizes):
    session = ends.peer.session
    seq, blocked_at = 0, None
    while blocked_at is None or seq < blocked_at + 6:
        seq += 1
        assert seq < 20_000, "the socket never fills"
        push(session, seq, sizes[seq % len(sizes)])
        if blocked_at is None and session.bytes_waiting:
            blocked_at = seq
            await until(lambda: is_writing(ends.peer) or not session.bytes_waiting)
            if not is_writing(ends.peer):
                blocked_at = None
    assert session.bytes_waiting
    reading = asyncio.ensure_future(seqs_read(ends, seq + 50))
    for later in range(seq + 1, seq + 51):
        push(session, later, sizes[later % len(sizes)])
        await until(lambda: session.bytes_waiting < OUTBOX // 2)
    assert await reading == list(range(1, seq + 51))


async def test_a_push_that_was_refused_goes_before_a_reply_of_the_same_turn(ends):
    """The TLS socket wants the bytes that it refused again, and first."""
    session = ends.peer.session
    seq = 0
    while not session.bytes_waiting:
        seq += 1
        assert seq < 1000, "the socket never fills"
        push(session, seq)
    session.connection._under_way = {7: m.Ping}
    session.reply(m.ErrorReply(7, m.ErrorCode.INTERNAL, "no"))
    push(session, seq + 1)
    client = ClientConnection()
    client.state, client._reader.limit, client._under_way = State.DEVICE, OUTBOX, {7: m.Ping}
    events = []
    while len(events) < seq + 2:
        client.receive_data(await ends.read(65_536))
        events += client.events()
    told = [event.id if isinstance(event, m.ErrorReply) else event.entries[0].seq for event in events]
    assert told == [*range(1, seq + 1), 7, seq + 1]


async def test_nothing_is_written_through_before_what_waits_nor_after_the_end(ends):
    frame = encode_frame(m.InboxPush())
    assert ends.peer.write_through(frame)
    ends.peer.wake()
    assert not ends.peer.write_through(frame), "a flush is due"
    await until(lambda: not ends.peer._flush_is_due)
    assert ends.peer.write_through(frame)
    fill(ends.peer.session)
    await until(lambda: is_writing(ends.peer))
    written = []
    ends.peer._tls._tls = Recorder(written)
    assert not ends.peer.write_through(frame), "the socket is full"
    ends.peer.abort()
    assert not ends.peer.write_through(frame)
    assert written == []


async def test_a_frame_larger_than_one_write_is_left_to_the_queue(ends):
    written = []
    ends.peer._tls._tls = Recorder(written)
    assert not ends.peer.write_through(bytes(65_537))
    assert written == []


class Recorder:
    """Stands for the TLS object: nothing may be written."""

    def __init__(self, written):
        self.write = written.append

    def shutdown(self):
        pass


class Told:
    """A subscriber that only keeps what it is told."""

    def __init__(self):
        self.heads = []

    def push_entries(self, _room_id, _frame, head):
        self.heads.append(head)


async def test_a_connection_that_is_lost_under_a_push_does_not_disturb_the_fanout(ends):
    fanout, session = InProcessFanout(), ends.peer.session
    closed, others = [], [Told(), Told()]

    def on_closed(peer):
        fanout.disconnect(peer.session)
        closed.append(peer)
        ends.closed.set()

    ends.peer._on_closed = on_closed
    for device, subscriber in enumerate((others[0], session, others[1])):
        fanout.connect(device, subscriber)
        fanout.subscribe(bytes(16), subscriber)
    ends.client.close()
    frame = encode_frame(m.EntriesPush(bytes(16), [m.Entry(1, EntryKind.MESSAGE, 0, b"x", 0)]))
    for head in (1, 2):
        fanout.publish_entries(bytes(16), frame, head)
    assert closed == [], "not while the subscribers are gone through"
    await asyncio.wait_for(ends.closed.wait(), 10)
    fanout.publish_entries(bytes(16), frame, 3)
    assert [other.heads for other in others] == [[1, 2, 3]] * 2
    assert closed == [ends.peer]
    assert session.is_closed


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


class CoarseTimers:
    """The running loop with the timers and the clock of uvloop: whole milliseconds, rounded."""

    def __init__(self):
        self._loop = asyncio.get_running_loop()
        self.begun = []

    def __getattr__(self, name):
        return getattr(self._loop, name)

    def time(self):
        return math.floor(self._loop.time() * 1000) / 1000

    def call_later(self, delay, callback):
        due = self.time() + round(delay * 1000) / 1000
        self.begun.append((due, callback))


async def test_a_pause_stops_reading_and_ends_by_itself(ends):
    ends.line.wait = 0.05
    ends.client.send(encode_frame(m.Ping(1)))
    await until(lambda: ends.line.taken)
    paused_at, ends.line.wait = ends.line.last_taken_at, 0.0
    ends.client.send(encode_frame(m.Ping(2)))
    await until(lambda: len(ends.line.taken) == 2)
    assert ends.line.last_taken_at >= paused_at + 0.05


@pytest.mark.parametrize("wait", [0.0003, 0.0104, 0.0504])
async def test_a_pause_is_over_when_its_timer_comes_however_coarse_that_is(ends, wait):
    """It comes once: who is still paused then is never read from again."""
    ends.peer._loop = timers = CoarseTimers()
    ends.line.wait = wait
    ends.client.send(encode_frame(m.Ping(1)))
    await until(lambda: ends.line.taken)
    ((due, _resume),) = timers.begun
    assert due >= ends.peer._paused_until


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
    await until(lambda: is_writing(ends.peer))
    loop, fd = asyncio.get_running_loop(), ends.peer._fd
    ends.peer.close()
    assert ends.closed.is_set()
    assert not loop.remove_writer(fd)
    assert not loop.remove_reader(fd)


async def test_closing_as_soon_as_a_blocked_socket_takes_more_leaves_nothing_either(ends):
    fill(ends.peer.session)
    await until(lambda: is_writing(ends.peer))
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
    await asyncio.to_thread(ends.client.send, b"\xff\xff\xff\xff" + bytes(100_000))
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
