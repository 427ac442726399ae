"""Commands and text told apart, in one way for every face: what begins with ``/`` may be a command."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

QUIT: Final = "quit"
"""The command that needs no slash: a line that is this word alone leaves the chat."""

_COMMAND: Final = re.compile(r"/([a-z]+)(?:[^\S\n]+(.*?))?\s*")


@dataclass(frozen=True)
class ParsedLine:
    """What was typed as it is meant: text to send, or a command with its argument."""

    text: str | None = None
    command: str | None = None
    argument: str = ""


def parse_line(line: str) -> ParsedLine:
    """Tell commands from text.

    A command is a slash and lower-case letters, alone or before a blank, on one line; or ``quit`` alone.
    ``//x`` is the text ``/x``, and what merely begins with a slash, like ``/var/log``, is text as it is.
    """
    if line.strip() == QUIT:
        return ParsedLine(command=QUIT)
    if line.startswith("//"):
        return ParsedLine(text=line[1:])
    match = _COMMAND.fullmatch(line)
    if match is None:
        return ParsedLine(text=line)
    return ParsedLine(command=match[1], argument=match[2] or "")
