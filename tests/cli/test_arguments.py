from argparse import ArgumentTypeError

import pytest

from sottovoce.cli.arguments import room_name, whole_number
from sottovoce.cli.chat import run as chat
from sottovoce.cli.invite import run as invite


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("30", 30), (" 7 ", 7)])
def test_a_whole_number_in_its_range(text: str, number: int) -> None:
    assert whole_number(1, 30)(text) == number


@pytest.mark.parametrize("text", ["0", "31", "-1", "x", "", "1.5", "9" * 5000])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is no whole number from 1 to 30"):
        whole_number(1, 30)(text)


def test_a_range_without_end() -> None:
    assert whole_number(0)("1000000") == 1_000_000
    with pytest.raises(ArgumentTypeError, match="0 or more"):
        whole_number(0)("-1")


@pytest.mark.parametrize("name", ["x", "tea at four", "Küche", "x" * 64, "чай"])
def test_a_room_name(name: str) -> None:
    assert room_name(f" {name} ") == name


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "a\x1b[31mb", "a\nb", "a\u202eb", "a\x00"])
def test_what_is_no_room_name(name: str) -> None:
    with pytest.raises(ArgumentTypeError, match="1 to 64 characters"):
        room_name(name)


@pytest.mark.parametrize(
    "arguments", [["--history", "-5"], ["--history", "x"], ["--room", "x" * 65], ["--room", "", "--new"]]
)
def test_chat_refuses_them_before_anything_else(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        chat(arguments)
    assert "sottovoce chat: error: argument" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--days", "0"], ["--days", "31"], ["--room", "\x1b]0;x\x07"]])
def test_invite_refuses_them_before_anything_else(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        invite(arguments)
    shown = capsys.readouterr().err
    assert "sottovoce invite: error: argument" in shown
    assert "\x1b" not in shown
