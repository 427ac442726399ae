import io

import pytest

from sottovoce.cli.console import Console
from sottovoce.cli.invite import show_link

LINK = "sottovoce://127.0.0.1:40889/lobby#" + "A" * 190


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, out: io.StringIO, columns: int) -> tuple[str, str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    err = io.StringIO()
    show_link(LINK, Console(out, err))
    return out.getvalue(), err.getvalue()


def test_a_person_gets_link_and_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = shown(monkeypatch, Terminal(), 80)
    rows = [row for row in err.splitlines() if "█" in row]
    assert out == LINK + "\n"
    assert len({len(row) for row in rows}) == 1
    assert 40 < len(rows[0]) <= 80
    assert "send it to your friend only" in err


def test_a_narrow_terminal_gets_no_torn_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = shown(monkeypatch, Terminal(), 30)
    assert out == LINK + "\n"
    assert "█" not in err
    assert "this one has 30" in err


def test_a_pipe_gets_the_link_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, io.StringIO(), 80) == (LINK + "\n", "")
