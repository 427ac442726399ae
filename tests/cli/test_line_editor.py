"""Threat E1 on the way in, and the keys."""

import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.cli.line_editor import LineBuffer, tail_that_fits
from sottovoce.client.content import MAX_TEXT_LENGTH


@pytest.mark.parametrize(
    ("keys", "lines", "rest"),
    [
        ("hi\n", ["hi"], ""),
        ("hi\rthere\r", ["hi", "there"], ""),
        ("hix\x7f\x08ello\n", ["hello"], ""),
        ("\x7f\x7fa", [], "a"),
        ("one two\x17three", [], "one three"),
        ("one\x17two", [], "two"),
        ("one\x15two", [], "two"),
        ("a\x1b[Ab\x1bOCc\x1b[1;5Dd\x1bxe", [], "abcde"),
        ("a\tb", [], "a b"),
        ("a\x01\x02b\x9b", [], "ab"),
        ("naïve 👩‍💻", [], "naïve 👩‍💻"),
    ],
)
def test_keys_do_what_they_say(keys: str, lines: list[str], rest: str) -> None:
    whole, single = LineBuffer(), LineBuffer()
    assert whole.feed(keys) == lines
    assert whole.text == rest
    assert [line for key in keys for line in single.feed(key)] == lines
    assert single.text == rest


def test_ctrl_d_ends_only_an_empty_line() -> None:
    buffer = LineBuffer()
    buffer.feed("a\x04")
    assert not buffer.ended
    buffer.feed("\n\x04")
    assert buffer.ended


def test_too_long_a_line_grows_no_further_than_what_sending_refuses() -> None:
    buffer = LineBuffer()
    assert buffer.feed("x" * 2**20 + "\nnext\n") == ["x" * (MAX_TEXT_LENGTH + 1), "next"]


@given(st.text())
def test_no_key_leaves_a_control_in_the_line(keys: str) -> None:
    buffer = LineBuffer()
    lines = buffer.feed(keys)
    assert not any(
        ord(character) < 32 or 127 <= ord(character) < 160 for character in "".join([*lines, buffer.text])
    )


@given(st.text("ab日本e\u0301", max_size=30), st.integers(2, 20))
def test_what_is_drawn_fits_the_row(text: str, columns: int) -> None:
    tail = tail_that_fits(text, columns)
    assert text.endswith(tail)
    assert sum(2 if character in "日本" else character != "\u0301" for character in tail) < columns


_EDITOR = """
import asyncio, signal
from sottovoce.cli.console import Console
from sottovoce.cli.line_editor import LineEditor

async def main():
    console = Console()
    with LineEditor(console) as editor:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, console.show, "Bob: \\x1b[2Jhi")
        console.say("ready")
        async for line in editor.lines():
            console.show("me: " + line)

asyncio.run(main())
"""


class Terminal:
    """A pty with the editor on it."""

    def __init__(self) -> None:
        self.controller, self.terminal = pty.openpty()
        termios.tcsetwinsize(self.terminal, (24, 80))
        self.process = subprocess.Popen(
            [sys.executable, "-c", _EDITOR], stdin=self.terminal, stdout=self.terminal, stderr=self.terminal
        )
        self.shown = b""

    def type(self, keys: str) -> None:
        os.write(self.controller, keys.encode())

    def until(self, octets: bytes) -> bytes:
        while octets not in self.shown:
            self.shown += os.read(self.controller, 4096)
        before, _, self.shown = self.shown.partition(octets)
        return before + octets

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.controller)
        os.close(self.terminal)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    a_terminal = Terminal()
    a_terminal.until(b"ready\r\n")
    yield a_terminal
    a_terminal.close()


def test_what_arrives_does_not_tear_apart_what_is_typed(terminal: Terminal) -> None:
    terminal.type("hel")
    terminal.until(b"hel")
    terminal.process.send_signal(signal.SIGUSR1)
    terminal.until(b"\r\x1b[2KBob: hi\r\nhel")
    terminal.type("lo\n")
    shown = terminal.until(b"me: hello\r\n")
    assert b"\x1b[2J" not in shown
    assert b"hello\r\n" not in shown.removesuffix(b"me: hello\r\n"), "the typed line comes once, at its place"


def test_the_terminal_is_given_back_as_it_was(terminal: Terminal) -> None:
    assert not termios.tcgetattr(terminal.terminal)[3] & termios.ECHO
    terminal.type("\x04")
    assert terminal.process.wait(60) == 0
    given_back = termios.ECHO | termios.ICANON
    assert termios.tcgetattr(terminal.terminal)[3] & given_back == given_back
