"""Both ends of the link, joined without a socket: what is legal, what is answered, what closes."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.link import messages as m
from sottovoce.link.connection import MAX_REQUESTS_UNDER_WAY, ClientConnection, ServerConnection
from sottovoce.link.connection_state import AFTER_REFUSAL, AFTER_SUCCESS, ANSWERS, LEGAL_REQUESTS, State
from sottovoce.link.errors import (
    FrameTooLarge,
    LinkError,
    MalformedMessage,
    MisusedConnection,
    UnexpectedEnd,
    UnexpectedReply,
)
from sottovoce.link.frames import LIMIT_AFTER_LOGIN, LIMIT_BEFORE_LOGIN, encode_frame
from sottovoce.link.parts import EntryKind, ErrorCode


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def registration(number: int) -> m.RegisterFinish:
    return m.RegisterFinish(
        number, "alice", None, bytes(192), m.Stretching(1, 1, 1), bytes(32), b"c", b"v"
    )  # fmt: skip


def test_the_whole_way_from_greeting_to_device(pair):
    stations = [
        (m.Hello(1, [1], "t"), m.HelloReply(1, 1, True, bytes(32)), State.GREETED),
        (m.Ping(2), m.Done(2), State.GREETED),
        (
            m.RegisterStart(3, "alice", None, bytes(32)),
            m.RegisterStartReply(3, bytes(64), m.Stretching(1, 1, 1)),
            State.REGISTERING,
        ),
        (registration(4), m.Done(4), State.GREETED),
        (
            m.LoginStart(5, "alice", bytes(96)),
            m.LoginStartReply(5, bytes(320), m.Stretching(1, 1, 1)),
            State.LOGGING_IN,
        ),
        (m.LoginFinish(6, bytes(64)), m.LoginFinishReply(6, 1, b""), State.ACCOUNT),
        (m.EnrolDevice(7, b"c"), m.Done(7), State.ACCOUNT),
        (m.DeviceLogin(8, "alice", bytes(16), bytes(64)), m.Done(8), State.DEVICE),
    ]
    for request, reply, state in stations:
        assert pair.ask(request) == [request]
        assert pair.answer(reply) == [reply]
        assert pair.states == {state}


@pytest.mark.parametrize("state", [State.REGISTERING, State.LOGGING_IN])
def test_a_refusal_leads_back_to_the_entrance(greeted, state):
    if state is State.LOGGING_IN:
        greeted.ask(m.LoginStart(2, "alice", bytes(96)))
        greeted.answer(m.LoginStartReply(2, bytes(320), m.Stretching(1, 1, 1)))
        greeted.ask(m.LoginFinish(3, bytes(64)))
    else:
        greeted.ask(m.RegisterStart(2, "alice", None, bytes(32)))
        greeted.answer(m.RegisterStartReply(2, bytes(64), m.Stretching(1, 1, 1)))
        greeted.ask(registration(3))
    assert greeted.server.state is state
    greeted.answer(m.ErrorReply(3, ErrorCode.LOGIN_FAILED, "no"))
    assert greeted.states == {State.GREETED}


def test_every_request_has_an_answer_and_a_state_in_the_table():
    requests = set(ANSWERS)
    assert set(m.ClientMessage.__args__) == requests
    assert set().union(*LEGAL_REQUESTS.values()) == requests
    assert set(LEGAL_REQUESTS) == set(State)
    assert set(AFTER_SUCCESS) | set(AFTER_REFUSAL) <= requests
    replies = {kind for kind in m.ServerMessage.__args__ if issubclass(kind, m.Reply)}
    assert set(ANSWERS.values()) == replies


def test_what_the_state_does_not_allow_is_refused_on_both_sides(greeted):
    with pytest.raises(MisusedConnection):
        greeted.client.send(m.RoomList(2))
    greeted.server.receive_data(encode_frame(m.RoomList(2)))
    assert greeted.server.events() == []
    with pytest.raises(UnexpectedReply):  # the client had not asked
        greeted.client.receive_data(greeted.server.data_to_send())


def test_before_login_one_request_at_a_time(greeted):
    greeted.ask(m.Ping(2))
    with pytest.raises(MisusedConnection):
        greeted.client.send(m.Ping(3))
    greeted.server.receive_data(encode_frame(m.Ping(3)))
    assert greeted.server.events() == []
    assert b"too many" in greeted.server.data_to_send()


def test_too_many_requests_under_way_are_refused_one_by_one(logged_in):
    for number in range(MAX_REQUESTS_UNDER_WAY + 1):
        logged_in.client.send(m.Ping(100 + number))
    logged_in.server.receive_data(logged_in.client.data_to_send())
    assert len(logged_in.server.events()) == MAX_REQUESTS_UNDER_WAY
    logged_in.client.receive_data(logged_in.server.data_to_send())
    (refusal,) = logged_in.client.events()
    assert refusal.code == ErrorCode.NOT_ALLOWED
    assert logged_in.server.requests_under_way == MAX_REQUESTS_UNDER_WAY


def test_an_id_in_use_is_refused(logged_in):
    logged_in.ask(m.Ping(5))
    with pytest.raises(MisusedConnection):
        logged_in.client.send(m.Ping(5))
    with pytest.raises(MalformedMessage):
        logged_in.server.receive_data(encode_frame(m.Ping(5)))
    assert logged_in.server.state is State.CLOSED


def test_an_unknown_type_is_answered_and_the_connection_goes_on(logged_in):
    logged_in.server.receive_data(framed(msgspec.msgpack.encode(["teleport", 9, b"x"])))
    reply = msgspec.msgpack.decode(logged_in.server.data_to_send()[4:])
    assert reply[:3] == ["error", 9, "unknown_type"]
    assert logged_in.ask(m.Ping(10)) == [m.Ping(10)]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\xc1", b"\x90", msgspec.msgpack.encode(["ping"]), msgspec.msgpack.encode(["ping", -1]),
        msgspec.msgpack.encode(["ping", "1"]), msgspec.msgpack.encode({"type": "ping"}),
        msgspec.msgpack.encode(["teleport", -1]), msgspec.msgpack.encode(["teleport", 2**63]),
        msgspec.msgpack.encode([1, 2]), msgspec.msgpack.encode(["ping", 1]) + b"\0",
        b"\x92\xa4p\xffng\x01", b"\x91" * 5000,
        msgspec.msgpack.encode(["hello", 1, [], "x"]), msgspec.msgpack.encode(["hello", 1, [1], "x" * 65]),
    ],
)  # fmt: skip
def test_what_is_no_message_closes_with_a_typed_error(pair, body):
    with pytest.raises(MalformedMessage):
        pair.server.receive_data(framed(body))
    assert pair.server.state is State.CLOSED
    pair.client.receive_data(pair.server.data_to_send())
    (error,) = pair.client.events()
    assert (error.id, error.code) == (None, ErrorCode.MALFORMED)
    assert pair.client.state is State.CLOSED
    pair.server.receive_data(encode_frame(m.Ping(1)))
    pair.client.receive_data(encode_frame(m.Done(1)))
    assert pair.server.events() == pair.client.events() == []


def test_fields_added_later_are_ignored(logged_in):
    logged_in.server.receive_data(framed(msgspec.msgpack.encode(["ping", 5, "new", [1, 2]])))
    assert logged_in.server.events() == [m.Ping(5)]


def test_the_cap_rises_at_login(greeted):
    with pytest.raises(FrameTooLarge):
        greeted.server.receive_data((LIMIT_BEFORE_LOGIN + 1).to_bytes(4, "big"))
    assert b"frame_too_large" in greeted.server.data_to_send()


def test_after_login_a_mebibyte_is_allowed_and_more_is_not(logged_in):
    append = m.Append(5, bytes(16), [m.Outgoing(bytes(16), 0, bytes(900_000))])
    assert logged_in.ask(append) == [append]
    with pytest.raises(FrameTooLarge):
        logged_in.server.receive_data((LIMIT_AFTER_LOGIN + 1).to_bytes(4, "big"))


def test_the_client_does_not_send_what_the_server_would_refuse(greeted):
    with pytest.raises(FrameTooLarge):
        greeted.client.send(
            m.RegisterFinish(
                2, "a", None, bytes(192), m.Stretching(1, 1, 1), bytes(32), bytes(8192), bytes(8192)
            )
        )


def test_pushes_are_for_devices(make_pair, logged_in):
    push, new = m.InboxPush(), make_pair()
    with pytest.raises(MisusedConnection):
        new.server.send(push)
    with pytest.raises(UnexpectedReply):
        new.client.receive_data(encode_frame(push))
    assert logged_in.answer(push) == [push]


def test_the_server_answers_only_what_was_asked_and_with_the_right_type(logged_in):
    with pytest.raises(MisusedConnection):
        logged_in.server.send(m.Done(77))
    logged_in.ask(m.RoomList(5))
    with pytest.raises(MisusedConnection):
        logged_in.server.send(m.Done(5))
    assert logged_in.answer(m.RoomListReply(5, [])) == [m.RoomListReply(5, [])]


@pytest.mark.parametrize("reply", [m.Done(5), m.Done(6), m.AppendReply(5, [1])])
def test_the_client_takes_only_answers_to_its_questions(logged_in, reply):
    logged_in.client.send(m.RoomList(5))
    with pytest.raises(UnexpectedReply):
        logged_in.client.receive_data(encode_frame(reply))
    assert logged_in.client.state is State.CLOSED


def test_the_client_refuses_what_is_no_message(logged_in):
    with pytest.raises(MalformedMessage):
        logged_in.client.receive_data(framed(b"\xc1"))


def test_the_end_of_input_is_clean_only_between_frames(pair, make_pair):
    pair.server.receive_eof()
    assert pair.server.state is State.CLOSED
    other = make_pair()
    other.client.receive_data(b"\0\0")
    assert other.client.is_mid_frame
    with pytest.raises(UnexpectedEnd):
        other.client.receive_eof()


def test_nothing_is_sent_on_a_closed_connection(pair):
    pair.server.close()
    with pytest.raises(MisusedConnection):
        pair.server.send(m.Done(1))
    with pytest.raises(MisusedConnection):
        pair.server.send_push(encode_frame(m.InboxPush()))


def test_an_error_without_id_closes_the_server_side_too(pair):
    pair.server.send(m.ErrorReply(None, ErrorCode.UNSUPPORTED_VERSION, "no"))
    assert pair.server.state is State.CLOSED
    assert pair.server.bytes_to_send == len(pair.server.data_to_send())
    assert pair.server.bytes_to_send == 0


def test_the_trace_sees_types_and_sizes_and_nothing_else():
    seen = []
    client = ClientConnection(lambda *what: seen.append(what))
    server = ServerConnection(lambda *what: seen.append(what))
    client.send(m.Hello(1, [1], "t"))
    data = client.data_to_send()
    server.receive_data(data)
    server.send(m.HelloReply(1, 1, True, bytes(32)))
    reply = server.data_to_send()
    client.receive_data(reply)
    assert seen == [
        ("sent", "Hello", len(data)), ("received", "Hello", len(data)),
        ("sent", "HelloReply", len(reply)), ("received", "HelloReply", len(reply)),
    ]  # fmt: skip


@given(st.integers(0, 2**32), st.integers(1, 5))
def test_mutated_streams_give_only_documented_errors(seed, flips):
    rng = random.Random(seed)
    requests = [
        m.Append(7, bytes(16), [m.Outgoing(bytes(16), 0, b"payload")]),
        m.Commit(8, bytes(16), bytes(16), 0, b"c", b"g", added=[m.Device("alice", bytes(16))]),
        m.Fetch(9, bytes(16), 0),
    ]
    replies = [
        m.FetchReply(7, [m.Entry(1, EntryKind.MESSAGE, 0, b"p", 0)], 1, 1),
        m.ErrorReply(8, ErrorCode.STALE_EPOCH, "x", epoch=1),
        m.RoomListReply(9, [m.RoomSummary(bytes(16), True, 1, 2, "lobby", bytes(32))]),
    ]
    for connection, messages in ((ServerConnection(), requests), (ClientConnection(), replies)):
        connection.state = State.DEVICE
        stream = bytearray(b"".join(encode_frame(message) for message in messages))
        for _ in range(flips):
            stream[rng.randrange(len(stream))] = rng.randrange(256)
        try:
            connection.receive_data(stream)
            connection.receive_eof()
        except LinkError:
            assert connection.state is State.CLOSED
