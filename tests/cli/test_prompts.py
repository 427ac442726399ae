"""Questions are asked of the terminal: each test has one of its own, by pty."""

import io
import os
import pty
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sottovoce.cli import prompts
from sottovoce.cli.errors import UsageError
from sottovoce.cli.prompts import check_user_name, password_from_environment


class Asked:
    """A script with a controlling terminal, answered from here."""

    def __init__(self, script: str) -> None:
        self.process_id, self.terminal = pty.fork()
        if self.process_id == 0:  # pragma: no cover - the child
            os.execv(sys.executable, [sys.executable, "-c", f"from sottovoce.cli.prompts import *\n{script}"])
        self.shown = b""
        self.ever_shown = b""

    def answer(self, prompt: bytes, text: bytes) -> None:
        self.until(prompt)
        os.write(self.terminal, text + b"\n")

    def until(self, octets: bytes) -> bytes:
        while octets not in self.shown:
            self._take(os.read(self.terminal, 4096))
        before, _, self.shown = self.shown.partition(octets)
        return before

    def rest(self) -> bytes:
        try:
            while chunk := os.read(self.terminal, 4096):
                self._take(chunk)
        except OSError:
            pass  # EIO: the script has ended
        return self.shown

    def _take(self, octets: bytes) -> None:
        self.shown += octets
        self.ever_shown += octets

    def close(self) -> None:
        os.waitpid(self.process_id, 0)
        os.close(self.terminal)


@pytest.fixture
def asked(request: pytest.FixtureRequest) -> Iterator[Asked]:
    an_asked = Asked(request.param)
    yield an_asked
    an_asked.close()


@pytest.mark.parametrize("asked", ["print('got', repr(ask_user_name(['bob', 'carol'])))"], indirect=True)
def test_a_name_is_asked_again_while_it_is_none(asked: Asked) -> None:
    asked.until(b"bob, carol")
    asked.answer(b"Enter your username: ", b"no spaces please")
    asked.until(b"1 to 32")
    asked.answer(b"Enter your username: ", b"Alice")
    assert b"got 'Alice'" in asked.rest()


@pytest.mark.parametrize("asked", ["print('got', len(ask_password(is_new=True)))"], indirect=True)
def test_a_new_password_is_typed_twice_alike_and_never_shown(asked: Asked) -> None:
    asked.answer(b"Password: ", b"canary-one")
    asked.answer(b"Password again: ", b"canary-two")
    asked.until(b"not the same")
    asked.answer(b"Password: ", b"canary-one")
    asked.answer(b"Password again: ", b"canary-one")
    assert b"got 10" in asked.rest()
    assert b"canary" not in asked.ever_shown


@pytest.mark.parametrize("asked", ["ask_password(is_new=False)", "ask_user_name([])"], indirect=True)
def test_after_ctrl_c_the_next_prompt_has_a_line_of_its_own(asked: Asked) -> None:
    asked.until(b": ")
    os.write(asked.terminal, b"\x03")
    assert asked.rest().removeprefix(b"^C").startswith(b"\r\n")


def test_ctrl_c_at_the_moment_the_prompt_appears_is_no_different(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Interrupted(io.StringIO):
        def flush(self) -> None:
            raise KeyboardInterrupt

    stream = Interrupted()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(prompts, "has_terminal", lambda: True)
    monkeypatch.setattr(prompts, "_TERMINAL", tmp_path / "terminal")
    (tmp_path / "terminal").write_text("alice\n")
    with pytest.raises(KeyboardInterrupt):
        prompts.ask_user_name([])
    assert stream.getvalue() == "Enter your username: \n"


_WAITING = """
import select, sys
with typing_hidden():
    print("waiting", flush=True)
    select.select([sys.stdin], [], [])  # until a line was typed
print("over", flush=True)
print("read", repr(sys.stdin.readline()))
"""


@pytest.mark.parametrize("asked", [_WAITING], indirect=True)
def test_what_is_typed_meanwhile_is_neither_shown_nor_read(asked: Asked) -> None:
    asked.answer(b"waiting", b"canary")
    assert b"canary" not in asked.until(b"over")
    os.write(asked.terminal, b"message\n")
    rest = asked.rest()
    assert b"read 'message\\n'" in rest
    assert b"canary" not in rest


@pytest.mark.parametrize("name", ["", "a b", "x" * 33, "naïve", "a\x1b[2J", "a/b"])
def test_what_is_no_user_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        check_user_name(name)


def test_the_environments_password_is_taken_out_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOTTOVOCE_PASSWORD", "x")
    assert password_from_environment() == "x"
    assert password_from_environment() is None
