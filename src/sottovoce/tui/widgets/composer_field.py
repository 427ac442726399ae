"""The field of the composer: several rows of text, whose Enter sends."""

from __future__ import annotations

from typing import ClassVar, Final, Protocol, cast

from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.keys import Keys
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import TextArea

from sottovoce.tui.compositor import draw_now
from sottovoce.tui.keys_in_order import act_on
from sottovoce.tui.widgets.composer_memory import Draft, clean

MOST_ROWS: Final = 8
LEAST_MOST_ROWS: Final = 3
NEW_LINE_KEYS: Final = "alt+enter,shift+enter,ctrl+enter,ctrl+j"

# A terminal without the kitty protocol sends Alt+Enter as ESC CR, which Textual has no name for and takes for
# Enter alone: a new line that was asked for would send. Ctrl+J makes a new line too.
cast("dict[str, tuple[Keys, ...]]", ANSI_SEQUENCES_KEYS).setdefault("\x1b\r", (Keys.ControlJ,))

_JOINERS: Final = ("\N{ZERO WIDTH NON-JOINER}", "\N{ZERO WIDTH JOINER}", "\N{VARIATION SELECTOR-16}")
"""What Persian, Hindi and emoji have between two characters; Python does not call it printable."""


class FieldOwner(Protocol):
    """Who acts on the field's keys. Called at once, not by message: the next key must find it done."""

    @property
    def is_choosing(self) -> bool:
        """Whether choices are shown: arrows, Tab, Enter and Escape are theirs then."""

    def choose(self, key: str) -> None:
        """One of those keys was pressed."""

    def send(self) -> None:
        """Enter was pressed."""

    def walk(self, *, to_older: bool) -> bool:
        """Up was pressed on the first row, or Down on the last one; tell whether that did something."""

    def paste(self, text: str) -> None:
        """Text was pasted; it is not in the field yet."""

    def complete(self) -> bool:
        """Tab was pressed; tell whether there is anything to complete."""

    def close_emoji(self) -> None:
        """A colon was typed."""

    def changed(self) -> None:
        """The text is another one."""

    def left(self) -> None:
        """The keys go elsewhere now."""


class ComposerField(TextArea):
    """Several rows of text, which holds no control character: a paste goes to the owner, who cleans it."""

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
        Binding("tab", "complete", "Complete", show=False),
    ]

    def __init__(self, owner: FieldOwner) -> None:
        self._owner: Final = owner
        self._is_showing = True
        self._has_new_styles = True
        super().__init__(highlight_cursor_line=False)
        self.cursor_blink = False
        self._is_showing = False

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the rows of the text: at most 8, and at most 3 or a quarter of the terminal's."""
        rows = super().get_content_height(container, viewport, width)
        return min(rows, max(LEAST_MOST_ROWS, min(MOST_ROWS, viewport.height // 4)))

    @property
    def draft(self) -> Draft:
        """What is typed, and the cursor."""
        row, column = self.cursor_location
        return Draft(self.text, row, column)

    def show(self, draft: Draft) -> None:
        """Show ``draft`` instead of what is there; undo does not go back before it."""
        self._is_showing = True
        self.load_text(clean(draft.text))
        self._is_showing = False
        self.move_cursor((draft.row, draft.column))

    def put(self, text: str) -> None:
        """Set ``text``, which is clean already, in place of what is selected, or at the cursor."""
        self.put_over(*self.selection, text)

    def put_over(self, start: tuple[int, int], end: tuple[int, int], text: str) -> None:
        """Set ``text``, which is clean already, in place of what stands between two places (row, column)."""
        result = self.replace(text, start, end, maintain_selection_offset=False)
        self.move_cursor(result.end_location)

    def update_suggestion(self) -> None:
        """Textual calls this after every change of the text, before it takes the next key."""
        if not self._is_showing:
            self._owner.changed()

    def find_matching_bracket(
        self,
        bracket: str,  # noqa: ARG002 - the base class's signature
        search_from: tuple[int, int],  # noqa: ARG002 - the base class's signature
    ) -> tuple[int, int] | None:
        """Brackets of a message are not matched: looking for them would cost with every key."""
        return None

    async def on_event(self, event: events.Event) -> None:
        """Draw what a key has changed as soon as it is done, before messages that have come."""
        await super().on_event(event)
        if isinstance(event, events.Key) and self.is_attached:
            draw_now(self)

    def notify_style_update(self) -> None:
        """Draw in the colours of a new theme."""
        super().notify_style_update()
        self._has_new_styles = True

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw a part of the field; its colours are looked up when they may be new, not for each letter."""
        if self._has_new_styles:
            self._has_new_styles = False
            return super().render_lines(crop)
        return ScrollView.render_lines(self, crop)

    async def on_key(self, event: events.Key) -> None:
        """Do what the key means before the next key is looked at."""
        if self._take(event):
            event.stop()
            event.prevent_default()
        else:
            await act_on(event, self)

    def _take(self, event: events.Key) -> bool:
        if self._owner.is_choosing and event.key in ("up", "down", "tab", "enter", "escape"):
            self._owner.choose(event.key)
            return True
        if event.character in _JOINERS:
            self.replace(event.character, *self.selection, maintain_selection_offset=False)
            return True
        if event.character == ":":
            self.put(":")
            self._owner.close_emoji()
            return True
        return False

    def on_paste(self, event: events.Paste) -> None:
        """Hand a paste on whole, line breaks included, instead of inserting it as it is."""
        event.stop()
        event.prevent_default()
        self._owner.paste(event.text)

    def on_blur(self) -> None:
        """Say that the keys go elsewhere."""
        self._owner.left()

    def action_paste(self) -> None:
        """Paste what was copied in the app."""
        self._owner.paste(self.app.clipboard)

    def action_send(self) -> None:
        """Send."""
        self._owner.send()

    def action_new_line(self) -> None:
        """Break the line at the cursor."""
        self.put("\n")

    def action_complete(self) -> None:
        """Complete the word at the cursor; without one Tab goes to the next pane."""
        if not self._owner.complete():
            raise SkipAction

    def action_cursor_up(self, select: bool = False) -> None:
        """Go up a row, from the first one into the history."""
        if select or self._row_shown > 0 or not self._owner.walk(to_older=True):
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """Go down a row, from the last one forward in the history."""
        is_last = self._row_shown >= self.wrapped_document.height - 1
        if select or not is_last or not self._owner.walk(to_older=False):
            super().action_cursor_down(select)

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
    def _row_shown(self) -> int:
        return self.wrapped_document.location_to_offset(self.cursor_location).y
