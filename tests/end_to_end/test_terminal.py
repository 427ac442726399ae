"""The conversation of the README, held by hand in three terminals (done when 2)."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from end_to_end_world import COMMAND, PASSWORD


class Terminals:
    """A tmux server of our own with named windows, typed into and read as a person would."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux")
        self._folder = folder

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, "-f", "/dev/null", *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def open(self, name: str, *arguments: str) -> None:
        command = shlex.join([*COMMAND, *arguments])
        shell = f"{command}; echo left with $?; exec cat"
        environment = [
            f"HOME={self._folder}", f"SOTTOVOCE_RUNTIME_DIR={self._folder / 'runtime'}",
            f"SOTTOVOCE_HOME={self._folder / 'home'}", "TERM=xterm-256color", f"PATH={os.environ['PATH']}",
        ]  # fmt: skip
        line = shlex.join(["env", *environment, "sh", "-c", shell])
        self._tmux("new-session", "-d", "-s", name, "-x", "100", "-y", "30", line)

    def type(self, name: str, text: str) -> None:
        self._tmux("send-keys", "-t", name, "-l", text)
        self._tmux("send-keys", "-t", name, "Enter")

    def screen(self, name: str) -> str:
        return self._tmux("capture-pane", "-p", "-t", name)

    def wait_for(self, name: str, text: str, timeout: float = 30) -> str:
        deadline = time.monotonic() + timeout
        while text not in (screen := self.screen(name)):
            assert time.monotonic() < deadline, f"{name} never showed {text!r}:\n{screen}"
            time.sleep(0.05)
        return screen

    def close(self) -> None:
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], capture_output=True, check=False)


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Terminals]:
    some = Terminals(tmp_path)
    yield some
    some.close()


def enter(terminals: Terminals, name: str) -> None:
    terminals.open(name.lower(), "chat", "--plain")
    terminals.wait_for(name.lower(), "Enter your username:")
    terminals.type(name.lower(), name)
    for question in ("Password:", "Password again:"):
        terminals.wait_for(name.lower(), question)
        terminals.type(name.lower(), PASSWORD)
    terminals.wait_for(name.lower(), "you are in lobby")


def test_a_server_and_two_people_talk_and_quit(terminals: Terminals, tmp_path: Path) -> None:
    terminals.open("server", "serve", "--data", str(tmp_path / "data"), "--port", "0")
    terminals.wait_for("server", "listening on 127.0.0.1:")
    enter(terminals, "Alice")
    enter(terminals, "Bob")

    terminals.type("bob", "Hi everyone!")
    terminals.wait_for("alice", "Bob: Hi everyone!")
    terminals.type("alice", "Hello Bob, how are you?")
    screen = terminals.wait_for("bob", "Alice: Hello Bob, how are you?")
    assert PASSWORD not in screen
    assert screen.count("Hi everyone!") == 1, "a typed line is shown once, at its place"
    terminals.type("bob", "quit")
    terminals.wait_for("bob", "left with 0")
    terminals.type("alice", "/who")
    terminals.wait_for("alice", "Bob")
    terminals.type("alice", "quit")
    terminals.wait_for("alice", "left with 0")
    for name in ("server", "alice", "bob"):
        assert "Traceback" not in terminals.screen(name)


def test_the_command_is_the_module() -> None:
    beside = Path(sys.executable).with_name("sottovoce")
    assert beside.exists()
    shown = subprocess.run([str(beside), "--help"], capture_output=True, text=True, check=True).stdout
    assert "serve" in shown
    assert "chat" in shown
