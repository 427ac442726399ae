"""A program on a pseudo-terminal of its own, every byte of what it writes there kept."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

from sdk_world import PATIENCE, until


class PseudoTerminal:
    """``command`` on a terminal of ``size`` (columns, rows); made inside a running event loop."""

    def __init__(
        self, command: Sequence[str | Path], environment: Mapping[str, str], size: tuple[int, int] = (100, 30)
    ) -> None:
        self._controller, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, *command],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment},
            start_new_session=True,
        )
        os.close(terminal)
        self.octets = b""
        os.set_blocking(self._controller, False)
        asyncio.get_running_loop().add_reader(self._controller, self._read)

    def _read(self) -> bool:
        """Take some of what was written, a few thousand octets at most; False when there is nothing now."""
        try:
            octets = os.read(self._controller, 65536)
        except BlockingIOError:
            return False
        except OSError:  # EIO: the program has closed its end, and everything was read
            asyncio.get_running_loop().remove_reader(self._controller)
            return False
        self.octets += octets
        return bool(octets)

    async def shows(self, word: str, after: int = 0) -> None:
        """Wait until ``word`` was written, in one piece, behind the first ``after`` octets."""
        octets = word.encode()
        await until(
            lambda: octets in self.octets[after:] or self.process.poll() is not None, f"{word!r} there"
        )
        assert octets in self.octets[after:], f"it ended without {word!r}: {self.octets[-2000:]!r}"

    def types(self, text: str) -> None:
        """Type, all at once."""
        os.write(self._controller, text.encode())

    async def ends(self, patience: float = PATIENCE) -> int:
        """Return the exit code once the program has ended and all it wrote is read; ``patience``: seconds."""
        await asyncio.to_thread(self.process.wait, patience)
        while self._read():
            pass
        return self.process.returncode

    def close(self) -> None:
        """End the program, if it runs, and give the terminal up."""
        asyncio.get_running_loop().remove_reader(self._controller)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        os.close(self._controller)
