"""What is on offer at the cursor: shown while one types, taken by Tab or Enter, declined by Escape."""

from __future__ import annotations

from typing import Final

from sottovoce.tui.completion import Choice, Completer, Completion
from sottovoce.tui.widgets.composer_choices import ComposerChoices
from sottovoce.tui.widgets.composer_field import ComposerField


class Completing:
    """Between a field and the list of its choices."""

    def __init__(self, field: ComposerField, choices: ComposerChoices) -> None:
        self.completer: Final = Completer()
        self._field: Final = field
        self._choices: Final = choices
        self._offered: Completion | None = None
        self._declined: tuple[int, int] | None = None  # where choices were closed: row and column

    @property
    def is_open(self) -> bool:
        """Whether choices are shown."""
        return self._choices.is_open

    @property
    def is_whole(self) -> bool:
        """Whether what is typed is what the first choice would make of it."""
        return self._offered is not None and self._offered.is_whole

    def offer(self, *, is_asked: bool = False) -> None:
        """Show what there is for the cursor's place, or nothing. ``is_asked``: as Tab does."""
        self._offered = self._at_cursor(is_asked)
        if is_asked or self._place() != self._declined:
            self._declined = None
        if self._offered is None or self._declined is not None or not self._field.has_focus:
            self._choices.close()
        else:
            typed = self._field.cursor_location[1] - self._offered.start
            left = self._field.cursor_screen_offset.x - typed
            self._choices.open(self._offered.choices, left, above=self._field.region.y)

    def complete(self) -> bool:
        """Complete at once if there is one way, else show the ways; False if there is none."""
        self.offer(is_asked=True)
        if self._offered is None:
            return False
        if len(self._offered.choices) == 1:
            self.take()
        return True

    def close_emoji(self) -> None:
        """Put an emoji in place of the name in colons that ends at the cursor."""
        self._offered = self._at_cursor(is_asked=False)
        if self._offered is not None and self._offered.is_closed:
            self._put(self._offered, self._offered.choices[0])

    def move(self, rows: int) -> None:
        """Highlight another choice."""
        self._choices.move(rows)

    def take(self) -> None:
        """Put the highlighted choice in."""
        if self._offered is not None and self._choices.is_open:
            self._put(self._offered, self._choices.chosen)

    def decline(self) -> None:
        """Close the choices, and leave them closed while this word is typed."""
        self._declined = self._place()
        self.close()

    def close(self) -> None:
        """Close the choices."""
        self._choices.close()

    def _put(self, offered: Completion, choice: Choice) -> None:
        row = self._field.cursor_location[0]
        self._choices.close()
        self._field.put_over((row, offered.start), (row, offered.end), choice.insert)

    def _at_cursor(self, is_asked: bool) -> Completion | None:
        row, column = self._field.cursor_location
        line = self._field.document.get_line(row)
        return self.completer.offer(line, column, is_first=row == 0, is_asked=is_asked)

    def _place(self) -> tuple[int, int] | None:
        return None if self._offered is None else (self._field.cursor_location[0], self._offered.start)
