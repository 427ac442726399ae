"""Questions to the person at the terminal: a user name, a password. Never to a pipe."""

from __future__ import annotations

import getpass
import os
import re
import sys
import termios
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sottovoce.cli.errors import UsageError
from sottovoce.client.sanitize import sanitize

_TERMINAL: Final = Path("/dev/tty")
_USER_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,32}")
_TRIES: Final = 3
_NAME_RULE: Final = "A user name has 1 to 32 of the letters A to Z, digits, dot, dash and underscore."


def check_user_name(name: str) -> str:
    """Return the name if it is one; raises :class:`UsageError`."""
    if _USER_NAME.fullmatch(name) is None:
        raise UsageError(_NAME_RULE)
    return name


def has_terminal() -> bool:
    """Tell whether there is somebody to ask."""
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def ask_user_name(taken_here: list[str]) -> str:
    """Ask for a user name, again while it is none; raises :class:`UsageError` where nobody can answer.

    ``taken_here`` are the accounts that have a profile on this machine, shown as a reminder.
    """
    if not has_terminal():
        raise UsageError("There is no terminal to ask for a user name: give one with --user NAME.")
    with _TERMINAL.open("r", encoding="utf-8", errors="replace") as terminal:
        if taken_here:
            sys.stderr.write(f"Accounts on this machine: {sanitize(', '.join(taken_here))}\n")
        for _ in range(_TRIES):
            with _new_line_after_ctrl_c():
                sys.stderr.write("Enter your username: ")
                sys.stderr.flush()
                name = terminal.readline()
            if not name:
                raise UsageError("No user name was entered.")
            if _USER_NAME.fullmatch(name.strip()):
                return name.strip()
            sys.stderr.write(_NAME_RULE + "\n")
    raise UsageError(_NAME_RULE)


def tell_chosen_account(name: str) -> None:
    """Say whose password is asked for, when nobody named the account."""
    sys.stderr.write(f"You are {sanitize(name)} on this machine; --user NAME chooses another account.\n")


def password_from_environment() -> str | None:
    """Return ``SOTTOVOCE_PASSWORD`` and take it out of the environment, so that no child process gets it."""
    return os.environ.pop("SOTTOVOCE_PASSWORD", None)


def ask_password(*, is_new: bool) -> str:
    """Ask for a password without showing it, twice if ``is_new``.

    Raises :class:`UsageError` where nobody can answer or the answers never agree.
    """
    if not has_terminal():
        raise UsageError("There is no terminal to ask for the password: set SOTTOVOCE_PASSWORD.")
    for _ in range(_TRIES):
        password = _getpass("Password: ")
        if not password:
            sys.stderr.write("An empty password protects nothing.\n")
        elif not is_new or _getpass("Password again: ") == password:
            return password
        else:
            sys.stderr.write("The two are not the same.\n")
    raise UsageError("No password was entered.")


@contextmanager
def typing_hidden() -> Iterator[None]:
    """Show nothing that is typed meanwhile, and forget it at the end.

    Around the wait that follows a password: one typed twice by an impatient hand must become neither visible
    nor a message.
    """
    if not sys.stdin.isatty():
        yield
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    hidden = termios.tcgetattr(descriptor)
    hidden[3] &= ~termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSADRAIN, hidden)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)


def _getpass(prompt: str) -> str:
    with warnings.catch_warnings():
        # getpass would go on with an echo where it cannot switch it off; a password is not typed that way.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            with _new_line_after_ctrl_c():
                return getpass.getpass(prompt)
        except (getpass.GetPassWarning, EOFError):
            raise UsageError("The terminal cannot hide a password: set SOTTOVOCE_PASSWORD.") from None


@contextmanager
def _new_line_after_ctrl_c() -> Iterator[None]:
    """Let the shell's prompt stand on a line of its own, not behind a question that got no answer."""
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        raise
