"""Where the command line prints: data to standard output, talk to standard error, all of it sanitised.

Beside it only the prompts, the line being edited and ``--help`` are written, and they hold no text of others.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Final, TextIO

from sottovoce.cli.errors import OutputLost
from sottovoce.client.sanitize import DEFAULT_LIMIT, sanitize

LINE_LIMIT: Final = 2 * DEFAULT_LIMIT
"""Characters of one print: the longest message and its sender's name are never cut by it."""


class Console:
    """The two streams of a process. ``around`` is wrapped around each write by the line editor."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out: Final = sys.stdout if out is None else out
        self._err: Final = sys.stderr if err is None else err
        self.before: Callable[[], None] = _nothing
        self.after: Callable[[], None] = _nothing

    @property
    def out_is_terminal(self) -> bool:
        """Whether a person reads standard output."""
        return self._out.isatty()

    def show(self, text: str) -> None:
        """Print one line of data. Raises :class:`OutputLost`, and BrokenPipeError if its reader went away."""
        try:
            self._write(self._out, sanitize(text, limit=LINE_LIMIT))
        except BrokenPipeError:
            raise
        except OSError as error:
            give_up(self._out)
            raise OutputLost(error.strerror or "not possible") from None

    def say(self, text: str) -> None:
        """Print talk; each line of it is a line. Raises BrokenPipeError if its reader went away."""
        self.draw(sanitize(text, limit=LINE_LIMIT, multiline=True))

    def draw(self, picture: str) -> None:
        """Print a picture that this program itself has drawn (a QR code) to standard error."""
        try:
            self._write(self._err, picture)
        except BrokenPipeError:
            raise
        except OSError:
            give_up(self._err)  # talk that nobody can hear changes nothing

    def _write(self, stream: TextIO, text: str) -> None:
        self.before()
        try:
            stream.write(text + "\n")
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
        stream.flush()
        self.after()


def _nothing() -> None:
    """Do nothing: no line is being edited."""


def give_up(*streams: TextIO) -> None:
    """Send what is still to come nowhere, so that the interpreter can end quietly."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        os.dup2(null, stream.fileno())
    os.close(null)
