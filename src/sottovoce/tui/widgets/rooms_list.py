"""The list of rooms: unread counts, alarms, and a field to find one by its name."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key, Resize
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from sottovoce.tui import view
from sottovoce.tui.safe_text import cut
from sottovoce.tui.screens.text_field import TextField

MANY: Final = 999
"""Unread messages above which a plus sign stands for the rest."""


class RoomsList(Vertical):
    """Rooms, by name; Enter or a click opens one, typing looks for one."""

    DEFAULT_CSS = """
    RoomsList {
        & > Input { height: 1; border: none; padding: 0 1; background: $boost; }
        & > OptionList { height: 1fr; border: none; padding: 0; scrollbar-size-vertical: 1; }
        & > OptionList { background: transparent; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "to_list", "To the list", show=False),
        Binding("escape", "give_up", "Back to writing", show=False),
    ]

    class Chosen(Message):
        """A room was chosen."""

        def __init__(self, room_id: bytes) -> None:
            self.room_id: Final = room_id
            super().__init__()

    class GivenUp(Message):
        """The list is not wanted any more."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._field: Final = TextField(placeholder="Find a room", compact=True, select_on_focus=False)
        self._options: Final = OptionList(markup=False, compact=True)
        self._rooms: tuple[view.Room, ...] = ()
        self._open: bytes | None = None
        self._drawn: tuple[object, ...] = ()
        self._drawn_open: bytes | None = None

    def compose(self) -> ComposeResult:
        """A field above a list."""
        yield self._field
        yield self._options

    def show(self, rooms: tuple[view.Room, ...], open_id: bytes | None) -> None:
        """Show these rooms; ``open_id``: the one that is open."""
        self._rooms, self._open = rooms, open_id
        self._draw()

    def focus_list(self) -> None:
        """Give the keyboard to the list."""
        self._options.focus()

    def _draw(self) -> None:
        wanted = self._field.value.strip().casefold()
        shown = [room for room in self._rooms if wanted in room.name.casefold()]
        width = self._options.content_size.width
        drawn = (tuple(shown), self._open, width)
        if drawn == self._drawn:
            return
        self._drawn = drawn
        options = self._options
        chosen = options.highlighted_option.id if options.highlighted_option else None
        options.set_options(
            Option(_row(room, width, is_open=room.room_id == self._open), id=room.room_id.hex())
            for room in shown
        )
        ids = [room.room_id.hex() for room in shown]
        is_as_before = self._open == self._drawn_open
        self._drawn_open = self._open
        wanted_id = chosen if is_as_before and chosen in ids else self._open.hex() if self._open else None
        options.highlighted = ids.index(wanted_id) if wanted_id in ids else (0 if ids else None)

    def on_key(self, event: Key) -> None:
        """A letter typed in the list begins to look for a room."""
        if self._options.has_focus and event.is_printable and event.character and event.character != " ":
            event.stop()
            self._field.value += event.character
            self._field.cursor_position = len(self._field.value)
            self._field.focus()

    def action_to_list(self) -> None:
        """From the field to the list."""
        self.focus_list()

    def action_give_up(self) -> None:
        """Empty the field, or leave."""
        field = self._field
        if field.value:
            field.value = ""
        else:
            self.post_message(self.GivenUp())

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self._draw()

    @on(Input.Submitted)
    def _take_first(self, event: Input.Submitted) -> None:
        event.stop()
        options = self._options
        if options.highlighted_option is not None and options.highlighted_option.id:
            self._choose(options.highlighted_option.id)

    @on(OptionList.OptionSelected)
    def _take(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option.id:
            self._choose(event.option.id)

    def _choose(self, option_id: str) -> None:
        self._field.value = ""
        self.post_message(self.Chosen(bytes.fromhex(option_id)))

    def on_resize(self, _: Resize) -> None:
        """Rows are cut to the width."""
        self.call_after_refresh(self._draw)


def _row(room: view.Room, width: int, *, is_open: bool) -> Content:
    """``> name      3``: the mark of the open room or of an alarm, the name, the unread count.

    A room that this device did not get into says so instead of a count.
    """
    count = f" {room.unread}" if 0 < room.unread <= MANY else f" {MANY}+" if room.unread else ""
    if not room.is_member:
        count = " not in"
    mark = "! " if room.has_alarm else "> " if is_open else "  "
    space = max(width - cell_len(mark) - cell_len(count), 1)
    name = cut(room.name, space)
    padding = " " * (space - cell_len(name))
    name_style = "bold" if room.unread or is_open else "" if room.is_member else "dim"
    return Content.assemble(
        (mark, "$text-error bold" if room.has_alarm else "$text-accent"),
        (name, name_style),
        padding,
        (count, "$text-accent bold" if room.is_member else "$text-warning"),
    )
