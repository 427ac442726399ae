"""Making a room, and entering one that is there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from sottovoce.tui.safe_text import NOTHING, Safe, safe_name, words
from sottovoce.tui.screens.dialog import Choice, Dialog, Told, paragraph
from sottovoce.tui.screens.text_field import LinkField, TextField

NAME_LENGTH: Final = 64
"""Characters of a room's name at most."""

_DO: Final = "do"
_CANCEL: Final = "cancel"
_FOUND: Final = "Open to everybody on this server:"
_NONE_FOUND: Final = "Every other room is entered by a link from somebody who is in it."

LookForRooms = Callable[[], Awaitable[Sequence[Safe]]]
"""Finds the names of the rooms that anybody on the server may enter."""


class NewRoom(Dialog[str]):
    """Asks for a room's name; result: the name. ``taken``: names of rooms one is in already, as shown."""

    WIDTH: ClassVar[int] = 60
    ENTER: ClassVar[str] = _DO

    def __init__(self, taken: Sequence[Safe] = (), *, name: str = "") -> None:
        super().__init__(
            Safe("Make a room"),
            [Choice(_CANCEL, Safe("Cancel")), Choice(_DO, Safe("Make it"), "primary")],
            hint="Enter make it",
        )
        self._taken: Final = frozenset(taken)
        self._begun: Final = name

    def compose_body(self) -> ComposeResult:
        """The field, and who will see what."""
        yield TextField(self._begun, placeholder="a name, such as: friday crew", max_length=NAME_LENGTH)
        yield Told()
        yield paragraph(
            Safe(
                "Only people you add, or who have your invite link, can come in. The server sees neither "
                "the name nor what is written."
            ),
            "quiet",
        )

    def on_mount(self) -> None:
        """Begin in the field."""
        super().on_mount()
        self.query_one(Input).focus()

    def choose(self, choice_id: str) -> None:
        """Give the name back, unless it is none or one that would be confused with another room's."""
        name = self.query_one(Input).value.strip()
        if choice_id != _DO:
            self.dismiss(None)
        elif not name:
            self._refuse(Safe("Give the room a name."))
        elif (shown := safe_name(name)) in self._taken:
            self._refuse(words("You are in a room named {name} already: take another name.", name=shown))
        else:
            self.dismiss(name)

    def _refuse(self, sentence: Safe) -> None:
        self.tell(sentence, "alarm")
        self.query_one(Input).focus()


class JoinRoom(Dialog[str]):
    """Asks which room to enter; result: a link or a name.

    ``look``: finds what anybody may enter. It may take long: one types meanwhile.
    """

    WIDTH: ClassVar[int] = 64
    ENTER: ClassVar[str] = _DO

    DEFAULT_CSS = """
    JoinRoom OptionList { height: auto; max-height: 8; border: none; padding: 0; background: $surface; }
    JoinRoom OptionList:focus { border: none; }
    """

    def __init__(self, look: LookForRooms, *, typed: str = "", problem: Safe = NOTHING) -> None:
        super().__init__(
            Safe("Enter a room"),
            [Choice(_CANCEL, Safe("Cancel")), Choice(_DO, Safe("Enter it"), "primary")],
            hint="Enter go in",
        )
        self._look: Final = look
        self._open: tuple[Safe, ...] = ()
        self._typed: Final = typed
        self._problem: Final = problem

    def compose_body(self) -> ComposeResult:
        """The field, and the open rooms below it."""
        yield Static("Paste an invite link, or type an open room's name:", markup=False)
        yield LinkOrName(self._typed, placeholder="sottovoce://…  or  lobby")
        yield Told(self._problem, "alarm")
        yield Static("Looking for open rooms …", classes="quiet found", markup=False)
        yield OptionList(markup=False)

    def on_mount(self) -> None:
        """Begin in the field."""
        super().on_mount()
        self.query_one(Input).focus()
        self.query_one(OptionList).display = False
        self.run_worker(self._show_found())

    async def _show_found(self) -> None:
        self._open = tuple(await self._look())
        options = self.query_one(OptionList)
        options.add_options(Option(Content(room), id=str(at)) for at, room in enumerate(self._open))
        options.highlighted = 0 if self._open else None
        options.display = bool(self._open)
        self.query_one(".found", Static).update(Content(_FOUND if self._open else _NONE_FOUND))

    @on(OptionList.OptionSelected)
    def _take(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._open[event.option_index])

    def choose(self, choice_id: str) -> None:
        """Give back what was typed."""
        typed = self.query_one(Input).value.strip()
        if choice_id != _DO:
            self.dismiss(None)
        elif typed:
            self.dismiss(typed)
        else:
            self.query_one(Input).focus()


class LinkOrName(LinkField):
    """A link's parts are put together; a name keeps its blanks."""

    def joined(self, pasted: str) -> str:
        """Return a paste as one line."""
        is_link = pasted.strip().lower().startswith("sottovoce:")
        return super().joined(pasted) if is_link else " ".join(pasted.split())
