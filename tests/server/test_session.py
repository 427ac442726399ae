"""A connection's outbox: bounded, in order, without a hole that nobody is told of."""

from __future__ import annotations

import pytest

from sottovoce.link import messages as m
from sottovoce.link.connection import ClientConnection
from sottovoce.link.connection_state import State
from sottovoce.link.frames import LIMIT_AFTER_LOGIN, encode_frame
from sottovoce.link.parts import EntryKind, ErrorCode
from sottovoce.server.errors import Refused
from sottovoce.server.metrics import Metrics
from sottovoce.server.session import Session

ROOM, OTHER = b"r" * 16, b"o" * 16
LIMIT = 100_000


@pytest.fixture
def woken():
    return []


@pytest.fixture
def session(woken):
    session = Session(
        address_group="here", challenge=bytes(32), outbox_limit=LIMIT, metrics=Metrics(),
        wake=lambda: woken.append(True),
    )  # fmt: skip
    session.connection.state = State.DEVICE
    return session


@pytest.fixture
def client():
    client = ClientConnection()
    client.state, client._reader.limit = State.DEVICE, LIMIT_AFTER_LOGIN
    return client


def entries(room, seq, size=40_000):
    return encode_frame(m.EntriesPush(room, [m.Entry(seq, EntryKind.MESSAGE, 0, bytes(size), 0)]))


def told(session, client):
    """What the client has been told once it has read everything, in short."""
    while data := session.data_to_send():
        client.receive_data(data)
    return [
        (event.room_id, event.head) if isinstance(event, m.CatchUp) else (event.room_id, event.entries[0].seq)
        for event in client.events()
    ]


def test_what_fits_is_pushed_in_order_and_wakes_the_writer(session, client, woken):
    session.push_entries(ROOM, entries(ROOM, 1), 1)
    session.push_entries(OTHER, entries(OTHER, 1), 1)
    assert woken == [True, True]
    assert told(session, client) == [(ROOM, 1), (OTHER, 1)]


def test_who_is_behind_is_pushed_nothing_of_the_room_until_told_to_catch_up(session, client):
    for seq in range(1, 6):
        session.push_entries(ROOM, entries(ROOM, seq), seq)
    assert session.is_full
    assert session.bytes_waiting < LIMIT + 50_000
    first = session.connection.data_to_send()  # taken by the socket's owner, and not yet read by anybody
    session.unsent_bytes = 80_000
    session.push_entries(ROOM, entries(ROOM, 6), 6)
    assert session.data_to_send() == b"", "no room for it before nearly all was read"
    session.push_entries(OTHER, entries(OTHER, 1), 1)
    session.unsent_bytes = 0
    client.receive_data(first)
    assert told(session, client) == [(ROOM, 1), (ROOM, 2), (ROOM, 3), (OTHER, 1), (ROOM, 6)]
    session.push_entries(ROOM, entries(ROOM, 7), 7)
    assert told(session, client) == [(ROOM, 7)], "pushes go on where the catch-up ends"


class Socket:
    """What :class:`Peer` is to a session: takes frames at once while ``takes``, the queue when flushed."""

    def __init__(self, session, client):
        self.session, self.client = session, client
        self.takes = True
        self.tried = 0

    def write_through(self, frame):
        self.tried += 1
        if self.takes:
            self.client.receive_data(frame)
        return self.takes

    def flush(self):
        self.client.receive_data(self.session.data_to_send())


@pytest.fixture
def socket(session, client):
    socket = Socket(session, client)
    session._write_through = socket.write_through
    return socket


def short(events):
    return [
        event.id if isinstance(event, m.Done) else event.head if isinstance(event, m.CatchUp)
        else event.entries[0].seq for event in events
    ]  # fmt: skip


def test_a_push_before_which_nothing_waits_goes_to_the_socket_at_once(session, client, socket, woken):
    session.push_entries(ROOM, entries(ROOM, 1), 1)
    assert short(client.events()) == [1]
    assert session.bytes_waiting == 0
    assert woken == []


def test_a_push_does_not_overtake_a_reply_nor_another_push(session, client, socket):
    session.connection._under_way = {70: m.TurnRelease, 71: m.TurnRelease}
    client._under_way = dict(session.connection._under_way)
    session.push_entries(ROOM, entries(ROOM, 1), 1)
    session.reply(m.Done(70))
    session.push_entries(ROOM, entries(ROOM, 2), 2)
    socket.flush()
    session.push_entries(ROOM, entries(ROOM, 3), 3)
    socket.takes = False
    session.push_entries(ROOM, entries(ROOM, 4), 4)
    socket.takes = True
    session.push_entries(ROOM, entries(ROOM, 5), 5)
    session.reply(m.Done(71))
    socket.flush()
    assert short(client.events()) == [1, 70, 2, 3, 4, 5, 71]


def test_a_push_waits_for_bytes_that_the_socket_has_not_taken(session, client, socket):
    session.unsent_bytes = 1
    session.push_entries(ROOM, entries(ROOM, 1), 1)
    assert socket.tried == 0
    session.unsent_bytes = 0
    socket.flush()
    assert short(client.events()) == [1]


def test_who_is_behind_in_any_room_is_told_so_before_the_next_push(session, client, socket):
    session.unsent_bytes = LIMIT + 1
    session.push_entries(ROOM, entries(ROOM, 8), 8)
    session.unsent_bytes = 0
    session.push_entries(OTHER, entries(OTHER, 1), 1)
    session.push_entries(ROOM, entries(ROOM, 9), 9)
    assert socket.tried == 0
    socket.flush()
    assert short(client.events()) == [1, 9], "of the room only that it is to be caught up with"
    socket.flush()
    session.push_entries(ROOM, entries(ROOM, 10), 10)
    assert short(client.events()) == [10]
    assert socket.tried == 1


@pytest.mark.parametrize("state", [state for state in State if state is not State.DEVICE])
def test_nothing_is_pushed_at_once_to_who_is_not_logged_in(session, socket, state):
    session.connection.state = state
    session.push_entries(ROOM, entries(ROOM, 1), 1)
    assert socket.tried == 0
    assert session.data_to_send() == b""


def test_what_is_traced_goes_through_the_queue(client):
    traced, taken = [], []
    session = Session(
        address_group="here",
        challenge=bytes(32),
        outbox_limit=LIMIT,
        metrics=Metrics(),
        wake=lambda: None,
        write_through=lambda frame: taken.append(frame) or True,
        trace=lambda *what: traced.append(what),
    )
    session.connection.state = State.DEVICE
    frame = entries(ROOM, 1)
    session.push_entries(ROOM, frame, 1)
    assert traced == [("sent", "Push", len(frame))]
    assert taken == []
    assert told(session, client) == [(ROOM, 1)]


def test_every_push_of_entries_is_counted_once(session, socket):
    for socket.takes in (True, False):
        session.push_entries(ROOM, entries(ROOM, 1), 1)
    assert session._metrics.entries_pushed == 2


def test_other_pushes_are_dropped_when_too_much_waits_and_before_login(session):
    session.unsent_bytes = LIMIT + 1
    session.push(encode_frame(m.InboxPush()))
    session.unsent_bytes = 0
    session.connection.state = State.GREETED
    session.push(encode_frame(m.InboxPush()))
    assert session.data_to_send() == b""


def test_nothing_is_said_to_who_has_gone(session, woken):
    session.connection.receive_data(encode_frame(m.Ping(1)))
    session.push_entries(ROOM, entries(ROOM, 1), 1)
    session.connection.data_to_send()
    session._behind[ROOM] = 2
    session.connection.close()
    woken.clear()
    session.reply(m.Done(1))
    session.refuse(m.Ping(1), ValueError())
    session.push(encode_frame(m.InboxPush()))
    session.push_entries(OTHER, entries(OTHER, 1), 1)
    assert session.data_to_send() == b""
    assert woken == []


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (
            Refused(ErrorCode.STALE_EPOCH, "late", retry_after=1.5, epoch=7),
            m.ErrorReply(1, ErrorCode.STALE_EPOCH, "late", 1.5, 7),
        ),
        (
            ValueError("secret"),
            m.ErrorReply(1, ErrorCode.INTERNAL, "the server could not do this; nothing was stored"),
        ),
    ],
)
def test_a_refusal_says_what_it_may_and_a_bug_says_nothing(session, client, reason, expected):
    session.connection.receive_data(encode_frame(m.Ping(1)))
    session.refuse(m.Ping(1), reason)
    client._under_way = {1: m.Ping}
    client.receive_data(session.data_to_send())
    assert client.events() == [expected]


def test_a_request_for_a_device_is_refused_without_one(session):
    with pytest.raises(Refused, match="no device"):
        _ = session.current_device
