"""What went wrong in a room, in words: what happened, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from sottovoce.tui.safe_text import Safe, words
from sottovoce.tui.screens.dialog import Choice, Dialog, paragraph
from sottovoce.tui.view import Explanation

_CLOSE: Final = "close"


class AlarmsScreen(Dialog[None]):
    """Shows a room's explanations, the newest first; they are given in that order."""

    WIDTH: ClassVar[int] = 76

    DEFAULT_CSS = """
    AlarmsScreen {
        .entry { height: auto; border-left: outer $warning; padding-left: 1; margin-bottom: 1; }
        .entry:last-child { margin-bottom: 0; }
    }
    """

    def __init__(self, room: Safe, explanations: Sequence[Explanation]) -> None:
        count = len(explanations)
        title = words("{room}: {count} to look at", room=room, count=count) if count else room
        super().__init__(title, [Choice(_CLOSE, Safe("Close"), "primary")], is_alarm=bool(count))
        self._explanations: Final = tuple(explanations)

    def compose_body(self) -> ComposeResult:
        """One entry for each."""
        if not self._explanations:
            yield paragraph(Safe("✓ Nothing went wrong in this room."), "good")
        for explanation in self._explanations:
            yield Static(
                Content.assemble(
                    ("What happened  ", "bold $text-warning"),
                    explanation.what_happened,
                    "\n",
                    ("What to do  ", "bold $text-success"),
                    explanation.what_to_do,
                ),
                classes="entry",
                markup=False,
            )
