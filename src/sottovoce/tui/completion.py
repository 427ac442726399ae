"""What Tab, ``@``, ``/`` and ``:`` offer while somebody writes. No widgets here: text in, choices out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sottovoce.tui.emoji_names import EMOJI
from sottovoce.tui.safe_text import NOTHING, Safe, safe

MOST_CHOICES: Final = 20
LONGEST_WORD: Final = 64
"""Characters before the cursor that are looked at: no name is longer."""

_COMMAND: Final = re.compile(r"/([a-z]*)")
_ARGUMENT: Final = re.compile(r"/([a-z]+) +([A-Za-z0-9._-]*)")
_MENTION: Final = re.compile(r"(?:^|(?<=[\s(\[\"']))@([A-Za-z0-9._-]*)$")
_EMOJI: Final = re.compile(r"(?:^|(?<=[\s(]|[^\x00-\x7f]))(:([a-z0-9_]{2,}))(:?)$")
_WORD: Final = re.compile(r"(?:^|(?<=\s))([A-Za-z0-9._-]+)$")

_SHORT_FIRST: Final = sorted(EMOJI, key=len)


class SlashCommand(NamedTuple):
    """A command as it is offered: its name without the slash, what it does, what may follow it.

    ``takes_member``: the name of somebody in the room follows.
    """

    name: str
    words: str
    argument: str = ""
    takes_member: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to go on: ``insert`` takes the place of what is typed; ``label`` and ``words`` are shown."""

    insert: str
    label: Safe
    words: Safe = NOTHING


@dataclass(frozen=True, slots=True)
class Completion:
    """Choices for what stands between the columns ``start`` and ``end`` of the cursor's line.

    ``is_whole``: what is typed is the first choice already, so that Enter sends. ``is_closed``: an emoji's
    second colon was typed: it can be put in without asking.
    """

    start: int
    end: int
    choices: tuple[Choice, ...]
    is_whole: bool = False
    is_closed: bool = False


class Completer:
    """Knows what can be named: the commands, and the members of the room that is shown."""

    def __init__(self) -> None:
        self.commands: Sequence[SlashCommand] = ()
        self.names: Sequence[Safe] = ()

    def offer(self, line: str, column: int, *, is_first: bool, is_asked: bool = False) -> Completion | None:
        """Return the choices at ``column`` of ``line``, None if there are none.

        ``is_first``: the line is the first one of the message, where commands stand. ``is_asked``: Tab was
        pressed: then a name is completed without its ``@`` too.
        """
        begun = max(0, column - LONGEST_WORD)
        before = line[begun:column]
        if is_first and begun == 0 and (found := self._command(before, is_asked)):
            return found
        found = (
            self._mention(before) or _emoji(before) or (self._word(before, is_first) if is_asked else None)
        )
        if found is None or not found.choices:
            return None
        return Completion(
            found.start + begun, found.end + begun, found.choices, found.is_whole, found.is_closed
        )

    def _command(self, before: str, is_asked: bool) -> Completion | None:
        if match := _COMMAND.fullmatch(before):
            commands = {command.name: command for command in self.commands}
            found = [commands[name] for name in _ranked(match[1], commands)]
            choices = tuple(
                Choice(
                    f"/{command.name} ",
                    safe(f"/{command.name} {command.argument}".rstrip()),
                    safe(command.words),
                )
                for command in found
            )
            is_whole = bool(found) and found[0].name == match[1]
            return Completion(0, len(before), choices, is_whole) if choices else None
        match = _ARGUMENT.fullmatch(before)
        if match is None or not (match[2] or is_asked):
            return None
        if not any(command.name == match[1] and command.takes_member for command in self.commands):
            return None
        return self._names(match[2], match.start(2), len(before), "{} ") or None

    def _mention(self, before: str) -> Completion | None:
        match = _MENTION.search(before)
        return None if match is None else self._names(match[1], match.start(1) - 1, len(before), "@{} ")

    def _word(self, before: str, is_first: bool) -> Completion | None:
        match = _WORD.search(before)
        if match is None:
            return None
        return self._names(
            match[1], match.start(1), len(before), "{}: " if is_first and match.start(1) == 0 else "{} "
        )

    def _names(self, typed: str, start: int, end: int, form: str) -> Completion | None:
        found = [name for name in self.names if name.lower().startswith(typed.lower())]
        found.sort(key=lambda name: len(name) > len(typed))
        choices = tuple(Choice(form.format(name), name) for name in found[:MOST_CHOICES])
        if not choices:
            return None
        return Completion(start, end, choices, found[0].lower() == typed.lower())


def _emoji(before: str) -> Completion | None:
    match = _EMOJI.search(before)
    if match is None:
        return None
    whole, typed, closing = match[1], match[2], match[3]
    names = [typed] if closing and typed in EMOJI else [] if closing else _ranked(typed, _SHORT_FIRST)
    choices = tuple(Choice(EMOJI[name], safe(f"{EMOJI[name]} :{name}:")) for name in names)
    end = len(before)
    return (
        Completion(end - len(whole) - len(closing), end, choices, is_closed=bool(closing))
        if choices
        else None
    )


def _ranked(typed: str, names: Iterable[str]) -> Iterator[str]:
    """Yield the names that begin with ``typed``, then those that hold it; at most MOST_CHOICES."""
    matching = sorted(
        (not name.startswith(typed), place, name) for place, name in enumerate(names) if typed in name
    )
    return (name for _, _, name in matching[:MOST_CHOICES])
