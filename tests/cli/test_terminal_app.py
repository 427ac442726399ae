"""When `sottovoce chat` is the app, and when plain lines."""

from __future__ import annotations

import argparse
import io
import sys

import pytest

from sottovoce.cli.chat import run as chat
from sottovoce.cli.exit_codes import ExitCode
from sottovoce.cli.terminal_app import is_wanted

STREAMS = ("stdin", "stdout", "stderr")


class _Stream(io.StringIO):
    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


def is_app(
    monkeypatch: pytest.MonkeyPatch, *, term: str | None = "xterm", elsewhere: str = "", **options: bool
) -> bool:
    """Whether the app opens; ``elsewhere`` is the stream that is a pipe or a file."""
    for name in STREAMS:
        monkeypatch.setattr(sys, name, _Stream(is_terminal=name != elsewhere))
    if term is None:
        monkeypatch.delenv("TERM", raising=False)
    else:
        monkeypatch.setenv("TERM", term)
    return is_wanted(argparse.Namespace(**{"plain": False, "debug": False, **options}))


def test_a_terminal_shows_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_app(monkeypatch)


def test_the_app_refuses_what_only_plain_lines_have(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sottovoce.cli.chat.is_wanted", lambda _: True)
    monkeypatch.setattr("sottovoce.cli.chat.run_app", lambda *_: ExitCode.OK)
    assert chat([]) is ExitCode.OK
    with pytest.raises(SystemExit, match="2"):
        chat(["--history", "5"])
    assert "add --plain" in capsys.readouterr().err


@pytest.mark.parametrize("elsewhere", STREAMS)
def test_a_pipe_or_a_file_has_plain_lines(monkeypatch: pytest.MonkeyPatch, elsewhere: str) -> None:
    assert not is_app(monkeypatch, elsewhere=elsewhere)


@pytest.mark.parametrize("term", ["dumb", "", None])
def test_a_terminal_that_can_do_nothing_has_plain_lines(
    monkeypatch: pytest.MonkeyPatch, term: str | None
) -> None:
    assert not is_app(monkeypatch, term=term)


@pytest.mark.parametrize("option", ["plain", "debug"])
def test_who_asks_for_plain_lines_has_them(monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    assert not is_app(monkeypatch, **{option: True})
