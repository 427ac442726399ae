"""The row of keys at the bottom: what can be done from here, as much of it as fits; a click does it too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

_BETWEEN: Final = 2  # blanks between two keys


@dataclass(frozen=True, slots=True)
class KeyHint:
    """A key, what it does in one word or two, and the command that a click runs (empty: none)."""

    key: str
    words: str
    command: str = ""

    @property
    def length(self) -> int:
        """Cells that it takes."""
        return cell_len(self.key) + 1 + cell_len(self.words)


class KeysLine(Widget):
    """Shows the hints from left to right; what does not fit is left out, the last first."""

    DEFAULT_CSS = "KeysLine { height: 1; padding: 0 1; background: $footer-background; }"
    ALLOW_SELECT = False

    class Pressed(Message):
        """A hint was clicked."""

        def __init__(self, command: str) -> None:
            self.command: Final = command
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._hints: tuple[KeyHint, ...] = ()

    def show(self, hints: Sequence[KeyHint]) -> None:
        """Show these hints, the most wanted first."""
        if tuple(hints) != self._hints:
            self._hints = tuple(hints)
            self.refresh()

    def render(self) -> Content:
        """The hints that fit."""
        parts = [
            Content.assemble((hint.key, "$footer-key-foreground bold"), (f" {hint.words}", "$foreground"))
            for hint, _ in self._placed()
        ]
        return Content(" " * _BETWEEN).join(parts)

    def _placed(self) -> list[tuple[KeyHint, int]]:
        """The hints that fit, each with the cell where it begins."""
        placed: list[tuple[KeyHint, int]] = []
        at = 0
        for hint in self._hints:
            if at + hint.length <= self.content_size.width:
                placed.append((hint, at))
                at += hint.length + _BETWEEN
        return placed

    def on_click(self, event: events.Click) -> None:
        """Run the command under the pointer."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        for hint, at in self._placed():
            if hint.command and at <= offset.x < at + hint.length:
                self.post_message(self.Pressed(hint.command))
