"""A program on a pseudo-terminal of ours: keys go in, and the time is taken when bytes come out."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from bench.server.processes import BenchFailed

COLUMNS: Final = 120
ROWS: Final = 40
ENTERED: Final = "rite to "
"""Of the words in the empty field, without the letter that the cursor stands on."""

QUIET: Final = 0.025
"""Seconds without a byte after which what a program draws is taken to be complete."""

_AT_ONCE: Final = 1 << 16
_KEPT: Final = 4096  # bytes: what is awaited may come in two pieces


@dataclass(frozen=True)
class Drawn:
    """What a key brought to the screen: seconds from the key to the first byte and to the last, and bytes."""

    first: float
    last: float
    octets: int


class Terminal:
    """A process whose three streams are a terminal of 120x40 cells; end it by ``with``."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.began: Final = time.perf_counter()
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        self.pid: Final = self._process.pid
        os.close(slave)
        self._tail = b""
        self._is_ending = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_ending = True
        self._process.terminate()
        ends = time.monotonic() + 10
        while self._process.poll() is None and time.monotonic() < ends:
            self._read(0.05)
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._master)

    def type(self, keys: str) -> None:
        """Press keys, given as what a terminal sends for them."""
        os.write(self._master, keys.encode())

    def wait_for(self, text: str, seconds: float = 60.0) -> float:
        """Read until ``text`` is drawn; return seconds since the program was started."""
        self._read_until(text.encode(), seconds)
        return time.perf_counter() - self.began

    def echo(self, key: str, seconds: float = 10.0) -> float:
        """Press a key that nothing else on the screen shows; return the seconds until it is drawn."""
        self._tail = b""
        began = time.perf_counter()
        self.type(key)
        self._read_until(key.encode(), seconds)
        return time.perf_counter() - began

    def act(self, keys: str, seconds: float = 5.0) -> Drawn:
        """Press keys and read until nothing more is drawn. Raises :class:`BenchFailed` if nothing is."""
        began = time.perf_counter()
        self.type(keys)
        first = last = 0.0
        octets = 0
        while chunk := self._read(QUIET if octets else seconds):
            last = time.perf_counter()
            first = first or last
            octets += len(chunk)
        if not octets:
            raise BenchFailed(f"{keys!r} brought nothing to the screen in {seconds:.0f} s")
        return Drawn(first - began, last - began, octets)

    def pass_time(self, seconds: float) -> None:
        """Read what is drawn meanwhile, as a terminal does."""
        ends = time.perf_counter() + seconds
        while (left := ends - time.perf_counter()) > 0:
            self._read(left)

    def settle(self, holds: Callable[[], bool] = lambda: True, quiet: float = 0.2) -> None:
        """Read until nothing is drawn for ``quiet`` seconds and ``holds()``."""
        while self._read(quiet) or not holds():
            pass

    def _read_until(self, wanted: bytes, seconds: float) -> None:
        ends = time.perf_counter() + seconds
        while wanted not in self._tail:
            left = ends - time.perf_counter()
            if left <= 0:
                raise BenchFailed(
                    f"{wanted.decode()!r} was not drawn in {seconds:.0f} s: {self._tail[-300:]!r}"
                )
            self._read(left)

    def _read(self, seconds: float) -> bytes:
        """Return what comes next, or nothing. Raises :class:`BenchFailed` when the program has failed."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return b""
        try:
            chunk = os.read(self._master, _AT_ONCE)
        except OSError:  # the other side is closed
            chunk = b""
        if not chunk and not self._is_ending:
            raise BenchFailed(f"the program ended: {self._tail[-300:]!r}")
        self._tail = (self._tail + chunk)[-max(_KEPT, len(chunk)) :]
        return chunk
