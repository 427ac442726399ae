"""The composer: where a message is written, with a draft and a history for each room."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import OptionList, Static, TextArea

from sottovoce.client.command_line import parse_line
from sottovoce.client.content import MAX_TEXT_LENGTH
from sottovoce.tui.completion import SlashCommand
from sottovoce.tui.safe_text import NOTHING, Safe, safe
from sottovoce.tui.widgets.composer_choices import ComposerChoices
from sottovoce.tui.widgets.composer_completing import Completing
from sottovoce.tui.widgets.composer_field import ComposerField
from sottovoce.tui.widgets.composer_memory import ComposerMemory, Draft, RoomLines, clean

NEAR_THE_LIMIT: Final = 1024
"""Bytes: with so many left the counter appears."""

NO_ROOM: Final = b""


class Composer(Vertical):
    """Write a message, or a command: they leave as :class:`Sent` and :class:`CommandGiven`.

    Nothing typed is lost: each room keeps its draft (:meth:`switch`), and what could not be sent comes
    back by :meth:`take_back`. Until :meth:`switch` names a room, the lines belong to none.
    """

    DEFAULT_CSS = """
    Composer {
        height: auto;
        background: $surface;
        & > ComposerField { border-left: thick $primary 50%; }
        & > ComposerField:focus { border-left: thick $primary; }
        & > #composer-words { height: auto; padding: 0 1 0 2; color: $text-muted; display: none; }
        &.-refused > #composer-words { color: $text-warning; }
    }
    """

    KEEP_AFTER: ClassVar = 2.0
    """Seconds after which a change is to be kept; a crash loses no more than that."""

    class Sent(Message):
        """``text`` is to be sent to the room. If it cannot be: :meth:`Composer.take_back`."""

        def __init__(self, room_id: bytes, text: str) -> None:
            super().__init__()
            self.room_id: Final = room_id
            self.text: Final = text

    class CommandGiven(Message):
        """``/name argument`` was typed, or ``quit`` alone. ``typed``: for :meth:`Composer.take_back`."""

        def __init__(self, room_id: bytes, name: str, argument: str, typed: str) -> None:
            super().__init__()
            self.room_id: Final = room_id
            self.name: Final = name
            self.argument: Final = argument
            self.typed: Final = typed

    class KeepWanted(Message):
        """What is typed has changed a while ago: keep :meth:`Composer.drafts` and the new histories."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._field: Final = ComposerField(self)
        self._field.placeholder = Content("Write a message")
        self._choices: Final = ComposerChoices()
        self._completing: Final = Completing(self._field, self._choices)
        self._words: Final = Static("", id="composer-words", markup=False)
        self._memory: Final = ComposerMemory()
        self._room_id = NO_ROOM
        self._refusal = NOTHING
        self._refused = ""
        self._on_its_way: list[Composer.Sent] = []
        self._keeping: Timer | None = None

    def compose(self) -> ComposeResult:
        """Hold the field, and a row of words below it when there is something to say."""
        yield self._choices
        yield self._field
        yield self._words

    def focus(self, scroll_visible: bool = True, **rest: bool) -> Composer:
        """Give the keys to the field."""
        self._field.focus(scroll_visible, **rest)
        return self

    @property
    def text(self) -> str:
        """What is typed."""
        return self._field.text

    @property
    def room_id(self) -> bytes:
        """The room that the composer writes to, empty for none."""
        return self._room_id

    def switch(self, room_id: bytes) -> None:
        """Write to another room: the draft of this one is kept, that of the other one comes back."""
        self._note()
        self._lines.leave()
        self._room_id = room_id
        self._show(self._lines.shown)

    def let_go(self) -> None:
        """The room is gone: what was begun for it stays in the field, for no room."""
        self._note()
        self._memory.orphan(self._room_id, NO_ROOM)
        self._room_id = NO_ROOM
        self._show(self._lines.shown)
        self._keep_soon()

    def prompt(self, words: Safe) -> None:
        """Show ``words`` where nothing is typed yet."""
        self._field.placeholder = Content(words)

    def know(
        self, commands: Sequence[SlashCommand] | None = None, names: Sequence[Safe] | None = None
    ) -> None:
        """Complete these commands, and these names of the room's members, from now on; None: as before."""
        if commands is not None:
            self._completing.completer.commands = commands
        if names is not None:
            self._completing.completer.names = names

    @property
    def on_its_way(self) -> tuple[Composer.Sent, ...]:
        """What was given away, and nobody has :meth:`hand_over`: an app that ends hears of it no more."""
        return tuple(self._on_its_way)

    def hand_over(self, sent: Composer.Sent) -> None:
        """Somebody has taken this text and answers for it."""
        if sent in self._on_its_way:
            self._on_its_way.remove(sent)

    def take_back(self, room_id: bytes, text: str, words: Safe = NOTHING) -> None:
        """Put a text that could not be sent back, before what is typed by now; ``words`` say why."""
        self._note()
        back = self._memory.room(room_id).take_back(text)
        self._keep_soon()
        if room_id == self._room_id:
            self._show(back)
            self.say(words)

    def say(self, words: Safe) -> None:
        """Say why something is refused, until the text changes."""
        self._refusal, self._refused = words, self._field.text
        self._show_words()

    def drafts(self) -> bytes:
        """Return the drafts of all rooms, to be kept."""
        self._note()
        return self._memory.drafts()

    def load_drafts(self, kept: bytes, rooms: Collection[bytes] | None = None) -> None:
        """Take what :meth:`drafts` gave; where something is typed already that stays.

        ``rooms``: those one is in; drafts of others are left out.
        """
        self._note()
        self._memory.load_drafts(kept, None if rooms is None else {NO_ROOM, *rooms})
        self._show(self._lines.shown)

    def forget(self, room_id: bytes) -> None:
        """The room was left, and :meth:`let_go` if it was the open one: keep nothing of it."""
        self._memory.forget(room_id)

    def new_histories(self) -> list[bytes]:
        """Return the ids of the rooms whose history has lines that were not kept yet."""
        self._note()
        return [room_id for room_id in self._memory.new_histories() if room_id != NO_ROOM]

    def history(self, room_id: bytes) -> bytes:
        """Return the lines that were sent to a room, or put aside, to be kept."""
        return self._memory.history(room_id)

    def load_history(self, room_id: bytes, kept: bytes) -> None:
        """Take what :meth:`history` gave; it stands before the lines sent since."""
        self._memory.load_history(room_id, kept)

    @property
    def _lines(self) -> RoomLines:
        return self._memory.room(self._room_id)

    def _note(self) -> None:
        self._lines.edit(self._field.draft)

    def _show(self, draft: Draft) -> None:
        self._field.show(draft)
        self._completing.close()
        self.say(NOTHING)

    def on_resize(self, _: events.Resize) -> None:
        """Keep the choices right above."""
        if self.is_choosing:
            self._completing.offer()

    def _keep_soon(self) -> None:
        if self._keeping is None and self.is_mounted:
            self._keeping = self.set_timer(self.KEEP_AFTER, self._want_keeping)

    def _want_keeping(self) -> None:
        self._keeping = None
        self.post_message(self.KeepWanted())

    @property
    def is_choosing(self) -> bool:
        """Whether choices are shown."""
        return self._completing.is_open

    def choose(self, key: str) -> None:
        """Move in the choices, take one, or close them. Enter on what is typed in full sends."""
        match key:
            case "up" | "down":
                self._completing.move(-1 if key == "up" else 1)
            case "escape":
                self._completing.decline()
            case "enter" if self._completing.is_whole:
                self.send()
            case _:
                self._completing.take()

    def complete(self) -> bool:
        """Complete what is before the cursor; False if there is nothing to."""
        return self._completing.complete()

    def close_emoji(self) -> None:
        """Put the emoji in place of its name in colons."""
        self._completing.close_emoji()

    def changed(self) -> None:
        """Keep the draft, and offer what can be completed."""
        self._note()
        self._keep_soon()
        if self._field.text != self._refused:
            self._refusal = NOTHING
        self._show_words()
        self._completing.offer()

    def left(self) -> None:
        """Close the choices."""
        self._completing.close()

    def walk(self, *, to_older: bool) -> bool:
        """Show another line of the history, or the draft again; False where there is none."""
        self._note()
        shown = self._lines.older() if to_older else self._lines.newer()
        if shown is not None:
            self._show(shown)
        return shown is not None

    def paste(self, text: str) -> None:
        """Set ``text`` at the cursor, sanitized, unless the message would be too long by it."""
        left = self._bytes_left() + size(self._field.selected_text)
        # The first look keeps a huge paste from being cleaned, which takes about a second for a megabyte.
        if size(text) <= left and size(cleaned := clean(text)) <= left:
            self._field.put(cleaned)
        else:
            self.say(
                safe(
                    f"Nothing was pasted: it is {kilobytes(size(text))}, and a message holds "
                    f"{kilobytes(MAX_TEXT_LENGTH)}. Paste it in parts, and send each."
                )
            )

    def send(self) -> None:
        """Give away what is typed, unless it is nothing, or too long."""
        self._note()
        typed = self._field.text.strip("\n").rstrip()
        over = -self._bytes_left()
        if not typed:
            return
        if over > 0:
            self.say(safe(f"Not sent: {over} too many. Shorten it, or send it in parts."))
            return
        meant = parse_line(typed)
        if meant.text is not None and self._room_id == NO_ROOM:
            self.say(safe("Not sent: no room is open. Choose one in the list, or type /new to make one."))
            return
        self._show(self._lines.sent())
        self._keep_soon()
        if meant.command is not None:
            self.post_message(self.CommandGiven(self._room_id, meant.command, meant.argument, typed))
        elif meant.text:
            sent = self.Sent(self._room_id, meant.text)
            self._on_its_way.append(sent)
            self.post_message(sent)

    @on(TextArea.Changed)
    def _heard(self, event: TextArea.Changed) -> None:
        event.stop()

    @on(TextArea.SelectionChanged)
    def _moved(self, event: TextArea.SelectionChanged) -> None:
        event.stop()
        if self.is_choosing:
            self._completing.offer()

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._completing.take()

    def _bytes_left(self) -> int:
        return MAX_TEXT_LENGTH - size(self._field.text)

    def _show_words(self) -> None:
        words = self._refusal or self._count()
        if words != self._words.content:  # an update lays the screen out anew, too much for every key
            self.set_class(bool(self._refusal), "-refused")
            self._words.display = bool(words)
            self._words.update(words)

    def _count(self) -> Safe:
        left = self._bytes_left()
        if left >= NEAR_THE_LIMIT:
            return NOTHING
        return safe(f"{left} left" if left >= 0 else f"{-left} too many")


def size(text: str) -> int:
    """Return the bytes that ``text`` takes in a message."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def kilobytes(count: int) -> str:
    """Return a number of bytes for people: ``32 KB``."""
    return f"{-(-count // 1024)} KB"
