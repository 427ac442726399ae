"""A question with a few answers on one line: arrow keys, the space bar or a click take another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from sottovoce.tui.safe_text import Safe

_GAP: Final = "   "


class Either(Widget, can_focus=True):
    """Answers beside each other, one of them taken; ``taken`` is its index."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "take(-1)", show=False),
        Binding("right", "take(1)", show=False),
        Binding("space", "take(1)", show=False),
    ]

    DEFAULT_CSS = """
    Either { width: 100%; height: auto; color: $text-muted; }
    Either:focus { background: $foreground 10%; text-style: underline; }
    """

    taken: reactive[int] = reactive(0)

    class Changed(Message):
        """Another answer was taken."""

        def __init__(self, either: Either, taken: int) -> None:
            super().__init__()
            self.either: Final = either
            self.taken: Final = taken

    def __init__(self, answers: Sequence[Safe], taken: int = 0) -> None:
        super().__init__()
        self._answers: Final = tuple(answers)
        self.set_reactive(Either.taken, taken)

    def render(self) -> Content:
        """The answers, the taken one with a full mark."""
        return Content(_GAP).join(
            Content.styled(f"● {answer}", "bold $text") if at == self.taken else Content(f"○ {answer}")
            for at, answer in enumerate(self._answers)
        )

    def watch_taken(self, taken: int) -> None:
        """Tell who asked."""
        self.post_message(self.Changed(self, taken))

    def action_take(self, by: int) -> None:
        """Take the next answer, or the one before."""
        self.taken = (self.taken + by) % len(self._answers)

    def on_click(self, event: events.Click) -> None:
        """Take the answer under the mouse."""
        self.focus()
        at = event.y * self.size.width + event.x
        for index, answer in enumerate(self._answers):
            width = Content(f"● {answer}{_GAP}").cell_length
            if at < width:
                self.taken = index
                return
            at -= width
