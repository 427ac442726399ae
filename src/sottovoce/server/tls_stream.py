"""TLS over a non-blocking socket, through memory: one system call moves whatever records there are.

OpenSSL at a socket of its own takes two system calls for each record it reads and one for each it writes.
Here it has buffers in memory instead, and one set of them serves all connections: between two calls they are
empty. What OpenSSL needs for longer, the beginning of a record, it keeps by itself.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import Any, Final

READ_SIZE: Final = 64 * 1024
"""Bytes of ciphertext taken from a socket at once."""

_RECORD_SIZE: Final = 16 * 1024 + 256
"""Of one TLS record at most (RFC 8446 §5.2); so much may be with OpenSSL from an earlier read."""


class TlsBuffers:
    """What all streams of one thread pass their bytes through."""

    def __init__(self) -> None:
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.ciphertext = memoryview(bytearray(READ_SIZE))
        self.plaintext = memoryview(bytearray(READ_SIZE + 2 * _RECORD_SIZE))


class TlsStream:
    """The server's end of one TLS connection. ``sock`` is non-blocking, and ours from now on.

    Whatever is raised but :class:`EOFError` is an ``OSError``: the connection is lost.
    """

    __slots__ = ("_buffers", "_has_ended", "_sock", "_tls", "unsent")

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, buffers: TlsBuffers) -> None:
        stream = context.wrap_bio(buffers.incoming, buffers.outgoing, server_side=True)
        self._tls: Any = stream._sslobj  # type: ignore[attr-defined]  # noqa: SLF001 - SSLObject is a call around each of its
        self._sock = sock
        self._buffers = buffers
        self._has_ended = False
        self.unsent: bytes | memoryview = b""
        """Ciphertext that the socket has not taken yet; while there is any, nothing may be written."""

    def fileno(self) -> int:
        """The socket's file descriptor."""
        return self._sock.fileno()

    def protocol(self) -> str | None:
        """The protocol agreed upon by ALPN (RFC 7301), if any."""
        protocol: str | None = self._tls.selected_alpn_protocol()
        return protocol

    def agreed(self) -> tuple[str, str]:
        """The version of TLS and the cipher suite agreed upon, by name."""
        return self._tls.version(), self._tls.cipher()[0]

    def handshake(self) -> memoryview | None:
        """Go on with the handshake. Returns None while it is not complete, then the plaintext that came
        right behind it, as :meth:`read` does.
        """
        if not self._receive():
            return None
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return None
        except BaseException:
            self._buffers.incoming.read()  # whoever comes next finds nothing of ours
            raise
        finally:
            self._answer()
        return self._decrypt()

    def read(self) -> tuple[memoryview, bool]:
        """Return what has come, perhaps nothing, and whether to read again before waiting for more.

        It is good until the next read of any stream. Raises :class:`EOFError` at the end.
        """
        count = self._receive()
        data = self._decrypt()
        return data, count == READ_SIZE or self._has_ended

    def write(self, data: bytes | memoryview) -> None:
        """Encrypt and send; what the socket does not take is left in :attr:`unsent`."""
        try:
            self._tls.write(data)
        finally:
            ciphertext = self._buffers.outgoing.read()
        self._send(ciphertext)

    def send_unsent(self) -> bool:
        """Go on sending what the socket did not take; returns whether it has taken any."""
        before = len(self.unsent)
        self._send(self.unsent)
        return len(self.unsent) < before

    def discard(self) -> bool:
        """Throw away what the peer still sends; returns whether more may come. After :meth:`end`."""
        try:
            return self._sock.recv_into(self._buffers.ciphertext) > 0
        except BlockingIOError:
            return True

    def end(self) -> None:
        """Say close_notify, if all that came before it was taken; does not wait for the answer."""
        if self.unsent:
            return
        with contextlib.suppress(OSError):  # it would wait for the answer
            self._tls.shutdown()
        with contextlib.suppress(OSError):
            self._answer()

    def close(self) -> None:
        """Close the socket. What OpenSSL holds is freed now."""
        self._tls = None
        self.unsent = b""
        self._sock.close()

    # --- ciphertext ----------------------------------------------------------------------------------------

    def _receive(self) -> int:
        """Move what the socket has into the incoming buffer; how many bytes, 0 for nothing yet."""
        buffers = self._buffers
        try:
            count = 0 if self._has_ended else self._sock.recv_into(buffers.ciphertext)
        except BlockingIOError:
            return 0
        if not count:
            raise EOFError
        buffers.incoming.write(buffers.ciphertext[:count])
        return count

    def _decrypt(self) -> memoryview:
        """Decrypt all records that are in the incoming buffer, and empty it."""
        buffers, read = self._buffers, self._tls.read
        incoming, plaintext = buffers.incoming, buffers.plaintext
        filled = 0
        try:
            while incoming.pending:
                count = read(READ_SIZE, plaintext[filled:])
                if not count:
                    self._has_ended = True
                    break
                filled += count
        except ssl.SSLWantReadError:  # the last record has only begun
            pass
        finally:
            if incoming.pending:
                incoming.read()
            if buffers.outgoing.pending:
                self._answer()
        return plaintext[:filled]

    def _answer(self) -> None:
        """Send what TLS itself has to say (a handshake, an alert, a new key), behind what waits."""
        ciphertext = self._buffers.outgoing.read()
        if self.unsent:
            self.unsent = bytes(self.unsent) + ciphertext
        elif ciphertext:
            self._send(ciphertext)

    def _send(self, ciphertext: bytes | memoryview) -> None:
        try:
            sent = self._sock.send(ciphertext)
        except BlockingIOError:
            sent = 0
        self.unsent = memoryview(ciphertext)[sent:] if sent < len(ciphertext) else b""
