"""All keys and commands, to search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from sottovoce.tui.safe_text import Safe
from sottovoce.tui.screens.dialog import Dialog
from sottovoce.tui.screens.text_field import TextField


@dataclass(frozen=True, slots=True)
class HelpEntry:
    """``keys``: what is pressed or typed, ``what``: what it does."""

    keys: Safe
    what: Safe


@dataclass(frozen=True, slots=True)
class HelpSection:
    """Entries under a title."""

    title: Safe
    entries: tuple[HelpEntry, ...]


SCREEN_READER: Final = Safe(
    "With a screen reader, `sottovoce chat --plain` is better: the same chat in plain lines, one by one."
)


class HelpScreen(Dialog[None]):
    """Shows ``sections``; typing leaves what holds all the words typed."""

    WIDTH: ClassVar[int] = 78

    DEFAULT_CSS = """
    HelpScreen {
        Input { margin-bottom: 1; }
        .entry { height: auto; }
        .keys { width: 24; padding-right: 2; color: $text-accent; text-style: bold; height: auto; }
        .what { width: 1fr; height: auto; }
        .title { text-style: bold; margin-top: 1; }
        .body > .reader:last-child { margin: 1 0 0 0; }
        &.-roomy .body { margin-bottom: 1; }
        .keys { width: 16; }
        &.-roomy .keys { width: 24; }
    }
    """

    def __init__(self, sections: Sequence[HelpSection]) -> None:
        super().__init__(Safe("Help"), [])
        self._sections: Final = tuple(sections)

    def compose_body(self) -> ComposeResult:
        """The field, then the sections."""
        yield TextField(placeholder="type to find a key or a command")
        for section in self._sections:
            yield Static(Content(section.title), classes="title", markup=False)
            for entry in section.entries:
                yield _Row(entry)
        yield Static("Nothing is called that.", classes="none quiet", markup=False)
        yield Static(Content(SCREEN_READER), classes="paragraph quiet reader", markup=False)

    def on_mount(self) -> None:
        """Begin in the field."""
        super().on_mount()
        self.query_one(".none").display = False
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        parts = event.value.lower().split()
        rows = list(self.query(_Row))
        for row in rows:
            row.display = row.matches(parts)
        for title in self.query(".title, .reader"):
            title.display = not parts
        self.query_one(".none").display = not any(row.display for row in rows)
        self.call_after_refresh(self.show_hint)


class _Row(Horizontal):
    def __init__(self, entry: HelpEntry) -> None:
        super().__init__(
            Static(Content(entry.keys), classes="keys", markup=False),
            Static(Content(entry.what), classes="what", markup=False),
            classes="entry",
        )
        self._text: Final = f"{entry.keys} {entry.what}".lower()

    def matches(self, parts: Sequence[str]) -> bool:
        """Tell whether all the parts are in the entry."""
        return all(part in self._text for part in parts)
