import pytest

from sottovoce.client.command_line import ParsedLine, parse_line


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("hello", ParsedLine(text="hello")),
        ("/who", ParsedLine(command="who")),
        ("/who ", ParsedLine(command="who")),
        ("/verify Bob done", ParsedLine(command="verify", argument="Bob done")),
        ("//who", ParsedLine(text="/who")),
        ("//", ParsedLine(text="/")),
        ("/var/log/x is full", ParsedLine(text="/var/log/x is full")),
        ("/", ParsedLine(text="/")),
        (" /who", ParsedLine(text=" /who")),
        ("/dance", ParsedLine(command="dance")),
        ("quit", ParsedLine(command="quit")),
        (" quit \r", ParsedLine(command="quit")),
        ("/quit", ParsedLine(command="quit")),
        ("//quit", ParsedLine(text="/quit")),
        ("quit it", ParsedLine(text="quit it")),
        ("/who\n", ParsedLine(command="who")),
        ("/bin\n/usr/bin", ParsedLine(text="/bin\n/usr/bin")),
        ("/verify Bob\nplease", ParsedLine(text="/verify Bob\nplease")),
    ],
)
def test_commands_are_told_from_text(line: str, meant: ParsedLine) -> None:
    assert parse_line(line) == meant
