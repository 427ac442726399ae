"""One TLS connection, driven by hand: a non-blocking TLS socket, told by :mod:`readiness` when to go on.

No task and no buffer for an idle peer. A read takes all that the socket has; writes take everything that was
queued since the last turn of the loop in one go.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable
from enum import Enum
from selectors import EVENT_READ, EVENT_WRITE
from typing import Final

from sottovoce.link.errors import LinkError
from sottovoce.link.messages import ALPN, ErrorReply
from sottovoce.link.parts import ErrorCode
from sottovoce.server.dispatch import RequestLine
from sottovoce.server.metrics import Metrics
from sottovoce.server.pace import Pace
from sottovoce.server.readiness import Readiness
from sottovoce.server.session import Session
from sottovoce.server.tls_stream import TlsStream

_WRITE_SIZE: Final = 64 * 1024  # encrypted at once; no more is, for a socket that takes no more
_READS_IN_A_ROW: Final = 4
_LINGER_SECONDS: Final = 2.0
_TIMER_STEP: Final = 0.001  # seconds: uvloop's timers are no finer, and one may come half a step early
_log: Final = logging.getLogger(__name__)


class Phase(Enum):
    """Where a connection is, as the socket sees it."""

    HANDSHAKE = "handshake"
    OPEN = "open"
    LINGERING = (
        "lingering"  # all is said; what still comes is thrown away, so that no reset eats our last words
    )
    CLOSED = "closed"


_OPEN: Final = Phase.OPEN  # looking a member of an enumeration up costs more than what is done with it


class Peer:
    """Moves bytes between one socket and one session. Used on the event loop only.

    ``readiness`` and ``pace``, for handshakes, are shared by all peers. ``on_closed`` is called once.
    """

    __slots__ = (
        "_fd", "_first_frame_seconds", "_flush_is_due", "_frame_began", "_frame_seconds", "_frames_seen",
        "_is_paced", "_login_seconds", "_loop", "_metrics", "_on_closed", "_opened_at", "_pace",
        "_paused_until", "_phase", "_phase_deadline", "_readiness", "_stall_seconds", "_stalled_since",
        "_tls", "_unwritten", "_watched", "line", "session",
    )  # fmt: skip

    def __init__(
        self,
        tls: TlsStream,
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
        on_closed: Callable[[Peer], None],
    ) -> None:
        self._tls = tls
        self._loop = loop
        self._fd = tls.fileno()
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
        self._on_closed = on_closed
        self._unwritten: bytes | memoryview = b""
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
            data = self._tls.handshake()
        except (EOFError, OSError) as error:
            self._metrics.handshakes_failed += 1
            _log.debug("handshake failed", extra={"fields": {"reason": _reason(error)}})
            self.abort()
            return
        self._note_unsent()
        if data is None:
            return
        self._phase = Phase.OPEN
        self._opened_at = self._loop.time()
        if _log.isEnabledFor(logging.DEBUG):
            version, cipher = self._tls.agreed()
            _log.debug("handshake", extra={"fields": {"tls": version, "cipher": cipher}})
        if self._tls.protocol() == ALPN:
            self._receive(data)
        else:
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
        if events & EVENT_WRITE:
            self._send_unsent()
        if events & EVENT_READ:
            if self._phase is _OPEN:
                self._read()
                return True
            if self._phase is Phase.HANDSHAKE:
                self._handshake_in_turn()
            elif self._phase is Phase.LINGERING:
                self._discard()
        return False

    def _read(self) -> None:
        """Read until the socket has no more, the line is full or it is others' turn."""
        for _ in range(_READS_IN_A_ROW):
            if self._phase is not _OPEN:
                return
            if self._should_pause():
                self._want_read(False)
                return
            try:
                data, has_more = self._tls.read()
            except EOFError:
                self._end_of_input()
                return
            except OSError as error:
                self._lost(error)
                self.abort()
                return
            if self._tls.unsent:
                self._note_unsent()
            if data:
                self._receive(data)
            if not has_more:
                return

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
            self._loop.call_later(wait + _TIMER_STEP, self._resume)  # comes once, so never too early

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
        if self._phase is _OPEN and not self._is_reading and not self._should_pause():
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
        if not self._flush_is_due and self._phase is _OPEN:
            self._flush_is_due = True
            self._loop.call_soon(self._flush)

    def write_through(self, frame: bytes) -> bool:
        """Send a frame at once if nothing waits before it; returns whether that was so.

        What the socket does not take waits here, ciphertext by then.
        """
        if (
            self._phase is not _OPEN
            or self._flush_is_due
            or self._watched & EVENT_WRITE
            or len(frame) > _WRITE_SIZE
        ):
            return False
        try:
            self._tls.write(frame)
        except OSError as error:
            self._lost(error)
            self._loop.call_soon(self.abort)
        if self._tls.unsent:
            self._note_unsent()
        return True

    def _flush(self) -> None:
        self._flush_is_due = False
        if self._phase is not _OPEN:
            return
        tls, session = self._tls, self.session
        try:
            while not tls.unsent and (data := self._unwritten or session.data_to_send()):
                self._unwritten = b""
                if len(data) > _WRITE_SIZE:
                    data, self._unwritten = data[:_WRITE_SIZE], memoryview(data)[_WRITE_SIZE:]
                session.unsent_bytes = len(self._unwritten)
                tls.write(data)
        except OSError as error:
            self._lost(error)
            self.abort()
            return
        if tls.unsent:
            self._note_unsent()
            return
        if session.is_closed:
            self._linger()
            return
        self.line.advance()
        if not self._is_reading:
            self._resume()

    def _send_unsent(self) -> None:
        """The socket takes more again."""
        try:
            if self._tls.send_unsent():
                self._stalled_since = None
        except OSError as error:
            self._lost(error)
            self.abort()
            return
        self._note_unsent()
        if not self._tls.unsent:
            self._flush()

    def _note_unsent(self) -> None:
        """Wait for the socket to take more while it has not taken all."""
        unsent = len(self._tls.unsent)
        self.session.unsent_bytes = unsent + len(self._unwritten)
        if not unsent:
            self._stalled_since = None
        elif self._stalled_since is None:
            self._stalled_since = self._loop.time()
        self._want_write(unsent > 0)

    def _lost(self, error: OSError) -> None:
        _log.debug("connection lost", extra={"fields": {"reason": _reason(error)}})

    # --- the end -------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Send what is queued, as far as the socket takes it at once, then close."""
        if self._phase is Phase.OPEN:
            self._flush()
        self.abort()

    def abort(self) -> None:
        """Close now."""
        if self._phase is Phase.CLOSED:
            return
        self._want_read(False)
        self._want_write(False)
        if self._phase is not Phase.HANDSHAKE:
            self._tls.end()
        self._phase = Phase.CLOSED
        self._tls.close()
        self._unwritten = b""
        self.session.connection.close()
        self.line.drop()
        self.session.drop()
        self._on_closed(self)

    def _linger(self) -> None:
        self._phase = Phase.LINGERING
        self._phase_deadline = self._loop.time() + _LINGER_SECONDS
        self._tls.end()
        self._want_read(True)
        self._discard()

    def _discard(self) -> None:
        """Throw away what the peer still sends; the raw bytes, as our side of TLS is over."""
        with contextlib.suppress(OSError):
            if self._tls.discard():
                return
        self.abort()

    @property
    def _is_reading(self) -> bool:
        return self._watched & EVENT_READ != 0

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
