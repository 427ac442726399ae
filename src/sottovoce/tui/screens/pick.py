"""Choosing one thing of many: typing filters the list, arrow keys go through it, Enter takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from sottovoce.tui.safe_text import NOTHING, Safe
from sottovoce.tui.screens.dialog import Dialog, paragraph
from sottovoce.tui.screens.text_field import TextField

MANY: Final = 8
"""A list longer than this gets a field that filters it."""


@dataclass(frozen=True, slots=True)
class Item:
    """An entry: ``label``, and ``detail`` behind it. ``item_id`` is what choosing it gives."""

    item_id: str
    label: Safe
    detail: Safe = NOTHING


class Pick(Dialog[str]):
    """Shows ``items``; result: the id of one. ``taken``: the id that is highlighted first."""

    WIDTH: ClassVar[int] = 60
    ENTER: ClassVar[str] = "take"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move('cursor_up')", show=False, priority=True),
        Binding("down", "move('cursor_down')", show=False, priority=True),
        Binding("pageup", "move('page_up')", show=False, priority=True),
        Binding("pagedown", "move('page_down')", show=False, priority=True),
    ]

    DEFAULT_CSS = """
    Pick {
        OptionList { height: auto; max-height: 100%; border: none; padding: 0; background: $surface; }
        OptionList:focus { border: none; }
        Input { margin-bottom: 1; }
        .none { color: $text-muted; }
        &.-roomy .body { margin-bottom: 1; }
    }
    """

    def __init__(
        self, title: Safe, items: Sequence[Item], *, taken: str | None = None, sentence: Safe = NOTHING
    ) -> None:
        super().__init__(title, [], hint="↑ ↓ choose · Enter take")
        self._items: Final = tuple(items)
        self._taken: Final = taken
        self._sentence: Final = sentence

    def compose_body(self) -> ComposeResult:
        """The field, if the list is long, and the list."""
        if self._sentence:
            yield paragraph(self._sentence)
        if len(self._items) > MANY:
            yield TextField(placeholder="type to find")
        yield OptionList(markup=False)
        yield Static("Nothing is called that.", classes="none", markup=False)

    def on_mount(self) -> None:
        """Show all of them."""
        super().on_mount()
        self._show("")
        ids = [item.item_id for item in self._items]
        self._list.highlighted = ids.index(self._taken) if self._taken in ids else 0
        (self.query_one(Input) if len(self._items) > MANY else self._list).focus()

    def on_resize(self, event: events.Resize) -> None:
        """The list scrolls by itself; the field stays in sight."""
        super().on_resize(event)
        above = (2 if len(self._items) > MANY else 0) + (3 if self._sentence else 0)
        self._list.styles.max_height = max(2, self.body_room(event.size).height - above)
        self.call_after_refresh(self._list.scroll_to_highlight)

    @property
    def _list(self) -> OptionList:
        return self.query_one(OptionList)

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        self._show(event.value)

    def _show(self, wanted: str) -> None:
        parts = wanted.lower().replace("_", " ").split()
        found = [item for item in self._items if _matches(item, parts)]
        self._list.clear_options()
        self._list.add_options([Option(_prompt(item), id=item.item_id) for item in found])
        self._list.highlighted = 0 if found else None
        self.query_one(".none").display = not found

    def action_move(self, step: str) -> None:
        """Go through the list, wherever the focus is."""
        getattr(self._list, f"action_{step}")()

    def choose(self, choice_id: str) -> None:  # noqa: ARG002 - there is one
        """Take what is highlighted."""
        self._list.action_select()

    @on(OptionList.OptionSelected)
    def _take(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option.id)


def _matches(item: Item, parts: Sequence[str]) -> bool:
    text = f"{item.label} {item.detail}".lower().replace("_", " ")
    return all(part in text for part in parts)


def _prompt(item: Item) -> Content:
    return Content.assemble(item.label, (f"  {item.detail}" if item.detail else "", "$foreground-muted"))
