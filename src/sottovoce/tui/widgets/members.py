"""Who is in the room, and how far each is to be trusted."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from sottovoce.tui import view


class Members(Vertical):
    """The members, oneself first; Enter or a click chooses one."""

    DEFAULT_CSS = """
    Members {
        & > Static { height: 1; padding: 0 1; color: $text-muted; }
        & > OptionList { height: 1fr; border: none; padding: 0; scrollbar-size-vertical: 1; }
        & > OptionList { background: transparent; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "Back to writing", show=False)]

    class Chosen(Message):
        """A member was chosen."""

        def __init__(self, member: view.Member) -> None:
            self.member: Final = member
            super().__init__()

    class GivenUp(Message):
        """The list is not wanted any more."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._count: Final = Static("", markup=False)
        self._options: Final = OptionList(markup=False, compact=True)
        self._members: tuple[view.Member, ...] = ()

    def compose(self) -> ComposeResult:
        """A count above a list."""
        yield self._count
        yield self._options

    def show(self, members: tuple[view.Member, ...]) -> None:
        """Show these members."""
        if members == self._members:
            return
        self._members = members
        count = "1 member" if len(members) == 1 else f"{len(members)} members"
        self._count.update(Content(count))
        options = self._options
        at = options.highlighted
        options.set_options(Option(member_row(member)) for member in members)
        options.highlighted = min(at or 0, len(members) - 1) if members else None

    def focus_list(self) -> None:
        """Give the keyboard to the list."""
        self._options.focus()

    def action_give_up(self) -> None:
        """Leave the list."""
        self.post_message(self.GivenUp())

    @on(OptionList.OptionSelected)
    def _take(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Chosen(self._members[event.option_index]))


def member_row(member: view.Member) -> Content:
    """``✓ name  2 devices``: verified, not verified, or a changed key."""
    if member.key_changed:
        mark, words, style = "! ", "  key changed", "$text-error bold"
    elif member.is_me:
        mark, words, style = "• ", "  you", "$foreground-muted"
    elif member.verified:
        mark, words, style = "✓ ", "", "$text-success"
    else:
        mark, words, style = "? ", "", "$text-warning"
    alike = f"  looks like {member.looks_like}" if member.looks_like else ""
    devices = f"  {member.devices} devices" if member.devices > 1 else ""
    return Content.assemble(
        (mark, style), member.user, (words, style), (alike, "$text-warning"), (devices, "$foreground-muted")
    )
