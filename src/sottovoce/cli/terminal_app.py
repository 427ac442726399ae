"""``sottovoce chat`` on a terminal: starts the app, and says in a sentence what ended it."""

from __future__ import annotations

import argparse
import asyncio
import contextvars
import locale
import os
import signal
import sys
import termios
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from sottovoce.cli.exit_codes import ExitCode
from sottovoce.cli.loading import collector_paused
from sottovoce.cli.prompts import check_user_name, password_from_environment
from sottovoce.client.profile import default_home

if TYPE_CHECKING:
    from sottovoce.tui.app import SottovoceApp

FRAMES_PER_SECOND: Final = 120
"""At most; none while nothing changes. A letter waits for the next."""

SECONDS_TO_END: Final = 5.0
"""For the app to end by itself after a signal, and then once more for the SDK alone."""


def is_wanted(options: argparse.Namespace) -> bool:
    """Tell whether there is a terminal that can show the app, and nothing asks for plain lines.

    Textual draws on standard error, so that must be the terminal too; ``--debug`` writes there.
    """
    if options.plain or options.debug or os.environ.get("TERM", "dumb") in ("", "dumb"):
        return False
    return all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def run_app(options: argparse.Namespace, room_key: bytes | None) -> ExitCode:
    """Run the app until the person leaves; raises what the SDK refused and what nobody foresaw."""
    for name in ("COLUMNS", "LINES"):  # a shell's variables of long ago; the terminal knows its size of now
        os.environ.pop(name, None)
    os.environ.setdefault("TEXTUAL_FPS", str(FRAMES_PER_SECOND))  # read by Textual as it is imported
    with suppress(locale.Error):  # days are named in English then
        locale.setlocale(locale.LC_TIME, "")
    with collector_paused():
        from sottovoce.tui.app import SottovoceApp, Start
        from sottovoce.tui.front_door import WantedRoom
        from sottovoce.tui.precedence import DrawingLoop

    start = Start(
        link=options.link,
        user=None if options.user is None else check_user_name(options.user),
        password=password_from_environment(),
        home=options.home,
        room=WantedRoom(options.room, is_new=options.new, key=room_key),
        ascii_only=os.environ.get("TERM") == "linux",  # the kernel's own console, with 256 characters
    )
    app = SottovoceApp(start, options.home or default_home())
    with asyncio.Runner(loop_factory=DrawingLoop) as runner:
        was_terminated = runner.run(_run(app))
    if app.failure is not None:
        raise app.failure
    if app.refusal is not None:
        raise app.refusal
    return ExitCode.TERMINATED if was_terminated else ExitCode.OK


async def _run(app: SottovoceApp) -> bool:
    """Run the app; True when a signal ended it (the terminal was closed, or somebody wants it to stop)."""
    loop, context = asyncio.get_running_loop(), contextvars.copy_context()
    was_terminated = threading.Event()

    def terminate(*_: object) -> None:
        if not was_terminated.is_set():
            was_terminated.set()
            threading.Thread(target=_end_at_last, args=(app, modes), daemon=True).start()
            loop.call_soon_threadsafe(app.exit, context=context)

    modes = termios.tcgetattr(sys.stdin)
    # Not the loop's own handlers: they would wait for a loop that waits for the terminal.
    before = {number: signal.signal(number, terminate) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        await app.run_async(mouse=app.settings.mouse)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return was_terminated.is_set()


def _end_at_last(app: SottovoceApp, modes: list[int | list[bytes | int]]) -> None:
    """End the process if it has not ended by itself.

    Textual waits without limit until the terminal has taken what was written to it. One that was stopped
    (Ctrl-S, a frozen window) never takes it; then nothing but this ends the app.
    """
    time.sleep(SECONDS_TO_END)
    app.close_sdk(SECONDS_TO_END)
    with suppress(termios.error):
        termios.tcsetattr(sys.stdin, termios.TCSANOW, modes)
    os._exit(ExitCode.TERMINATED)
