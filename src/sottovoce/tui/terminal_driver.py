"""Textual's driver of the terminal, for a terminal that may be closed at any time."""

from __future__ import annotations

import os
import select
import signal
import sys
from io import TextIOWrapper
from typing import Final, TextIO, cast

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

_SECONDS_BETWEEN_LOOKS: Final = 1.0
"""Not every terminal that goes away sends a signal: one that is not the controlling terminal does not."""

_SHORT: Final = 1024
"""Characters: a terminal that takes any at all takes so many."""


class _Output:
    """Standard error until it refuses; then everything written is dropped.

    Textual's thread that writes would end with the error, and the loop that draws would wait for it for
    ever as soon as the queue between them is full.
    """

    def __init__(self, file: TextIO) -> None:
        self._file: Final = file
        self._is_lost = False
        self._given = 0  # texts that the thread is to write
        self._written = 0  # by the thread

    def give(self) -> None:
        """Note that the thread was given a text to :meth:`write`."""
        self._given += 1

    def write_now(self, text: str) -> bool:
        """Write a text without the thread; False where it has to wait for others, or for the terminal."""
        if self._given != self._written or not self._has_room():
            return False
        self._put(text)
        self.flush()
        return True

    def _has_room(self) -> bool:
        room = select.poll()
        room.register(self.fileno(), select.POLLOUT)
        return room.poll(0) == [(self.fileno(), select.POLLOUT)]

    def write(self, text: str) -> int:
        length = self._put(text)
        self._written += 1
        return length

    def _put(self, text: str) -> int:
        if not self._is_lost:
            try:
                return self._file.write(text)
            except OSError:
                self._is_lost = True
        return len(text)

    def flush(self) -> None:
        if not self._is_lost:
            try:
                self._file.flush()
            except OSError:
                self._is_lost = True

    def fileno(self) -> int:
        return self._file.fileno()


class TerminalDriver(LinuxDriver):
    """Drives the terminal; once it is gone, the process is sent SIGHUP, whether the kernel did or not."""

    def __init__(
        self,
        app: App[object],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._output: Final = _Output(sys.__stderr__ or sys.stderr)
        self._file = cast("TextIOWrapper", self._output)  # it has what Textual uses of one
        self._loop.call_later(_SECONDS_BETWEEN_LOOKS, self._look)

    def write(self, data: str) -> None:
        """Write a letter's frame at once, and what is longer in the thread, for which a letter would wait."""
        if len(data) > _SHORT or not self._output.write_now(data):
            self._output.give()
            super().write(data)

    def run_input_thread(self) -> None:
        """Read what is typed, until the app ends or the terminal is gone."""
        try:
            super().run_input_thread()
        except OSError:
            self._lose()

    def _look(self) -> None:
        if not self._app.is_running:
            return
        if os.isatty(self.fileno):
            self._loop.call_later(_SECONDS_BETWEEN_LOOKS, self._look)
        else:
            self._lose()

    def _lose(self) -> None:
        self.exit_event.set()  # the thread that reads would find the end of the input again and again
        if self._app.is_running:
            os.kill(os.getpid(), signal.SIGHUP)

    def _sigcont_application(self, *_: object) -> None:
        # Not here: the signal may have come while the loop holds the lock of the queue that is written to.
        self._loop.call_soon_threadsafe(self._come_back)

    def _come_back(self) -> None:
        """Draw again after a stop; not on a terminal that was closed, nor while the app ends.

        A terminal that is closed continues its processes with SIGCONT. What Textual would start then,
        nothing would end.
        """
        if not (self._auto_restart and self._app.is_running and os.isatty(self.fileno)):
            return
        if not self._must_signal_resume:  # stopped by SIGSTOP, which no process hears: all of it still runs
            self.suspend_application_mode()
            self._must_signal_resume = True
        self.resume_application_mode()
