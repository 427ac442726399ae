"""Lines of a pipe or a file, strictly: whole, UTF-8, and never longer than one message holds."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from typing import Final

from sottovoce.cli.errors import LineTooLong, NotUtf8
from sottovoce.client.content import MAX_TEXT_LENGTH

_CHUNK: Final = 64 * 1024  # bytes
_CHUNKS_AHEAD: Final = 4


class LineSplitter:
    """Bytes in, lines out; sans I/O. Raises at the first line that cannot be sent, after those before it."""

    def __init__(self) -> None:
        self._pending = b""
        self._line = 0

    def feed(self, data: bytes, *, end: bool = False) -> list[str | NotUtf8 | LineTooLong]:
        """Take what was read and return the lines that are whole; the last item may be an error instead.

        A line ends with LF or CR LF; at the ``end`` the rest is a line too. Nothing is kept beyond 32 KiB.
        """
        *whole, self._pending = (self._pending + data).split(b"\n")
        if end and self._pending:
            whole.append(self._pending)
            self._pending = b""
        result: list[str | NotUtf8 | LineTooLong] = []
        for octets in whole:
            result.append(self._decode(octets.removesuffix(b"\r")))
            if not isinstance(result[-1], str):
                return result
        if len(self._pending) > MAX_TEXT_LENGTH + 1:  # one more: the CR that may be its last byte
            result.append(LineTooLong(self._line + 1, MAX_TEXT_LENGTH))
        return result

    def _decode(self, octets: bytes) -> str | NotUtf8 | LineTooLong:
        self._line += 1
        if len(octets) > MAX_TEXT_LENGTH:
            return LineTooLong(self._line, MAX_TEXT_LENGTH)
        try:
            return octets.decode("utf-8")
        except UnicodeDecodeError:
            return NotUtf8(self._line)


async def input_lines(descriptor: int) -> AsyncIterator[str]:
    """Yield the lines of a file descriptor until its end.

    Raises :class:`NotUtf8` or :class:`LineTooLong` at the first line that is one, after all before it.
    A thread of its own reads, for a regular file cannot be polled; it never keeps the process from ending.
    """
    splitter = LineSplitter()
    async for chunk in _chunks(descriptor):
        for item in splitter.feed(chunk, end=not chunk):
            if not isinstance(item, str):
                raise item
            yield item


async def _chunks(descriptor: int) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    room_for = threading.Semaphore(_CHUNKS_AHEAD)

    def read() -> None:
        chunk = b"."
        while chunk:
            room_for.acquire()
            try:
                chunk = os.read(descriptor, _CHUNK)
            except OSError:
                chunk = b""
            try:
                loop.call_soon_threadsafe(queue.put_nowait, chunk)
            except RuntimeError:
                return  # the loop has ended, and with it who would read on

    threading.Thread(target=read, name="standard input", daemon=True).start()
    chunk = b"."
    while chunk:
        chunk = await queue.get()
        room_for.release()
        yield chunk
