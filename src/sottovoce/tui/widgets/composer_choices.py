"""The small list above the composer: what can be completed here, and how to go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.content import Content
from textual.geometry import Offset
from textual.widgets import OptionList

from sottovoce.tui.completion import Choice

MOST_ROWS: Final = 6


class ComposerChoices(OptionList, can_focus=False):
    """Choices that lie over what is above the composer. The keys stay with the composer's field."""

    DEFAULT_CSS = """
    ComposerChoices {
        overlay: screen;
        constrain: inside inside;
        max-height: 100vh;
        display: none;
        border: none;
        padding: 0;
        background: $panel;
        scrollbar-size-vertical: 1;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        & > .option-list--option { padding: 0 1; }
        & > .option-list--option-highlighted {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
        }
    }
    """

    def __init__(self) -> None:
        super().__init__(markup=False, compact=True)
        self._choices: tuple[Choice, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether choices are shown."""
        return bool(self._choices)

    @property
    def chosen(self) -> Choice:
        """The highlighted choice; only while open."""
        return self._choices[self.highlighted or 0]

    def open(self, choices: Sequence[Choice], column: int, above: int) -> None:
        """Show ``choices`` from the screen's ``column`` on, their last row right above row ``above``."""
        if tuple(choices) != self._choices:
            self._choices = tuple(choices)
            self.set_options(_rows(choices))
            self.highlighted = 0
        rows = max(1, min(len(choices), MOST_ROWS, above))
        width = max(row.cell_length for row in _rows(choices)) + 2
        bar = 1 if len(choices) > rows else 0
        screen = self.screen.size
        width = min(width + bar, screen.width)
        self.styles.width, self.styles.height = width, rows
        place = Offset(max(0, min(column, screen.width - width)), above - rows)
        if place != self.absolute_offset:
            self.absolute_offset = place
            self.refresh(layout=True)
        self.display = True

    def close(self) -> None:
        """Show nothing."""
        self._choices = ()
        self.display = False

    def move(self, rows: int) -> None:
        """Highlight the choice so many rows further down, round the end."""
        self.highlighted = ((self.highlighted or 0) + rows) % len(self._choices)


def _rows(choices: Sequence[Choice]) -> list[Content]:
    """Labels stand out from the words by weight alone, which keeps its contrast in every theme."""
    widest = max(Content(choice.label).cell_length for choice in choices)
    return [
        Content.styled(choice.label, "bold").pad_right(widest - Content(choice.label).cell_length)
        + Content(f"  {choice.words}" if choice.words else "")
        for choice in choices
    ]
