"""A connection's requests: begun in order, one awaited at a time, each answered whatever happens."""

from __future__ import annotations

import asyncio

import pytest

from sottovoce.link import messages as m
from sottovoce.link.connection import ClientConnection
from sottovoce.link.connection_state import State
from sottovoce.link.frames import LIMIT_AFTER_LOGIN, encode_frame
from sottovoce.link.parts import ErrorCode
from sottovoce.server.dispatch import MAX_QUEUED, Dispatcher
from sottovoce.server.errors import Refused
from sottovoce.server.metrics import Metrics
from sottovoce.server.session import Session
from sottovoce.server.store.accounts import StoredDevice

ROOM = bytes(16)


class Service:
    """Stands for every service: what its handlers do is the test's choice."""

    def __init__(self):
        self.begun = []
        self.release = asyncio.Event()
        self.connected = []

    def __getattr__(self, _name):
        return self.handle

    async def handle(self, _session, request):
        self.begun.append(request.id)
        await self.release.wait()
        return m.Done(request.id)

    def device_connected(self, session):
        self.connected.append(session)


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def dispatcher(service, now):
    return Dispatcher(
        service, service, service, Metrics(), messages_per_second=10, clock=lambda: now[0]
    )  # fmt: skip


@pytest.fixture
def line(dispatcher):
    session = Session(
        address_group="here", challenge=bytes(32), outbox_limit=100_000, metrics=Metrics(), wake=lambda: None
    )
    session.connection.state, session.connection._reader.limit = State.DEVICE, LIMIT_AFTER_LOGIN
    session.device = StoredDevice(1, 7, "alice", bytes(16), b"", bytes(32))
    return dispatcher.open_line(session)


def take(line, *requests):
    """What a peer does with bytes that came."""
    connection = line._session.connection
    data = b"".join(encode_frame(request) for request in requests)
    before = connection.frames_received
    connection.receive_data(data)
    return line.take(connection.events(), frames=connection.frames_received - before, octets=len(data))


def answers(line):
    client = ClientConnection()
    client.state = State.DEVICE
    client._under_way = dict.fromkeys(range(1000), m.Ping)
    client.receive_data(line._session.data_to_send())
    return client.events()


async def test_one_request_is_awaited_at_a_time_in_the_order_they_came(dispatcher, service, line):
    take(line, *(m.VaultPut(number, 1, b"v") for number in (1, 2, 3)))
    await asyncio.sleep(0)
    assert service.begun == [1]
    service.release.set()
    await dispatcher.finish()
    assert service.begun == [1, 2, 3]
    assert answers(line) == [m.Done(1), m.Done(2), m.Done(3)]


async def test_a_line_that_is_full_says_so_until_it_is_shorter(dispatcher, service, line):
    take(line, *(m.VaultPut(number, 1, b"v") for number in range(MAX_QUEUED + 2)))
    assert line.is_full
    resumed = []
    line.resume_reading = lambda: resumed.append(line.is_full)
    service.release.set()
    await dispatcher.finish()
    assert not line.is_full
    assert resumed[-1] is False


async def test_requests_of_a_connection_that_is_gone_do_not_begin(dispatcher, service, line):
    take(line, m.VaultPut(1, 1, b"v"), m.VaultPut(2, 1, b"v"))
    line.drop()
    service.release.set()
    await dispatcher.finish()
    assert service.begun == [1]


async def test_a_client_that_reads_nothing_is_not_served_on(dispatcher, service, line):
    service.release.set()
    session = line._session
    session.unsent_bytes = 200_000
    take(line, m.VaultPut(1, 1, b"v"))
    assert service.begun == []
    session.unsent_bytes = 0
    line.advance()
    await dispatcher.finish()
    assert service.begun == [1]


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (Refused(ErrorCode.NOT_FOUND, "no"), ErrorCode.NOT_FOUND),
        (ValueError("a bug with a secret in it"), ErrorCode.INTERNAL),
    ],
)
async def test_whatever_a_handler_raises_is_answered_and_the_next_request_begins(
    dispatcher, service, line, trouble, code
):
    async def fail(_session, request):
        raise trouble

    def fail_at_once(_session, request):
        raise trouble

    dispatcher._handlers[m.VaultGet] = fail
    dispatcher._handlers[m.RoomList] = fail_at_once
    service.release.set()
    take(line, m.VaultGet(1), m.RoomList(2), m.VaultPut(3, 1, b"v"))
    await dispatcher.finish()
    first, second, third = answers(line)
    assert (first.id, first.code, second.id, second.code) == (1, code, 2, code)
    assert "secret" not in first.message
    assert third == m.Done(3)


async def test_a_reply_that_fits_no_frame_is_an_internal_error_and_the_line_goes_on(
    dispatcher, service, line
):
    async def too_much(_session, request):
        return m.VaultReply(request.id, 1, bytes(2_000_000))

    dispatcher._handlers[m.VaultGet] = too_much
    service.release.set()
    take(line, m.VaultGet(1), m.VaultPut(2, 1, b"v"))
    await dispatcher.finish()
    first, second = answers(line)
    assert (first.id, first.code) == (1, ErrorCode.INTERNAL)
    assert second == m.Done(2)


async def test_what_a_client_sends_is_charged_by_message_by_frame_and_by_size(dispatcher, service, line, now):
    service.release.set()
    outgoing = m.Outgoing(bytes(16), 0, b"x")
    dispatcher._handlers[m.Append] = lambda _session, _request: None
    assert take(line, *(m.Ping(number) for number in range(90))) == 0, "a burst of ten seconds' worth"
    assert take(line, m.Append(500, ROOM, [outgoing] * 20)) == pytest.approx(1, abs=0.1), "by message"
    now[0] += 1.1
    unknown = len(body := b"\x92\xa5never\x01").to_bytes(4, "big") + body
    connection = line._session.connection
    connection.receive_data(unknown * 20)
    assert line.take([], frames=20, octets=len(unknown) * 20) == pytest.approx(2, abs=0.1), "also refused"
    now[0] += 2.1
    assert take(line, m.Append(501, ROOM, [m.Outgoing(bytes(16), 0, bytes(409_600))])) > 9, "and by size"
    await dispatcher.finish()
