"""What protects a room, and eight words that all its members see alike."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from sottovoce.tui.code_words import code_words
from sottovoce.tui.safe_text import Safe, words
from sottovoce.tui.screens.dialog import Choice, Dialog, paragraph
from sottovoce.tui.view import RoomSecurity

_CLOSE: Final = "close"
_IN_ROW: Final = 4


class RoomSecurityScreen(Dialog[None]):
    """Shows one room's protection."""

    WIDTH: ClassVar[int] = 68

    DEFAULT_CSS = """
    RoomSecurityScreen .code {
        background: $foreground 10%; padding: 0 1; height: auto; width: auto;
        text-style: bold; margin-bottom: 1;
    }
    """

    def __init__(self, room: Safe, security: RoomSecurity) -> None:
        super().__init__(
            words("How {room} is protected", room=room), [Choice(_CLOSE, Safe("Close"), "primary")]
        )
        self._security: Final = security

    def compose_body(self) -> ComposeResult:
        """Members first, then the words, then what is for the curious."""
        security = self._security
        if security.epoch is None:
            yield paragraph(Safe("This device is not in the room yet: nothing is decided."), "warning")
            return
        if security.all_verified:
            yield paragraph(Safe("✓ There is nobody in this room whom you have not verified."), "good")
        else:
            yield paragraph(
                Safe(
                    "Encrypted, but you have not verified everybody: choose a person in the list of "
                    "members to compare numbers."
                ),
                "warning",
            )
        yield Static("Everybody in the room sees these words now:", markup=False)
        yield Static(
            Content(_rows(code_words(bytes.fromhex(security.authenticator)))), classes="code", markup=False
        )
        yield paragraph(
            Safe(
                "The same words mean the same keys and the same members. They change whenever somebody "
                "comes or goes, so compare them at the same time, by voice."
            )
        )
        yield Static(
            Content.assemble(
                ("Encryption  ", "$foreground-muted"), security.suite, "\n",
                ("Key change  ", "$foreground-muted"), f"number {security.epoch} of this room (epoch)",
            ),
            markup=False,
        )  # fmt: skip


def _rows(code: tuple[str, ...]) -> Safe:
    width = max(len(word) for word in code)
    rows = (code[at : at + _IN_ROW] for at in range(0, len(code), _IN_ROW))
    return Safe("\n".join("  ".join(word.ljust(width) for word in row).rstrip() for row in rows))
