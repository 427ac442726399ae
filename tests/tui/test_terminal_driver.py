"""What stands between Textual and a terminal that goes away; the rest is in the end-to-end tests."""

from __future__ import annotations

import io
import os
from contextlib import suppress

import pytest

from sottovoce.tui.terminal_driver import _Output


class _Closed(io.StringIO):
    """Refuses either what is written or that it is flushed, and counts."""

    def __init__(self, refused: str) -> None:
        super().__init__()
        self.refused = refused
        self.asked = 0

    def _ask(self, what: str) -> None:
        self.asked += 1
        if what == self.refused:
            raise OSError(5, "Input/output error")

    def write(self, text: str) -> int:
        self._ask("write")
        return len(text)

    def flush(self) -> None:
        self._ask("flush")


@pytest.mark.parametrize(("refused", "asked"), [("write", 1), ("flush", 2)])
def test_after_the_first_refusal_what_is_written_is_dropped(refused: str, asked: int) -> None:
    file = _Closed(refused)
    output = _Output(file)
    for _ in range(3):
        assert output.write("seven..") == 7
        output.flush()
    assert file.asked == asked


def test_until_then_it_is_written() -> None:
    file = io.StringIO()
    _Output(file).write("text")
    assert file.getvalue() == "text"


def test_a_short_text_needs_no_thread_unless_it_would_have_to_wait() -> None:
    terminal, ours = os.pipe()  # in place of a pty, which makes room by and by on its own
    with os.fdopen(ours, "w") as file, os.fdopen(terminal, "rb", buffering=0) as reader:
        output = _Output(file)
        assert output.write_now("a")
        assert reader.read(16) == b"a"
        output.give()
        assert not output.write_now("c")
        output.write("b")
        output.flush()
        assert output.write_now("c")
        assert reader.read(16) == b"bc"
        os.set_blocking(ours, False)
        with suppress(BlockingIOError):
            while True:
                os.write(ours, bytes(4096))
        assert not output.write_now("d")
