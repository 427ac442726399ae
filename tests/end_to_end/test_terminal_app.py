"""`sottovoce chat` on a terminal: the app opens, ends with the right code, and gives the terminal back."""

from __future__ import annotations

import os
import pty
import select
import shlex
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from end_to_end_world import COMMAND, PASSWORD, PATIENCE, Process, World, in_room
from terminals import Terminals

from sottovoce.cli.exit_codes import ExitCode

IN = b"rite to lobby"
"""What the composer shows once one is in; its first letter is under the cursor, and so in another style."""


class Screen:
    """A process on a terminal of 100x30, read and typed into."""

    def __init__(self, world: World, *arguments: str, **environment: str) -> None:
        self.controller, terminal = pty.openpty()
        termios.tcsetwinsize(terminal, (30, 100))
        self.before = termios.tcgetattr(terminal)
        self.terminal = terminal
        self.process = subprocess.Popen(
            [*COMMAND, "chat", world.server.link, "--home", str(world.home("alice")), *arguments],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env={**world.server.env, "TERM": "xterm-256color", "SOTTOVOCE_PASSWORD": PASSWORD, **environment},
        )
        self.seen = b""
        self.is_open = True

    def read(self) -> None:
        """Take what the process writes now, for a tenth of a second."""
        if select.select([self.controller], [], [], 0.1)[0]:
            self.seen += os.read(self.controller, 65536)

    def drain(self) -> None:
        """Take all that was written: of much, one read gives a few thousand bytes."""
        while select.select([self.controller], [], [], 0)[0]:
            self.seen += os.read(self.controller, 65536)

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait, reading all the while: a terminal takes no more than it has room for."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            self.read()
            assert time.monotonic() < deadline, f"{what} never came: {self.seen[-2000:]!r}"

    def wait_for(self, text: bytes) -> None:
        self.wait_until(lambda: text in self.seen, repr(text))

    def type(self, text: bytes) -> None:
        os.write(self.controller, text)

    def end(self) -> int:
        """Wait for the process, and return its exit code once all that it wrote is read."""
        self.wait_until(lambda: self.process.poll() is not None, "its end")
        self.drain()
        return self.process.returncode

    def hang_up(self) -> None:
        """Close the terminal as a window is closed, without a signal: it is not the controlling terminal."""
        os.close(self.controller)
        os.close(self.terminal)
        self.is_open = False

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.is_open:
            self.hang_up()


@pytest.fixture
def screens(world: World) -> Iterator[list[Screen]]:
    opened: list[Screen] = []
    yield opened
    for screen in opened:
        screen.close()


def test_it_opens_talks_and_gives_the_terminal_back(world: World, screens: list[Screen]) -> None:
    screens.append(alice := Screen(world, "--user", "alice"))
    alice.wait_for(IN)
    bob = world.chat("bob")
    in_room(bob)
    alice.type(b"Hi everyone!\r")
    alice.wait_until(lambda: "alice: Hi everyone!" in bob.out.snapshot(), "the message")
    alice.type(b"quit\r")
    assert alice.end() == ExitCode.OK
    assert b"\x1b[?1049l" in alice.seen, "the screen of before is back"
    assert termios.tcgetattr(alice.terminal) == alice.before
    assert PASSWORD.encode() not in alice.seen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(world: World, screens: list[Screen], number: signal.Signals) -> None:
    screens.append(alice := Screen(world, "--user", "alice"))
    alice.wait_for(IN)
    alice.process.send_signal(number)
    assert alice.end() == ExitCode.TERMINATED
    assert b"\x1b[?1049l" in alice.seen
    assert b"Traceback" not in alice.seen
    screens.append(again := Screen(world, "--user", "alice"))
    again.wait_for(IN)


def test_it_ends_when_its_terminal_goes_away(world: World, screens: list[Screen]) -> None:
    screens.append(alice := Screen(world, "--user", "alice"))
    alice.wait_for(IN)
    alice.hang_up()
    assert alice.process.wait(PATIENCE) == ExitCode.TERMINATED
    screens.append(again := Screen(world, "--user", "alice"))
    again.wait_for(IN)


@pytest.mark.parametrize("end", ["kill-server", "kill-session"])
def test_it_ends_with_its_window(world: World, screens: list[Screen], terminals: Terminals, end: str) -> None:
    account = ["chat", world.server.link, "--user", "alice", "--home", str(world.home("alice"))]
    line = f"exec env SOTTOVOCE_PASSWORD={shlex.quote(PASSWORD)} {shlex.join([*COMMAND, *account])}"
    terminals.open_shell("alice", line)
    terminals.wait_for("alice", "Write to lobby")
    terminals.type("alice", "begun", "Space")
    terminals.wait_for("alice", "begun")
    ended = os.pidfd_open(terminals.process_id("alice"))
    for _ in range(20):  # much is to be drawn then, on a terminal that takes nothing
        terminals.press("alice", "x", "y", "z")
    terminals.kill(end)
    assert select.select([ended], [], [], PATIENCE)[0], "it never ended"
    os.close(ended)
    screens.append(again := Screen(world, "--user", "alice"))
    again.wait_for(b"begun")  # what was written is kept


def test_a_signal_ends_it_while_its_terminal_is_stopped(world: World, screens: list[Screen]) -> None:
    screens.append(alice := Screen(world, "--user", "alice"))
    alice.wait_for(IN)
    termios.tcflow(alice.terminal, termios.TCOOFF)  # as Ctrl-S does
    alice.process.send_signal(signal.SIGTERM)
    assert alice.process.wait(PATIENCE) == ExitCode.TERMINATED
    assert termios.tcgetattr(alice.terminal) == alice.before
    screens.append(again := Screen(world, "--user", "alice"))
    again.wait_for(IN)


def test_it_comes_back_after_a_stop(world: World, screens: list[Screen]) -> None:
    screens.append(alice := Screen(world, "--user", "alice"))
    alice.wait_for(IN)
    alice.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, alice.process.pid, os.WSTOPPED)
    alice.drain()
    alice.seen = b""  # what is seen from now on is drawn after the stop
    alice.process.send_signal(signal.SIGCONT)
    alice.wait_for(IN)
    alice.type(b"quit\r")
    assert alice.end() == ExitCode.OK
    assert termios.tcgetattr(alice.terminal) == alice.before


def test_the_size_is_the_terminals_own(world: World, screens: list[Screen]) -> None:
    screens.append(alice := Screen(world, "--user", "alice", COLUMNS="200", LINES="10"))
    alice.wait_for(b"\x1b[30;1H")  # what is drawn line by line goes to the last line of the terminal
    alice.wait_for(IN)


def test_a_refusal_is_a_sentence_and_a_code(world: World, screens: list[Screen]) -> None:
    screens.append(first := Screen(world, "--user", "alice"))
    first.wait_for(IN)
    screens.append(second := Screen(world, "--user", "alice"))
    assert second.end() == ExitCode.PROFILE_IN_USE
    second.wait_for(b"is in use by another running sottovoce")
    assert termios.tcgetattr(second.terminal) == second.before


@pytest.mark.parametrize(
    ("arguments", "environment"), [(["--plain"], {}), (["--debug"], {}), ([], {"TERM": "dumb"})]
)
def test_plain_lines_where_the_app_cannot_be_or_is_not_wanted(
    world: World, screens: list[Screen], arguments: list[str], environment: dict[str, str]
) -> None:
    screens.append(alice := Screen(world, "--user", "alice", *arguments, **environment))
    alice.wait_for(b"you are in lobby as alice")
    alice.type(b"quit\r")
    assert alice.end() == ExitCode.OK
    assert b"\x1b[?1049h" not in alice.seen


def test_plain_lines_without_a_terminal(world: World) -> None:
    """Not asked for: in and out are pipes."""
    account = ["chat", world.server.link, "--user", "alice", "--home", str(world.home("alice"))]
    environment = {**world.server.env, "TERM": "xterm-256color", "SOTTOVOCE_PASSWORD": PASSWORD}
    alice = Process(*account, env=environment)
    world.processes.append(alice)
    in_room(alice)
    alice.type("quit")
    assert alice.wait(PATIENCE) == ExitCode.OK
    assert not any("\x1b" in line for line in alice.out.join() + alice.err.join())


def test_the_settings_are_beside_the_profiles(world: World, screens: list[Screen]) -> None:
    screens.append(alice := Screen(world, "--user", "alice"))
    alice.wait_for(IN)
    alice.type(b"/quiet\r")
    alice.wait_for(b"Do not disturb: on.")
    alice.type(b"quit\r")
    assert alice.end() == ExitCode.OK
    kept = Path(world.home("alice")) / "app.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert b"quiet" in kept.read_bytes()
