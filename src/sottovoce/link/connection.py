"""Both ends of the link without a socket: bytes in, messages out; messages in, bytes to send.

Five verbs: :meth:`receive_data`, :meth:`receive_eof`, :meth:`events`, :meth:`send`, :meth:`data_to_send`.
Whoever owns the socket calls ``data_to_send`` after any of the others, also after one has raised: the last
bytes tell the peer why.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Final, Generic, TypeVar

import msgspec

from sottovoce.link.connection_state import AFTER_REFUSAL, AFTER_SUCCESS, ANSWERS, LEGAL_REQUESTS, State
from sottovoce.link.errors import (
    FrameTooLarge,
    LinkError,
    MalformedMessage,
    MisusedConnection,
    UnexpectedEnd,
    UnexpectedReply,
)
from sottovoce.link.frames import (
    HEADER_LENGTH,
    LIMIT_AFTER_LOGIN,
    LIMIT_BEFORE_LOGIN,
    FrameReader,
    encode_frame,
)
from sottovoce.link.messages import ClientMessage, ErrorReply, Push, Reply, Request, ServerMessage
from sottovoce.link.parts import ErrorCode

MAX_REQUESTS_UNDER_WAY: Final = 1024
"""How many requests a client may have unanswered; a server refuses the next with NOT_ALLOWED."""

Trace = Callable[[str, str, int], None]
"""Called with "sent" or "received", the message type's name, and the frame's size in bytes."""

_client_messages: Final = msgspec.msgpack.Decoder(ClientMessage)
_server_messages: Final = msgspec.msgpack.Decoder(ServerMessage)
_anything: Final = msgspec.msgpack.Decoder(list[msgspec.Raw])
_text: Final = msgspec.msgpack.Decoder(str)
_counter: Final = msgspec.msgpack.Decoder(int)
_undecodable: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_DEVICE: Final = State.DEVICE  # looking a member of an enumeration up costs more than what is done with it
_CLOSED: Final = State.CLOSED
_REQUEST_TAGS: Final = frozenset(str(kind.__struct_config__.tag) for kind in ANSWERS)


_Event = TypeVar("_Event")


class _Connection(Generic[_Event]):
    """What both ends share: frames in, frames out, the state, and the requests under way.

    ``bytes_to_send`` are queued and not yet taken; ``frames_received`` counts whole frames. ``trace`` is told
    of every frame, for a debug log.
    """

    __slots__ = (
        "_events", "_outgoing", "_reader", "_trace", "_under_way", "bytes_to_send", "frames_received", "state"
    )  # fmt: skip

    def __init__(self, trace: Trace | None = None) -> None:
        self.state = State.GREETING
        self.frames_received = 0
        self.bytes_to_send = 0
        self._trace = trace
        self._reader = FrameReader(LIMIT_BEFORE_LOGIN)
        self._events: list[_Event] = []
        self._outgoing: list[bytes] = []
        self._under_way: dict[int, type[Request]] = {}

    @property
    def is_mid_frame(self) -> bool:
        """Whether the peer has begun a frame and not finished it."""
        return self._reader.is_mid_frame

    @property
    def requests_under_way(self) -> int:
        """How many requests have no reply yet."""
        return len(self._under_way)

    def receive_data(self, data: bytes | bytearray | memoryview) -> None:
        """Take bytes from the peer. Raises :class:`LinkError` and closes when it broke a rule."""
        if self.state is _CLOSED:
            return
        try:
            for body in self._reader.frames(data):
                self.frames_received += 1
                if not self._receive_frame(body):
                    return
        except LinkError as error:
            self._tell(error)
            self.close()
            raise

    def events(self) -> list[_Event]:
        """Return the messages received since the last call, oldest first."""
        events, self._events = self._events, []
        return events

    def data_to_send(self) -> bytes:
        """Return the bytes to write to the socket now, in order, and forget them."""
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        self.bytes_to_send = 0
        return data

    def close(self) -> None:
        """Take no more bytes and send no more messages; what is queued may still be written."""
        self.state = State.CLOSED
        self._reader = FrameReader(0)

    def receive_eof(self) -> None:
        """The peer will send nothing more. Raises :class:`UnexpectedEnd` if it stopped inside a frame."""
        mid_frame = self._reader.is_mid_frame
        self.close()
        if mid_frame:
            raise UnexpectedEnd("the peer closed the connection in the middle of a frame")

    @abstractmethod
    def _receive_frame(self, body: memoryview) -> bool:
        """Take one whole frame's body; returns whether to take more. Raises :class:`LinkError`."""

    def _tell(self, error: LinkError) -> None:
        """Queue what the peer is told of its fault before the connection closes; by default nothing."""

    def _queue(self, name: str, frame: bytes) -> None:
        if self._trace is not None:
            self._trace("sent", name, len(frame))
        self._outgoing.append(frame)
        self.bytes_to_send += len(frame)

    def _settle(self, message: Reply | ErrorReply, request: type[Request]) -> None:
        """Move along the state table: ``message`` answers ``request``."""
        table = AFTER_REFUSAL if isinstance(message, ErrorReply) else AFTER_SUCCESS
        self.state = table.get(request, self.state)
        if self.state is _DEVICE:
            self._reader.limit = LIMIT_AFTER_LOGIN


class ServerConnection(_Connection[ClientMessage]):
    """The server's end: takes requests, sends replies and pushes.

    A request that is not legal in the state, or of an unknown type, is answered here and never becomes an
    event. A broken frame closes the connection: :class:`LinkError`, and the peer is told its code.
    """

    __slots__ = ()

    def send(self, message: ServerMessage) -> None:
        """Queue a reply or push.

        Raises :class:`MisusedConnection` for a reply to no request under way or of the wrong type, and for a
        push before a device is logged in.
        """
        if self.state is _CLOSED:
            raise MisusedConnection("the connection is closed")
        if isinstance(message, Push):
            self.send_push(encode_frame(message))
            return
        if message.id is None:
            self._queue("ErrorReply", encode_frame(message))
            self.close()
            return
        kind = type(message)
        request = self._under_way.get(message.id)
        if request is None:
            raise MisusedConnection(f"no request {message.id} is under way")
        if kind is not ANSWERS[request] and kind is not ErrorReply:
            raise MisusedConnection(f"a {kind.__name__} does not answer a {request.__name__}")
        frame = encode_frame(message)
        del self._under_way[message.id]
        if self.state is not _DEVICE:
            self._settle(message, request)
        self._queue(kind.__name__, frame)

    def send_push(self, frame: bytes) -> None:
        """Queue a push that :func:`~sottovoce.link.frames.encode_frame` encoded for many connections."""
        if self.state is not _DEVICE:
            raise MisusedConnection("pushes are for connections with a device logged in")
        self._queue("Push", frame)

    def _tell(self, error: LinkError) -> None:
        self._queue("ErrorReply", encode_frame(ErrorReply(None, error.code, str(error))))

    def _receive_frame(self, body: memoryview) -> bool:
        try:
            message = _client_messages.decode(body)
        except _undecodable as error:
            self._refuse_undecodable(body, error)
            return True
        number, kind = message.id, type(message)
        if self._trace is not None:
            self._trace("received", kind.__name__, len(body) + HEADER_LENGTH)
        if number in self._under_way:
            raise MalformedMessage("the id of a request under way was used again")
        most = MAX_REQUESTS_UNDER_WAY if self.state is _DEVICE else 1
        if len(self._under_way) >= most:
            self._not_allowed(number, "too many requests are under way")
        elif kind not in LEGAL_REQUESTS[self.state]:
            self._not_allowed(number, f"not while {self.state.value}")
        else:
            self._under_way[number] = kind
            self._events.append(message)
        return True

    def _not_allowed(self, number: int, reason: str) -> None:
        refusal = ErrorReply(number, ErrorCode.NOT_ALLOWED, f"this request is not allowed: {reason}")
        self._queue("ErrorReply", encode_frame(refusal))

    def _refuse_undecodable(self, body: memoryview, error: Exception) -> None:
        """Answer a request of an unknown type; raise :class:`MalformedMessage` for anything else."""
        try:
            name, request_id, *_ = _anything.decode(body)
            known = _text.decode(name) in _REQUEST_TAGS
            number = _counter.decode(request_id)
        except (*_undecodable, ValueError):  # ValueError: an array too short for a name and an id
            known, number = True, -1
        if known or not 0 <= number < 2**63:
            raise MalformedMessage("a frame is not a message of this protocol") from error
        refusal = ErrorReply(number, ErrorCode.UNKNOWN_TYPE, "this server does not know that type of request")
        self._queue("ErrorReply", encode_frame(refusal))


class ClientConnection(_Connection[ServerMessage]):
    """The client's end: sends requests, takes replies and pushes."""

    __slots__ = ()

    def send(self, message: ClientMessage) -> None:
        """Queue a request.

        Raises :class:`MisusedConnection` when the state table does not allow it or its id is in use, and
        :class:`FrameTooLarge` when it is over the cap of the state.
        """
        if type(message) not in LEGAL_REQUESTS[self.state]:
            raise MisusedConnection(f"a {type(message).__name__} is not allowed while {self.state.value}")
        if message.id in self._under_way:
            raise MisusedConnection(f"request {message.id} is still under way")
        if self._under_way and self.state is not _DEVICE:
            raise MisusedConnection("before a device is logged in one request is under way at a time")
        frame = encode_frame(message)
        if len(frame) > self._reader.limit:
            raise FrameTooLarge(f"a request of {len(frame)} bytes is over the limit of {self._reader.limit}")
        self._under_way[message.id] = type(message)
        self._queue(type(message).__name__, frame)

    def _receive_frame(self, body: memoryview) -> bool:
        try:
            message = _server_messages.decode(body)
        except _undecodable as error:
            raise MalformedMessage("the server sent a frame that is not a message") from error
        if self._trace is not None:
            self._trace("received", type(message).__name__, len(body) + HEADER_LENGTH)
        if isinstance(message, Push):
            if self.state is not _DEVICE:
                raise UnexpectedReply("the server pushed something before the login")
        elif message.id is None:
            self.close()
        else:
            self._settle(message, self._request_answered_by(message, message.id))
        self._events.append(message)
        return self.state is not _CLOSED

    def _request_answered_by(self, message: Reply | ErrorReply, number: int) -> type[Request]:
        request = self._under_way.pop(number, None)
        if request is None or not isinstance(message, (ErrorReply, ANSWERS[request])):
            raise UnexpectedReply("the server sent a reply that answers no request")
        return request
