"""The ``sottovoce`` command: runs a subcommand and turns every failure into a sentence and a code.

Only the subcommand that runs is imported, so that ``--help`` is there at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final, Protocol, cast

from sottovoce.cli.exit_codes import ExitCode, exit_code_of
from sottovoce.errors import SottovoceError

COMMANDS: Final = {
    "serve": "run a server: it stores and forwards what it cannot read",
    "chat": "talk in a room",
    "invite": "make an invite link and its QR code for a friend",
    "keygen": "make a key for a room that only its holders can enter",
    "demo": "watch a real server and three real clients",
}

_USAGE: Final = """\
usage: sottovoce COMMAND [OPTIONS]

A chat that a small group runs for itself, on a server that cannot read it.

{commands}

Begin with `sottovoce serve` in one terminal and `sottovoce chat` in others.
`sottovoce COMMAND --help` explains a command; `sottovoce --version` names the version.
"""


class Command(Protocol):
    """What each module of a subcommand offers."""

    def run(self, arguments: Sequence[str]) -> ExitCode:
        """Run with the arguments after the subcommand's name; raises :class:`SottovoceError`."""
        ...


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the process's exit code; never raises, never shows a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _fill_missing_streams()
    try:
        return _run(given)
    except BrokenPipeError:  # of whichever stream; what was to be said of another failure is heard by nobody
        from sottovoce.cli.console import give_up

        give_up(sys.stdout, sys.stderr)
        return ExitCode.BROKEN_PIPE


def _run(given: list[str]) -> int:
    """Run the command line; raises BrokenPipeError alone."""
    try:
        return _dispatch(given)
    except SottovoceError as error:
        from sottovoce.client.sanitize import sanitize

        _say(f"sottovoce: {sanitize(str(error))}")
        return exit_code_of(error)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        raise
    except SystemExit as ended:  # argparse: 0 after --help, 2 after a usage error it has explained
        return ended.code if isinstance(ended.code, int) else ExitCode.USAGE
    except OSError as error:
        return _report_refused_file(error, debug="--debug" in given)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a bug ends in a sentence too
        return _report_bug(error, debug="--debug" in given)


def _fill_missing_streams() -> None:
    """Open ``/dev/null`` where this process was started without a standard stream (``>&-``).

    The next file or socket would get the free number, and be read or written as if it were the stream.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def _dispatch(given: list[str]) -> int:
    match given:
        case [] | ["-h" | "--help" | "help", *_]:
            sys.stdout.write(_help())
            sys.stdout.flush()
            return ExitCode.OK if given else ExitCode.USAGE
        case ["-V" | "--version", *_]:
            from importlib.metadata import version

            sys.stdout.write(f"sottovoce {version('sottovoce')}\n")
            sys.stdout.flush()
            return ExitCode.OK
        case [name, *rest] if name in COMMANDS:
            from sottovoce.cli.core_dumps import forbid_core_dumps

            forbid_core_dumps()
            return _load(name).run(rest)
        case _:
            _say(f"sottovoce: there is no command {given[0]!r}. `sottovoce --help` lists them.")
            return ExitCode.USAGE


def _load(name: str) -> Command:
    from sottovoce.cli.loading import collector_paused

    with collector_paused():
        return cast("Command", import_module(f"sottovoce.cli.{name}"))


def _help() -> str:
    commands = "\n".join(f"  {name:8} {what}" for name, what in COMMANDS.items())
    return _USAGE.format(commands=commands)


def _say(text: str) -> None:
    from sottovoce.cli.console import Console

    Console().say(text)


def _report_refused_file(error: OSError, *, debug: bool) -> int:
    """A file or folder that this machine refuses is named; an error without one is a bug."""
    if error.filename is None:
        return _report_bug(error, debug=debug)
    _say(
        f"sottovoce: {os.fsdecode(error.filename)} cannot be used ({error.strerror}). Check what it is, its "
        "permissions and the free space; what was acknowledged is safe."
    )
    if debug:
        _show_frames(error)
    return ExitCode.DATA_UNWRITABLE


def _report_bug(error: Exception, *, debug: bool) -> int:
    """One line about an error nobody foresaw. Its own text may hold anything, so only its place is told."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].name}:{frames[-1].lineno}" if frames else ""
    _say(
        f"sottovoce: this is a bug in Sottovoce ({type(error).__name__}{where}). "
        "Please report it; what was acknowledged is safe. --debug shows where it happened."
    )
    if debug:
        _show_frames(error)
    return ExitCode.INTERNAL


def _show_frames(error: Exception) -> None:
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    _say("".join(f"  {frame.filename}:{frame.lineno} in {frame.name}\n" for frame in frames))


if __name__ == "__main__":
    sys.exit(main())
