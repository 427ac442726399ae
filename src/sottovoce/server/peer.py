"""One TLS connection, driven by hand: a non-blocking TLS socket, told by :mod:`readiness` when to go on.

No task and no buffer for an idle peer. Reads go on until the socket has no more; writes take everything that
was queued since the last turn of the loop in one go.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import ssl
import sys
from collections.abc import Callable
from enum import Enum
from fcntl import ioctl
from selectors import EVENT_READ, EVENT_WRITE
from termios import FIONREAD
from typing import Any, Final

from sottovoce.link.errors import LinkError
from sottovoce.link.messages import ALPN, ErrorReply
from sottovoce.link.parts import ErrorCode
from sottovoce.server.dispatch import RequestLine
from sottovoce.server.metrics import Metrics
from sottovoce.server.pace import Pace
from sottovoce.server.readiness import Readiness
from sottovoce.server.session import Session

READ_SIZE: Final = 64 * 1024
_WRITE_SIZE: Final = 64 * 1024  # the TLS socket takes a write whole or not at all: small ones show progress
_RECORD_SIZE: Final = 16 * 1024  # of plain text, the most in one TLS record (RFC 8446 §5.1)
_RECORD_OVERHEAD: Final = 22  # header, inner type, tag (RFC 8446 §5.2); padding may make it more, never less
_READS_IN_A_ROW: Final = 4
_INT: Final = bytes(4)
_LINGER_SECONDS: Final = 2.0
_log: Final = logging.getLogger(__name__)


class Phase(Enum):
    """Where a connection is, as the socket sees it."""

    HANDSHAKE = "handshake"
    OPEN = "open"
    LINGERING = (
        "lingering"  # all is said; what still comes is thrown away, so that no reset eats our last words
    )
    CLOSED = "closed"


class Peer:
    """Moves bytes between one socket and one session. Used on the event loop only.

    ``readiness``, ``buffer`` and ``pace``, for handshakes, are shared by all peers: what was read is used up
    before the next read. ``on_closed`` is called once.
    """

    __slots__ = (
        "_buffer", "_fd", "_first_frame_seconds", "_flush_is_due", "_frame_began", "_frame_seconds",
        "_frames_seen", "_is_paced", "_login_seconds", "_loop", "_metrics", "_on_closed", "_opened_at",
        "_pace", "_paused_until", "_phase", "_phase_deadline", "_readiness", "_sock", "_stall_seconds",
        "_stalled_since", "_tls", "_unsent", "_watched", "line", "session",
    )  # fmt: skip

    def __init__(
        self,
        sock: ssl.SSLSocket,
        loop: asyncio.AbstractEventLoop,
        *,
        deadline: float,
        first_frame_seconds: float,
        frame_seconds: float,
        login_seconds: float,
        stall_seconds: float,
        metrics: Metrics,
        readiness: Readiness,
        pace: Pace,
        buffer: memoryview,
        on_closed: Callable[[Peer], None],
    ) -> None:
        self._sock = sock
        self._loop = loop
        self._fd = sock.fileno()
        self._phase = Phase.HANDSHAKE
        self._phase_deadline = deadline
        self._first_frame_seconds = first_frame_seconds
        self._frame_seconds = frame_seconds
        self._login_seconds = login_seconds
        self._stall_seconds = stall_seconds
        self._metrics = metrics
        self._readiness = readiness
        self._pace = pace
        self._is_paced = False
        self._buffer = buffer
        self._on_closed = on_closed
        self._tls: Any = None  # has read() and write(); the standard library names no such type
        self._unsent: bytes | memoryview = b""
        self._watched = 0
        self._flush_is_due = False
        self._frames_seen = 0
        self._frame_began: float | None = None
        self._opened_at = deadline
        self._stalled_since: float | None = None
        self._paused_until = 0.0
        self.session: Session
        self.line: RequestLine

    def start(self, session: Session, line: RequestLine) -> None:
        """Begin the handshake."""
        self.session = session
        self.line = line
        line.resume_reading = self._resume
        self._want_read(True)

    # --- deadlines -----------------------------------------------------------------------------------------

    def missed_deadline(self, now: float) -> str | None:
        """Name the deadline that has passed, if any. ``now`` is the loop's time."""
        if self._phase in (Phase.HANDSHAKE, Phase.LINGERING):
            return self._phase.value if now > self._phase_deadline else None
        if self.session.device is None:
            if self._frames_seen == 0 and now > self._opened_at + self._first_frame_seconds:
                return "first frame"
            if now > self._opened_at + self._login_seconds:
                return "login"
        late = self._frame_began is not None and now > self._frame_began + self._frame_seconds
        if late and self._is_reading:
            return "frame"
        if self._stalled_since is not None and now > self._stalled_since + self._stall_seconds:
            return "stall"
        return None

    # --- handshake -----------------------------------------------------------------------------------------

    def _handshake_in_turn(self) -> None:
        if not self._is_paced:
            self._is_paced = True
            self._pace.add(self._handshake)

    def _handshake(self) -> None:
        self._is_paced = False
        if self._phase is not Phase.HANDSHAKE:
            return
        try:
            self._sock.do_handshake()
        except ssl.SSLWantReadError:
            self._want_write(False)
            return
        except ssl.SSLWantWriteError:
            self._want_write(True)
            return
        except (OSError, ValueError) as error:
            self._metrics.handshakes_failed += 1
            _log.debug("handshake failed", extra={"fields": {"reason": _reason(error)}})
            self.abort()
            return
        self._phase = Phase.OPEN
        self._tls = self._sock._sslobj  # type: ignore[attr-defined]  # noqa: SLF001 - SSLSocket is two calls around it
        self._opened_at = self._loop.time()
        self._want_write(False)
        if _log.isEnabledFor(logging.DEBUG):
            cipher = self._sock.cipher()
            _log.debug(
                "handshake",
                extra={"fields": {"tls": self._sock.version(), "cipher": cipher[0] if cipher else "none"}},
            )
        if self._sock.selected_alpn_protocol() != ALPN:
            self.session.reply(
                ErrorReply(
                    None, ErrorCode.UNSUPPORTED_VERSION, f"this server speaks {ALPN} (ALPN) and nothing else"
                )
            )
            self._flush()

    # --- reading -------------------------------------------------------------------------------------------

    def on_ready(self, events: int) -> bool:
        """Go on where the socket made us wait; see :class:`~sottovoce.server.readiness.Watched`."""
        events &= self._watched  # what a round found may be of no interest any more
        if self._phase is Phase.OPEN:
            if events & EVENT_WRITE:
                self._want_write(False)
                self._flush()
            if events & EVENT_READ:
                self._read()
                return True
        elif events and self._phase is Phase.HANDSHAKE:
            self._handshake_in_turn()
        elif events and self._phase is Phase.LINGERING:
            self._discard()
        return False

    def _read(self) -> None:
        """Read until the socket has no more, the line is full or it is others' turn."""
        for _ in range(_READS_IN_A_ROW):
            if self._phase is not Phase.OPEN:
                return
            if self._should_pause():
                self._want_read(False)
                return
            filled, is_drained = self._fill()
            if filled:
                self._receive(self._buffer[:filled])
            if is_drained:
                return

    def _fill(self) -> tuple[int, bool]:
        """Read TLS records into the buffer while they fit; returns how many bytes, and whether to stop.

        One look at what the socket has costs an eighth of a read that finds nothing.
        """
        read, buffer, filled = self._tls.read, self._buffer, 0
        unread = int.from_bytes(ioctl(self._fd, FIONREAD, _INT), sys.byteorder)
        try:
            while filled <= READ_SIZE - _RECORD_SIZE:
                count = read(READ_SIZE - filled, buffer[filled:])
                if count == 0:
                    self._loop.call_soon(self._end_of_input)
                    return filled, True
                filled += count
                unread -= count + _RECORD_OVERHEAD
                if unread <= 0:  # what has come since is found in the next round
                    return filled, True
        except ssl.SSLWantReadError:
            return filled, True
        except ssl.SSLWantWriteError:  # an answer to a TLS key update is under way
            self._want_write(True)
            return filled, True
        except (OSError, ValueError) as error:
            _log.debug("connection lost", extra={"fields": {"reason": _reason(error)}})
            self._loop.call_soon(self.abort)
            return filled, True
        return filled, False

    def _receive(self, data: memoryview) -> None:
        connection = self.session.connection
        try:
            connection.receive_data(data)
        except LinkError as error:
            self._metrics.frames_refused += 1
            _log.info("frame refused", extra={"fields": {"reason": str(error)}})
        frames = connection.frames_received - self._frames_seen
        wait = self.line.take(connection.events(), frames=frames, octets=len(data))
        self._note_frames(connection.frames_received, is_mid_frame=connection.is_mid_frame)
        if connection.bytes_to_send:
            self.wake()
        if wait > 0:
            self._paused_until = self._loop.time() + wait
            self._loop.call_later(wait, self._resume)

    def _note_frames(self, frames: int, *, is_mid_frame: bool) -> None:
        if not is_mid_frame:
            self._frame_began = None
        elif self._frame_began is None or frames != self._frames_seen:
            self._frame_began = self._loop.time()
        self._frames_seen = frames

    def stop_reading(self) -> None:
        """Take no more requests; replies still go out."""
        self._paused_until = math.inf

    def _should_pause(self) -> bool:
        """Whether too much is under way or unread, or the account is over its rate."""
        return self.line.is_full or self.session.is_full or self._loop.time() < self._paused_until

    def _resume(self) -> None:
        if self._phase is Phase.OPEN and not self._is_reading and not self._should_pause():
            if self._frame_began is not None:
                self._frame_began = self._loop.time()
            self._want_read(True)
            self._read()

    def _end_of_input(self) -> None:
        with contextlib.suppress(LinkError):
            self.session.connection.receive_eof()
        self.abort()

    # --- writing -------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """There is something to send: write it at the end of this turn of the loop."""
        if not self._flush_is_due and self._phase is Phase.OPEN:
            self._flush_is_due = True
            self._loop.call_soon(self._flush)

    def write_through(self, frame: bytes) -> bool:
        """Send a frame at once if nothing waits before it; whether the socket took it, whole."""
        if (
            self._phase is not Phase.OPEN
            or self._is_writing
            or self._flush_is_due
            or len(frame) > _WRITE_SIZE
        ):
            return False
        try:
            self._tls.write(frame)
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):  # to be tried again, with these bytes first
            return False
        except (OSError, ValueError) as error:
            _log.debug("connection lost", extra={"fields": {"reason": _reason(error)}})
            self._loop.call_soon(self.abort)
        return True

    def _flush(self) -> None:
        self._flush_is_due = False
        if self._phase is not Phase.OPEN or self._is_writing:
            return
        while data := self._unsent or self.session.data_to_send():
            try:
                sent = self._tls.write(data if len(data) <= _WRITE_SIZE else memoryview(data)[:_WRITE_SIZE])
            except ssl.SSLWantWriteError:
                self._blocked(data)
                return
            except ssl.SSLWantReadError:
                self._keep(data)
                return
            except (OSError, ValueError) as error:
                _log.debug("connection lost", extra={"fields": {"reason": _reason(error)}})
                self.abort()
                return
            self._keep(memoryview(data)[sent:] if sent < len(data) else b"")
            self._stalled_since = None
        if self.session.is_closed:
            self._linger()
            return
        self.line.advance()
        if not self._is_reading:
            self._resume()

    def _keep(self, data: bytes | memoryview) -> None:
        """What the socket has not taken yet."""
        self._unsent = data
        self.session.unsent_bytes = len(data)

    def _blocked(self, data: bytes | memoryview) -> None:
        """The socket takes no more for now."""
        self._keep(data)
        if self._stalled_since is None:
            self._stalled_since = self._loop.time()
        self._want_write(True)

    # --- the end -------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Send what is queued, as far as the socket takes it at once, then close."""
        if self._phase is Phase.OPEN:
            self._want_write(False)
            self._flush()
        self.abort()

    def abort(self) -> None:
        """Close now."""
        if self._phase is Phase.CLOSED:
            return
        self._want_read(False)
        self._want_write(False)
        if self._phase is not Phase.HANDSHAKE:
            with contextlib.suppress(OSError, ValueError):
                self._sock.unwrap()  # says close_notify; does not wait for the answer
        self._phase = Phase.CLOSED
        self._tls = None  # what OpenSSL holds goes now, not at the next collection
        self.session.connection.close()
        self.line.drop()
        self.session.drop()
        self._unsent = b""
        self._sock.close()
        self._on_closed(self)

    def _linger(self) -> None:
        self._phase = Phase.LINGERING
        self._phase_deadline = self._loop.time() + _LINGER_SECONDS
        with contextlib.suppress(OSError, ValueError):
            self._sock.unwrap()
        self._want_read(True)
        self._discard()

    def _discard(self) -> None:
        """Throw away what the peer still sends; the raw bytes, as our side of TLS is over."""
        for _ in range(_READS_IN_A_ROW):
            try:
                if not super(ssl.SSLSocket, self._sock).recv_into(self._buffer):
                    break
            except BlockingIOError:
                return
            except (OSError, ValueError):
                break
        else:
            return
        self.abort()

    @property
    def _is_reading(self) -> bool:
        return self._watched & EVENT_READ != 0

    @property
    def _is_writing(self) -> bool:
        return self._watched & EVENT_WRITE != 0

    def _want_read(self, wanted: bool) -> None:
        self._watch(self._watched | EVENT_READ if wanted else self._watched & ~EVENT_READ)

    def _want_write(self, wanted: bool) -> None:
        self._watch(self._watched | EVENT_WRITE if wanted else self._watched & ~EVENT_WRITE)

    def _watch(self, events: int) -> None:
        if events != self._watched:
            self._readiness.watch(self._fd, events, self, was=self._watched)
            self._watched = events


def _reason(error: Exception) -> str:
    """A short name of what went wrong, from a fixed set: nothing a peer wrote."""
    return getattr(error, "reason", None) or type(error).__name__
