"""How the app looks and behaves: a row for each setting, changed where it stands, at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from sottovoce.tui.safe_text import NOTHING, Safe
from sottovoce.tui.screens.dialog import Choice, Dialog
from sottovoce.tui.screens.help import SCREEN_READER
from sottovoce.tui.screens.pick import MANY, Item, Pick

_CLOSE: Final = "close"


@dataclass(frozen=True, slots=True)
class Setting:
    """One row. ``values``: what it can be (the value, its words); ``value``: what it is now.

    More values than :data:`~sottovoce.tui.screens.pick.MANY` are chosen from a list. ``section``: the title
    above the first row that has it.
    """

    key: str
    label: Safe
    values: tuple[tuple[str, Safe], ...]
    value: str
    explanation: Safe = NOTHING
    section: Safe = NOTHING


class SettingsScreen(Dialog[dict[str, str]]):
    """Shows ``settings``; a change is told at once by :class:`Changed`. Result: all values by key."""

    WIDTH: ClassVar[int] = 66

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
    ]

    DEFAULT_CSS = """
    SettingsScreen {
        .section { text-style: bold; color: $text-muted; margin-top: 1; }
        .section.-first { margin-top: 0; }
        .explained { margin-top: 1; color: $text-muted; height: auto; min-height: 2; }
    }
    """

    class Changed(Message):
        """A setting has another value from now on."""

        def __init__(self, key: str, value: str) -> None:
            super().__init__()
            self.key: Final = key
            self.value: Final = value

    def __init__(self, settings: Sequence[Setting]) -> None:
        super().__init__(
            Safe("Settings"), [Choice(_CLOSE, Safe("Done"), "primary")], hint="↑ ↓ go · ← → change"
        )
        self._settings: Final = tuple(settings)

    def compose_body(self) -> ComposeResult:
        """The rows under their sections; below, what the row with the focus means."""
        section = NOTHING
        for setting in self._settings:
            if setting.section and setting.section != section:
                yield Static(
                    Content(setting.section), classes="section" if section else "section -first", markup=False
                )
                section = setting.section
            yield SettingRow(setting)
        yield Static(Content(SCREEN_READER), classes="explained", markup=False)

    def on_mount(self) -> None:
        """Begin with the first row."""
        super().on_mount()
        self.query(SettingRow).first().focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Explain the row that has the focus."""
        text = event.widget.setting.explanation if isinstance(event.widget, SettingRow) else NOTHING
        self.query_one(".explained", Static).update(Content(text or SCREEN_READER))

    def on_setting_row_changed(self, event: SettingRow.Changed) -> None:
        """Tell who shows this screen."""
        event.stop()
        self.post_message(self.Changed(event.row.setting.key, event.row.value))

    @property
    def values(self) -> dict[str, str]:
        """What is chosen now, by key."""
        return {row.setting.key: row.value for row in self.query(SettingRow)}

    def action_leave(self) -> None:
        """Close: what was changed is changed."""
        self.dismiss(self.values)

    def choose(self, choice_id: str) -> None:  # noqa: ARG002 - there is one button
        """Close."""
        self.action_leave()


class SettingRow(Widget, can_focus=True):
    """A label and a value."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", show=False),
        Binding("right", "step(1)", show=False),
        Binding("space,enter", "step(1)", show=False),
    ]

    DEFAULT_CSS = """
    SettingRow { height: 1; padding: 0 1; }
    SettingRow:hover { background: $foreground 10%; }
    SettingRow:focus { background: $primary 30%; text-style: bold; }
    """

    value: reactive[str] = reactive("", init=False)

    class Changed(Message):
        """The row has another value."""

        def __init__(self, row: SettingRow) -> None:
            super().__init__()
            self.row: Final = row

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.setting: Final = setting
        self.set_reactive(SettingRow.value, setting.value)

    @property
    def _index(self) -> int:
        return next((at for at, (value, _) in enumerate(self.setting.values) if value == self.value), 0)

    def render(self) -> Content:
        """The label at the left, the value at the right."""
        marks = ("◂ ", " ▸") if self.has_focus else ("  ", "  ")
        shown = Content.assemble(marks[0], (self.setting.values[self._index][1], "$text-accent"), marks[1])
        label = Content(self.setting.label)
        return Content.assemble(
            label, " " * max(1, self.size.width - label.cell_length - shown.cell_length), shown
        )

    def watch_value(self) -> None:
        """Tell the screen."""
        self.post_message(self.Changed(self))

    def action_step(self, by: int) -> None:
        """Take the next value, the one before, or one from a list."""
        values = self.setting.values
        if len(values) > MANY:
            items = [Item(value, label) for value, label in values]
            self.app.push_screen(Pick(self.setting.label, items, taken=self.value), self._take)
        else:
            self.value = values[(self._index + by) % len(values)][0]

    def _take(self, value: str | None) -> None:
        if value is not None:
            self.value = value

    def on_click(self) -> None:
        """The next value."""
        self.focus()
        self.action_step(1)
