"""A line typed at a terminal while other lines arrive: what is typed is never torn apart by them.

The terminal echoes nothing; the line is drawn here, at the bottom, and drawn again after whatever is printed.
A finished line vanishes and comes back at its place in the log. Keys: backspace, Ctrl-U (all), Ctrl-W (a
word), Ctrl-D (end, on an empty line), Enter. Escape sequences of other keys are swallowed.
"""

from __future__ import annotations

import asyncio
import codecs
import os
import re
import signal
import sys
import termios
import unicodedata
from collections.abc import AsyncIterator
from typing import Any, Final

from sottovoce.cli.console import Console
from sottovoce.client.content import MAX_TEXT_LENGTH
from sottovoce.client.sanitize import sanitize

_ERASE_LINE: Final = "\r\x1b[2K"
_KEY_SEQUENCE: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|[^\[O])", re.DOTALL)
_KEY_SEQUENCE_BEGUN: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|O)?\Z")
_MOST_OF_A_SEQUENCE: Final = 64  # characters; what is longer is no key


class LineBuffer:
    """Keys in, finished lines out; sans I/O. ``ended`` after Ctrl-D on an empty line."""

    def __init__(self) -> None:
        self.text = ""
        self.ended = False
        self._held = ""

    def feed(self, keys: str) -> list[str]:
        """Take what was typed and return the lines it finishes.

        Of a line that is too long for a message one character more is kept than fits: sending it is refused.
        """
        keys = _KEY_SEQUENCE.sub("", self._held + keys)
        begun = _KEY_SEQUENCE_BEGUN.search(keys)
        if begun and len(keys) - begun.start() < _MOST_OF_A_SEQUENCE:
            keys, self._held = keys[: begun.start()], keys[begun.start() :]
        else:
            self._held = ""
        finished: list[str] = []
        for key in keys:
            if key in "\r\n":
                finished.append(self.text)
                self.text = ""
            elif key == "\x04" and not self.text:
                self.ended = True
                break
            else:
                self._edit(key)
        return finished

    def _edit(self, key: str) -> None:
        match key:
            case "\x7f" | "\x08":
                self.text = self.text[:-1]
            case "\x15":
                self.text = ""
            case "\x17":
                self.text = self.text.rstrip().rpartition(" ")[0]
                self.text += " " if self.text else ""
            case "\t":
                self.text += " "
            case _ if unicodedata.category(key) != "Cc" and len(self.text) <= MAX_TEXT_LENGTH:
                self.text += key


def tail_that_fits(text: str, columns: int) -> str:
    """Return the end of ``text`` that one row of a terminal shows with the cursor after it."""
    room, start = columns - 1, len(text)
    while start and room >= (width := _width(text[start - 1])):
        room -= width
        start -= 1
    return text[start:]


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class LineEditor:
    """The bottom line of a terminal; a context manager that sets the terminal back as it was."""

    def __init__(self, console: Console) -> None:
        self._console: Final = console
        self._descriptor: Final = sys.stdin.fileno()
        self._buffer: Final = LineBuffer()
        self._decoder: Final = codecs.getincrementaldecoder("utf-8")("replace")
        self._lines: Final[asyncio.Queue[str | None]] = asyncio.Queue()
        self._before: list[Any] = []

    def __enter__(self) -> LineEditor:
        self._before = termios.tcgetattr(self._descriptor)
        self._take_terminal()
        loop = asyncio.get_running_loop()
        loop.add_reader(self._descriptor, self._read)
        loop.add_signal_handler(signal.SIGCONT, self._take_terminal)
        self._console.before, self._console.after = self._erase, self._draw
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._descriptor)
        loop.remove_signal_handler(signal.SIGCONT)
        self._erase()
        self._console.before = self._console.after = lambda: None
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)

    async def lines(self) -> AsyncIterator[str]:
        """Yield each finished line until Ctrl-D or the terminal's end."""
        while (line := await self._lines.get()) is not None:
            yield line

    def _take_terminal(self) -> None:
        """No echo and no line mode; Ctrl-C and Ctrl-Z stay signals. Also after a stop (SIGCONT)."""
        mode = termios.tcgetattr(self._descriptor)
        mode[3] &= ~(termios.ECHO | termios.ICANON)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, mode)
        self._draw()

    def _read(self) -> None:
        try:
            octets = os.read(self._descriptor, 4096)
        except OSError:
            octets = b""
        finished = self._buffer.feed(self._decoder.decode(octets))
        self._erase()
        for line in finished:
            self._lines.put_nowait(line)
        self._draw()
        if not octets or self._buffer.ended:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            self._lines.put_nowait(None)

    def _erase(self) -> None:
        sys.stdout.write(_ERASE_LINE)
        sys.stdout.flush()

    def _draw(self) -> None:
        columns = os.get_terminal_size(self._descriptor).columns or 80
        sys.stdout.write(tail_that_fits(sanitize(self._buffer.text), columns))
        sys.stdout.flush()
