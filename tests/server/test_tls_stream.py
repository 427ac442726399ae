"""TLS through buffers that all connections share: what comes and goes, and none finds another's bytes."""

from __future__ import annotations

import contextlib
import socket
import ssl
from datetime import UTC, datetime

import pytest

from sottovoce.link.messages import ALPN
from sottovoce.server.tls import own_tls_files, tls_context
from sottovoce.server.tls_stream import READ_SIZE, TlsBuffers, TlsStream


class Client:
    """The other end, by hand: ciphertext goes where the test says, in the pieces it says."""

    def __init__(self, sock):
        self.sock, self.context = sock, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE
        self.context.set_alpn_protocols([ALPN])
        self.start()

    def start(self):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = self.context.wrap_bio(self.incoming, self.outgoing)

    def handshake(self):
        """Take what has come; returns what is to be sent."""
        self.take()
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self.outgoing.read()

    def take(self):
        try:
            while data := self.sock.recv(65_536):
                self.incoming.write(data)
        except BlockingIOError:
            pass

    def encrypted(self, data):
        self.tls.write(data)
        return self.outgoing.read()

    def received(self):
        self.take()
        data = b""
        try:
            while got := self.tls.read(65_536):
                data += got
        except ssl.SSLWantReadError:
            pass
        return data


class Ends:
    """Both ends of one connection over a socket pair; ``stream`` shares ``buffers`` with others."""

    def __init__(self, context, buffers):
        ours, theirs = socket.socketpair()
        for sock in (ours, theirs):
            sock.setblocking(False)
        self.stream, self.client = TlsStream(ours, context, buffers), Client(theirs)

    def send(self, ciphertext):
        assert self.client.sock.send(ciphertext) == len(ciphertext)

    def read(self):
        data, has_more = self.stream.read()
        return bytes(data), has_more

    def open(self):
        self.send(self.client.handshake())
        assert self.stream.handshake() is None
        self.send(self.client.handshake())
        assert self.stream.handshake() == b""
        return self

    def close(self):
        self.stream.close()
        self.client.sock.close()


@pytest.fixture
def context(tmp_path):
    now = datetime.now(UTC)
    return tls_context(own_tls_files(tmp_path, ["localhost"], now), keylog=None, now=now)[0]


@pytest.fixture
def buffers():
    shared = TlsBuffers()
    yield shared
    assert not shared.incoming.pending
    assert not shared.outgoing.pending


@pytest.fixture
def new_ends(context, buffers):
    made = []

    def new():
        made.append(Ends(context, buffers))
        return made[-1]

    yield new
    for ends in made:
        ends.close()


def test_all_records_that_are_there_come_in_one_read(new_ends):
    ends = new_ends().open()
    ends.send(b"".join(ends.client.encrypted(bytes([number]) * 100) for number in range(20)))
    assert ends.read() == (b"".join(bytes([number]) * 100 for number in range(20)), False)
    assert ends.read() == (b"", False)


def test_a_record_in_pieces_waits_while_others_are_read(new_ends):
    one, other = new_ends().open(), new_ends().open()
    first, second = one.client.encrypted(b"first" * 1000), other.client.encrypted(b"other" * 1000)
    for at in range(0, 5000, 1000):
        one.send(first[at : at + 1000])
        other.send(second[at : at + 1000])
        assert [one.read(), other.read()] == [(b"", False)] * 2
    one.send(first[5000:])
    other.send(second[5000:])
    assert one.read() == (b"first" * 1000, False)
    assert other.read() == (b"other" * 1000, False)


def test_handshakes_of_several_at_the_same_time_do_not_disturb_each_other(new_ends):
    several = [new_ends() for _ in range(3)]
    for _ in range(2):
        for ends in several:
            flight = ends.client.handshake()
            for at in range(0, len(flight), 50):
                ends.send(flight[at : at + 50])
                ends.stream.handshake()
    for number, ends in enumerate(several):
        assert ends.stream.protocol() == ALPN
        assert ends.stream.agreed()[0] == "TLSv1.3"
        ends.stream.write(bytes([number]) * 1000)
    assert [ends.client.received() for ends in several] == [bytes([number]) * 1000 for number in range(3)]


def test_what_comes_right_behind_the_handshake_is_not_lost(new_ends):
    ends = new_ends()
    ends.send(ends.client.handshake())
    assert ends.stream.handshake() is None
    last = ends.client.handshake()
    ends.send(last + ends.client.encrypted(b"hello") + ends.client.encrypted(b", server")[:-1])
    assert ends.stream.handshake() == b"hello"


def test_no_tls_is_a_failed_handshake_and_nobody_elses_trouble(new_ends):
    stranger, other = new_ends(), new_ends()
    stranger.send(b"GET / HTTP/1.1\r\n\r\n" + bytes(1000))
    with pytest.raises(ssl.SSLError):
        stranger.stream.handshake()
    other.open()


def test_why_a_handshake_fails_is_told(new_ends):
    ends = new_ends()
    ends.client.context.maximum_version = ssl.TLSVersion.TLSv1_2
    ends.client.start()
    ends.send(ends.client.handshake())
    with pytest.raises(ssl.SSLError):
        ends.stream.handshake()
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        ends.client.handshake()


def test_a_forged_record_is_told_and_nobody_elses_trouble(new_ends):
    ends, other = new_ends().open(), new_ends().open()
    forged = bytearray(ends.client.encrypted(b"pay alice"))
    forged[-1] ^= 1
    ends.send(bytes(forged) + ends.client.encrypted(b"and bob"))
    with pytest.raises(ssl.SSLError):
        ends.stream.read()
    with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
        ends.client.received()
    other.send(other.client.encrypted(b"hello"))
    assert other.read() == (b"hello", False)


@pytest.mark.parametrize("says_so", [True, False])
def test_what_came_before_the_end_is_read_and_then_the_end(new_ends, says_so):
    ends = new_ends().open()
    ends.send(ends.client.encrypted(b"good"))
    ends.send(ends.client.encrypted(b"bye"))
    if says_so:
        with pytest.raises(ssl.SSLWantReadError):
            ends.client.tls.unwrap()
        ends.send(ends.client.outgoing.read())
    ends.client.sock.shutdown(socket.SHUT_WR)
    assert ends.read() == (b"goodbye", says_so)
    for _ in range(2):
        with pytest.raises(EOFError):
            ends.stream.read()


def test_an_end_in_the_middle_of_the_handshake_is_the_end(new_ends):
    ends = new_ends()
    ends.send(ends.client.handshake()[:-1])
    assert ends.stream.handshake() is None
    ends.client.sock.close()
    with pytest.raises(EOFError):
        ends.stream.handshake()


def test_more_than_one_read_takes_says_that_there_is_more(new_ends):
    ends = new_ends().open()
    ends.client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    data = bytes(range(256)) * 350  # 89,600 bytes
    ends.send(ends.client.encrypted(data))
    first, has_more = ends.read()
    assert has_more
    assert READ_SIZE - 17_000 < len(first) < READ_SIZE
    assert (first + ends.read()[0]) == data


def test_what_the_socket_does_not_take_waits_and_goes_out_in_order(new_ends):
    ends = new_ends().open()
    ends.stream._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    written = 0
    while not ends.stream.unsent:
        ends.stream.write(bytes([written]) * 10_000)
        written += 1
    assert not ends.stream.send_unsent(), "the socket is full"
    received = b""
    while ends.stream.unsent:
        received += ends.client.received()
        assert ends.stream.send_unsent()
    received += ends.client.received()
    assert received == b"".join(bytes([number]) * 10_000 for number in range(written))


def test_an_end_is_said_only_behind_what_was_written(new_ends):
    ends, full = new_ends().open(), new_ends().open()
    ends.stream.end()
    assert ends.client.received() == b""
    assert ends.client.tls.read(1) == b"", "close_notify: another read would wait"
    full.stream._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    while not full.stream.unsent:
        full.stream.write(bytes(10_000))
    unsent = bytes(full.stream.unsent)
    full.stream.end()
    assert full.stream.unsent == unsent


def test_what_comes_after_our_end_is_thrown_away(new_ends):
    ends = new_ends().open()
    ends.stream.end()
    assert ends.stream.discard(), "nothing yet"
    ends.send(ends.client.encrypted(b"more"))
    assert ends.stream.discard()
    ends.client.take()
    ends.client.sock.close()
    assert not ends.stream.discard()
