"""The one table of commands: keys, footer, palette, help and slash commands are made from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from textual.binding import Binding

from sottovoce.tui.completion import SlashCommand
from sottovoce.tui.safe_text import Safe
from sottovoce.tui.screens.help import HelpEntry, HelpSection
from sottovoce.tui.widgets.keys_line import KeyHint


@dataclass(frozen=True, slots=True)
class Command:
    """Something a person can ask for.

    ``name``: after the slash; ``words``: what it does; ``keys``: as Textual names them; ``argument``: as the
    help writes it, in square brackets where it may be left out; ``footer``: one or two words, empty where the
    key is not in the footer; ``needs_room``: whether a room must be open; ``key_words``: the keys as people
    call them.
    """

    name: str
    words: str
    keys: tuple[str, ...] = ()
    argument: str = ""
    footer: str = ""
    needs_room: bool = True
    key_words: str = ""

    @property
    def slash(self) -> str:
        """How it is typed."""
        return f"/{self.name} {self.argument}".rstrip()


COMMANDS: Final = (
    Command("help", "all keys and commands", ("f1",), "", "Help", needs_room=False, key_words="F1"),
    Command("xray", "how the chosen message was encrypted", ("f2",), "", "X-ray", key_words="F2"),
    Command("rooms", "the list of rooms", ("f3",), "", "Rooms", needs_room=False, key_words="F3"),
    Command("who", "who is in the room, and whose key is verified", ("f4",), "", "Members", key_words="F4"),
    Command("invite", "a link and a QR code that bring a friend in", ("f5",), "", "Invite", key_words="F5"),
    Command("why", "what went wrong here, and what to do", ("f6",), "", "Alarms", key_words="F6"),
    Command("new", "make a room", ("f7",), "[NAME]", "New room", needs_room=False, key_words="F7"),
    Command("join", "enter a room by its name or a link", ("f8",), "[NAME]", "Join", False, "F8"),
    Command("settings", "how the app looks and behaves", ("f9",), "", "Settings", False, "F9"),
    Command("security", "what protects this room", ("f10",), "", "Security", key_words="F10"),
    Command("verify", "compare safety numbers with somebody", (), "NAME"),
    Command("add", "add somebody who has an account here", (), "NAME"),
    Command("remove", "take somebody out of the room", (), "NAME"),
    Command("leave", "leave the room for good, on this device"),
    Command("quiet", "do not disturb: no notifications until asked again", (), "", "", needs_room=False),
    Command("next", "go to the next room", ("alt+down", "ctrl+pagedown"), "", "", False, "Alt+Down"),
    Command("previous", "go to the room before", ("alt+up", "ctrl+pageup"), "", "", False, "Alt+Up"),
    Command("unread", "go to the next room with unread messages", ("alt+right",), "", "", False, "Alt+Right"),
    Command("palette", "find a command or a room by typing", ("ctrl+p",), "", "Find", False, "Ctrl+P"),
    Command("quit", "close the app; what is unsent is kept", ("ctrl+q",), "", "Quit", False, "Ctrl+Q"),
)

BY_NAME: Final = {command.name: command for command in COMMANDS}


def find_command(name: str) -> Command | None:
    """The command typed as ``/name``; ``/alarms``, ``/members`` and ``/find`` are other words for three."""
    return BY_NAME.get(_OTHER_WORDS.get(name, name))


_OF_A_MEMBER: Final = ("verify", "remove")
_OTHER_WORDS: Final = {"alarms": "why", "members": "who", "find": "palette"}


def bindings() -> list[Binding]:
    """The keys; they work wherever the focus is."""
    return [
        Binding(
            ",".join(command.keys),
            f"command('{command.name}')",
            command.footer or command.words,
            show=bool(command.footer),
            key_display=command.key_words,
            priority=True,
            id=command.name,
        )
        for command in COMMANDS
        if command.keys
    ]


def key_hints() -> list[KeyHint]:
    """The keys for the bottom row, the most wanted first."""
    shown = [command for command in COMMANDS if command.footer]
    ordered = sorted(shown, key=lambda command: _FOOTER.index(command.name))
    hints = [KeyHint(command.key_words, command.footer, command.name) for command in ordered]
    hints.insert(_BEFORE_READ, KeyHint("Esc", "Read"))
    return hints


_FOOTER: Final = (
    *("help", "rooms", "who", "palette", "quit"),
    *("invite", "settings", "new", "join", "xray", "security", "why"),
)
_BEFORE_READ: Final = 5  # keys that matter more than how to get to the messages


def slash_commands() -> list[SlashCommand]:
    """What the composer completes. A name of somebody in the room follows two of them."""
    return [
        SlashCommand(command.name, command.words, command.argument, takes_member=command.name in _OF_A_MEMBER)
        for command in COMMANDS
    ]


def help_sections() -> list[HelpSection]:
    """The table as the help shows it."""
    keys = tuple(
        HelpEntry(Safe(f"{command.key_words}  /{command.name}"), Safe(command.words))
        for command in COMMANDS
        if command.keys
    )
    typed = tuple(
        HelpEntry(Safe(command.slash), Safe(command.words)) for command in COMMANDS if not command.keys
    )
    return [
        HelpSection(Safe("Keys"), keys),
        HelpSection(Safe("Commands that are typed"), typed),
        HelpSection(Safe("Writing"), _entries(_WRITING)),
        HelpSection(Safe("Messages"), _entries(_READING)),
    ]


def _entries(rows: Sequence[tuple[str, str]]) -> tuple[HelpEntry, ...]:
    return tuple(HelpEntry(Safe(keys), Safe(what)) for keys, what in rows)


_WRITING: Final = (
    ("Enter", "send"),
    ("Alt+Enter  Ctrl+J", "a new line"),
    ("Up", "lines that were sent before; Down comes back"),
    ("Tab", "complete a name, a command or an :emoji:"),
    ("//text", "send a line that begins with a slash"),
    ("quit", "close the app; you stay in your rooms"),
)
_READING: Final = (
    ("Shift+Tab", "from writing to the messages; Esc goes back"),
    ("Up  Down", "choose a message; Enter: what can be done with it"),
    ("PgUp  PgDn  Home  End", "scroll; End follows what comes"),
    ("Ctrl+Home", "to the first message of all"),
    ("y", "copy the chosen message"),
    ("o", "open a link of the chosen message"),
)
