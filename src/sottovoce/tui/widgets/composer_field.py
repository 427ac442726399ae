"""The field of the composer: several rows of text, whose Enter sends."""

from __future__ import annotations

from typing import ClassVar, Final, cast

from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.keys import Keys
from textual.message import Message
from textual.widgets import TextArea

from sottovoce.tui.widgets.composer_memory import Draft, clean

NEW_LINE_KEYS: Final = "alt+enter,shift+enter,ctrl+enter,ctrl+j"

# A terminal without the kitty protocol sends Alt+Enter as ESC CR, which Textual has no name for and takes for
# Enter alone: a new line that was asked for would send. Ctrl+J makes a new line too.
cast("dict[str, tuple[Keys, ...]]", ANSI_SEQUENCES_KEYS).setdefault("\x1b\r", (Keys.ControlJ,))


class ComposerField(TextArea):
    """Several rows of text. Whatever comes into it but by a printable key is sanitized."""

    DEFAULT_CSS = """
    ComposerField {
        height: auto;
        border: none;
        padding: 0 1;
        scrollbar-size-vertical: 1;
        &:focus { border: none; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", show=False),
        Binding(NEW_LINE_KEYS, "new_line", "New line", show=False),
    ]

    class SendWanted(Message):
        """Enter was pressed."""

    class Walked(Message):
        """Up was pressed on the first row, or Down on the last one."""

        def __init__(self, to_older: bool) -> None:
            super().__init__()
            self.to_older: Final = to_older

    class PasteOffered(Message):
        """Text was pasted; whoever takes it calls :meth:`ComposerField.put`."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text: Final = text

    def __init__(self) -> None:
        super().__init__(highlight_cursor_line=False)
        self.cursor_blink = False

    @property
    def draft(self) -> Draft:
        """What is typed, and the cursor."""
        row, column = self.cursor_location
        return Draft(self.text, row, column)

    def show(self, draft: Draft) -> None:
        """Show ``draft`` instead of what is there; undo does not go back before it."""
        self.load_text(clean(draft.text))
        self.move_cursor((draft.row, draft.column))

    def put(self, text: str) -> None:
        """Set ``text`` in place of what is selected, or at the cursor."""
        start, end = self.selection
        result = self.replace(clean(text), start, end, maintain_selection_offset=False)
        self.move_cursor(result.end_location)

    def find_matching_bracket(self, bracket: str, search_from: tuple[int, int]) -> tuple[int, int] | None:  # noqa: ARG002 - the base class's signature
        """Brackets of a message are not matched: looking for them would cost with every key."""
        return None

    def on_key(self, event: events.Key) -> None:
        """Keep Enter from becoming a line break: it is bound to sending."""
        if event.key == "enter":
            event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """Hand a paste on whole, line breaks included, instead of inserting it as it is."""
        event.stop()
        event.prevent_default()
        self.post_message(self.PasteOffered(event.text))

    def action_paste(self) -> None:
        """Paste what was copied in the app."""
        self.post_message(self.PasteOffered(self.app.clipboard))

    def action_send(self) -> None:
        """Ask for sending."""
        self.post_message(self.SendWanted())

    def action_new_line(self) -> None:
        """Break the line at the cursor."""
        self.put("\n")

    def action_cursor_up(self, select: bool = False) -> None:
        """Go up a row, from the first one into the history."""
        if select or self._cursor_row_shown > 0:
            super().action_cursor_up(select)
        else:
            self.post_message(self.Walked(to_older=True))

    def action_cursor_down(self, select: bool = False) -> None:
        """Go down a row, from the last one forward in the history."""
        if select or self._cursor_row_shown < self.wrapped_document.height - 1:
            super().action_cursor_down(select)
        else:
            self.post_message(self.Walked(to_older=False))

    def action_cursor_page_up(self) -> None:
        """Leave the key to the screen, where the timeline is what has pages."""
        raise SkipAction

    def action_cursor_page_down(self) -> None:
        """Leave the key to the screen, where the timeline is what has pages."""
        raise SkipAction

    def action_delete_right(self) -> None:
        """Delete what is right of the cursor; with nothing typed the key is the screen's."""
        if not self.text:
            raise SkipAction
        super().action_delete_right()

    @property
    def _cursor_row_shown(self) -> int:
        return self.wrapped_document.location_to_offset(self.cursor_location).y
