"""The conversation of the README, held by hand in three terminals (done when 2)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from end_to_end_world import PASSWORD
from terminals import Terminals


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
    terminals.wait_for("alice", "Bob (1 device, not verified)")
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
