"""The main view: rooms, the open room's messages, the composer, the members, and the state of it all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message as TextualMessage
from textual.screen import Screen
from textual.widgets import Static

from sottovoce.tui import view
from sottovoce.tui.commands import bindings, key_hints, slash_commands
from sottovoce.tui.compositor import FrugalCompositor
from sottovoce.tui.safe_text import NOTHING, Safe, words
from sottovoce.tui.settings import Settings
from sottovoce.tui.widgets.composer import Composer
from sottovoce.tui.widgets.keys_line import KeyHint, KeysLine
from sottovoce.tui.widgets.members import Members
from sottovoce.tui.widgets.rooms_list import RoomsList
from sottovoce.tui.widgets.status_line import StatusLine
from sottovoce.tui.widgets.timeline import Timeline
from sottovoce.tui.widgets.timeline_clock import Clock

_READING: Final = (
    KeyHint("↑↓", "choose"),
    KeyHint("Enter", "actions"),
    KeyHint("Esc", "write"),
    KeyHint("y", "copy"),
    KeyHint("F2", "X-ray", "xray"),
    KeyHint("o", "open link"),
    KeyHint("End", "newest"),
    KeyHint("F1", "help", "help"),
)

_NO_ROOM: Final = Content("No open room: F3 list, F7 new, F8 join")

_IN_ROOMS: Final = (
    KeyHint("↑↓", "choose"),
    KeyHint("Enter", "open"),
    KeyHint("Esc", "write"),
    KeyHint("a-z", "find"),
    KeyHint("F7", "new room", "new"),
    KeyHint("F8", "join", "join"),
    KeyHint("F1", "help", "help"),
)
_IN_MEMBERS: Final = (
    KeyHint("↑↓", "choose"),
    KeyHint("Enter", "look"),
    KeyHint("Esc", "write"),
    KeyHint("F5", "invite", "invite"),
    KeyHint("F1", "help", "help"),
)

NARROW: Final = "-narrow"
NORMAL: Final = "-normal"
WIDE: Final = "-wide"


class ChatScreen(Screen[None]):
    """Shows news and posts what a person wants; it asks the SDK for nothing."""

    CSS_PATH = "chat_screen.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(),
        Binding("escape", "escape", "Write", show=False),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, NARROW), (80, NORMAL), (120, WIDE)]  # noqa: RUF012 - Textual's declaration
    AUTO_FOCUS = None

    class CommandWanted(TextualMessage):
        """A command is to be run; ``typed``: the line it was typed as, empty for a key or a click.

        ``room_id``: the room that the composer wrote to then.
        """

        def __init__(self, name: str, room_id: bytes, argument: str = "", typed: str = "") -> None:
            self.name: Final = name
            self.room_id: Final = room_id
            self.argument: Final = argument
            self.typed: Final = typed
            super().__init__()

    class RoomWanted(TextualMessage):
        """Another room is to be opened."""

        def __init__(self, room_id: bytes) -> None:
            self.room_id: Final = room_id
            super().__init__()

    class ThrownOut(TextualMessage):
        """This device is not in the open room any more."""

        def __init__(self, name: Safe) -> None:
            self.name: Final = name
            super().__init__()

    class Read(TextualMessage):
        """The lines up to ``position`` are on the screen of a person who looks."""

        def __init__(self, room_id: bytes, position: int) -> None:
            self.room_id: Final = room_id
            self.position: Final = position
            super().__init__()

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__()
        self._compositor = FrugalCompositor()
        self.timeline: Final = Timeline(id="timeline", ascii_only=ascii_only)
        self.composer: Final = Composer(id="composer")
        self._rooms_list: Final = RoomsList(id="rooms")
        self._members: Final = Members(id="members")
        self._status: Final = StatusLine(id="status")
        self._keys: Final = KeysLine(id="keys")
        self._title: Final = Static(_NO_ROOM, id="room-title", markup=False)
        self.rooms: tuple[view.Room, ...] = ()
        self.details: view.RoomDetails | None = None
        self._shown: view.RoomDetails | None = None
        self.is_online = False
        self._settings = Settings()
        self._places: Final[
            dict[bytes, tuple[int, int]]
        ] = {}  # where one was reading, of rooms left above their end
        self._wanted: bytes | None = None  # the room that was asked for and is not on the screen yet
        self._newest = 0
        self._read = 0

    @property
    def room_id(self) -> bytes | None:
        """The open room."""
        return None if self.details is None else self.details.room.room_id

    @property
    def room_name(self) -> Safe:
        """Its name."""
        return NOTHING if self.details is None else self.details.room.name

    def compose(self) -> ComposeResult:
        """Three columns above two rows."""
        yield self._rooms_list
        with Vertical(id="talk"):
            yield self._title
            yield self.timeline
            yield self.composer
        yield self._members
        with Vertical(id="bottom"):
            yield self._status
            yield self._keys

    def on_mount(self) -> None:
        """Begin with writing."""
        self._apply_settings()
        self.composer.know(commands=slash_commands())
        self.composer.focus()

    def take_settings(self, settings: Settings) -> None:
        """Look and behave as ``settings`` say."""
        self._settings = settings
        if self.is_mounted:  # which it is after on_mount, not during it
            self._apply_settings()

    def _apply_settings(self) -> None:
        settings = self._settings
        clock = Clock(settings.zone, settings.clock, settings.show_seconds)
        self.timeline.set_look(clock=clock, compact=settings.compact)
        self.show_rooms()

    def forget(self, room_id: bytes) -> None:
        """A room was left: show another one, if there is one, unless something is typed."""
        if self.room_id == room_id:
            self.details = self._shown = None
            self.timeline.show(view.Page((), has_older=False))
            self._members.show(())
            self._title.update(_NO_ROOM)
            self.composer.prompt(NOTHING)
        if self.composer.room_id == room_id:
            self.composer.let_go()
        self.rooms = tuple(room for room in self.rooms if room.room_id != room_id)
        self.show_rooms()
        # Who writes goes nowhere by itself: the end of a sentence would go to people it is not for.
        if self._wanted in (None, room_id) and not self.composer.text:
            self._wanted = None
            self.step_room(1)

    # --- news ----------------------------------------------------------------------------------------------

    def hear(self, news: view.News) -> None:
        """Show what happened."""
        if news.link is not None:
            self.is_online = news.link.is_online
            self._status.show_link(news.link)
        if news.ended is not None:
            self.is_online = False
            self._status.show_end(news.ended)
        if news.opened is not None:
            if self._wanted in (None, news.opened.details.room.room_id):
                self._show_opened(news.opened)
        elif news.room_id is not None and news.room_id == self.room_id:
            self._add(news.lines)
            if news.details is not None:
                self._show_details(news.details)
        if news.rooms is not None:
            self.rooms = news.rooms
            self.show_rooms()
            if self.room_id is not None and all(room.room_id != self.room_id for room in news.rooms):
                self.post_message(self.ThrownOut(self.room_name))
                self.forget(self.room_id)
        self._tell_read()

    def _show_opened(self, opened: view.OpenedRoom) -> None:
        timeline, room_id = self.timeline, opened.details.room.room_id
        if self.room_id is not None and timeline.place is not None:
            self._places[self.room_id] = timeline.place
        self.details = opened.details
        lines = [line for line in opened.page.lines if line.position < view.QUEUED_FROM]
        self._newest = lines[-1].position if lines else 0
        self._read = opened.read_position
        place = self._places.pop(room_id, None)
        is_loaded = place is not None and bool(lines) and place[0] >= lines[0].position
        timeline.show(
            opened.page,
            unread_from=_first_unread(lines, opened.read_position),
            place=place if is_loaded else None,
        )
        self._wanted = None
        if self.composer.room_id != room_id:
            self.composer.switch(room_id)
        self._show_details(opened.details)
        self.action_to_composer()

    def _add(self, lines: tuple[view.Line, ...]) -> None:
        """Append what is new; the timeline gives a message that was queued its final place."""
        stored = [line.position for line in lines if line.position < view.QUEUED_FROM]
        self._newest = max([self._newest, *stored])
        self.timeline.append(lines)

    def _show_details(self, details: view.RoomDetails) -> None:
        """Show what has changed: a title that is set lays the whole screen out anew, for each message."""
        self.details = details
        lasting = replace(details, room=replace(details.room, unread=0))
        if lasting != self._shown:
            self._shown = lasting
            self._show_lasting(lasting)
        self.show_rooms()

    def _show_lasting(self, details: view.RoomDetails) -> None:
        self._title.update(_title(details))
        self._members.show(details.members)
        self.composer.know(names=[member.user for member in details.members])
        self.composer.prompt(
            words("Write to {room}", room=details.room.name)
            if details.room.is_member
            else Safe("Not in this room: F8 takes a new link, /leave gives it up.")
        )

    def show_rooms(self) -> None:
        """Draw the list of rooms and the status line anew."""
        self._rooms_list.show(tuple(map(self._as_looked_at, self.rooms)), self.room_id)
        others = [room for room in self.rooms if room.room_id != self.room_id]
        self._status.show_room(
            self._shown,
            sum(room.unread for room in others),
            is_quiet=self._settings.quiet,
            has_alarm_elsewhere=any(room.has_alarm for room in others),
        )

    def _as_looked_at(self, room: view.Room) -> view.Room:
        """A room without unread messages where they are being read: they are marked a moment later."""
        is_read = room.unread and room.room_id == self.room_id and self._is_looked_at
        return replace(room, unread=0) if is_read and self.timeline.place is None else room

    @property
    def _is_looked_at(self) -> bool:
        return self.is_current and self.app.app_focus

    @on(Timeline.EndSeen)
    def _see_end(self, event: Timeline.EndSeen) -> None:
        event.stop()
        self._tell_read()

    def _tell_read(self) -> None:
        """Say how far was read, when somebody looks at the end of the messages."""
        if not self._is_looked_at or self.room_id is None or self._newest <= self._read:
            return
        if self.timeline.place is None:
            self._read = self._newest
            self.post_message(self.Read(self.room_id, self._newest))

    # --- what a person does --------------------------------------------------------------------------------

    def action_command(self, name: str) -> None:
        """Run a command by its key."""
        self.post_message(self.CommandWanted(name, self.composer.room_id))

    def action_to_composer(self) -> None:
        """Close what lies above, and write."""
        self.remove_class("-rooms-over", "-members-over")
        self.composer.focus()

    def action_escape(self) -> None:
        """From the composer to the messages, from anywhere else to the composer."""
        if self.composer.has_focus_within:
            self.timeline.focus()
        else:
            self.action_to_composer()

    def toggle_rooms(self) -> None:
        """Go to the rooms, showing them if they are hidden; from there, back to writing."""
        self._toggle(self._rooms_list, "-rooms-over", "-without-rooms")

    def toggle_members(self) -> None:
        """The same with the members."""
        self._toggle(self._members, "-members-over", "-without-members")

    def _toggle(self, widget: RoomsList | Members, over: str, without: str) -> None:
        if widget.has_focus_within:
            if self.has_class(NARROW) or self.has_class(over):
                self.remove_class(over)
            else:
                self.add_class(without)
            self.composer.focus()
            return
        self.remove_class("-rooms-over", "-members-over", without)
        if not widget.display:
            self.add_class(over)
        self.call_after_refresh(widget.focus_list)

    @on(RoomsList.GivenUp)
    @on(Members.GivenUp)
    def _back_to_writing(self, event: TextualMessage) -> None:
        event.stop()
        self.action_to_composer()

    @on(RoomsList.Chosen)
    def _choose_room(self, event: RoomsList.Chosen) -> None:
        event.stop()
        self.action_to_composer()
        self.want_room(event.room_id)

    def want_room(self, room_id: bytes) -> None:
        """Have a room opened; of several wishes the last one counts."""
        self.post_message(self.RoomWanted(room_id))

    @on(RoomWanted)
    def _turn(self, event: RoomWanted) -> None:
        self.turn_to(event.room_id)

    def turn_to(self, room_id: bytes) -> None:
        """From now on what is typed is for this room, whose lines come with the news."""
        self._wanted = room_id
        if self.composer.room_id != room_id:
            self.composer.switch(room_id)
            names = [room.name for room in self.rooms if room.room_id == room_id]
            self.composer.prompt(words("Write to {room}", room=names[0]) if names else NOTHING)

    def stay(self) -> None:
        """The room that was asked for does not come."""
        self._wanted = None
        if self.details is not None and self.composer.room_id != self.details.room.room_id:
            self.composer.switch(self.details.room.room_id)
            self._show_lasting(self.details)

    @on(Composer.CommandGiven)
    def _take_command(self, event: Composer.CommandGiven) -> None:
        event.stop()
        self.post_message(self.CommandWanted(event.name, event.room_id, event.argument, event.typed))

    @on(KeysLine.Pressed)
    def _take_key(self, event: KeysLine.Pressed) -> None:
        event.stop()
        self.action_command(event.command)

    @on(events.DescendantFocus)
    def _show_keys(self) -> None:
        """The keys of the part that has the focus; while one writes, those of the app."""
        if self.timeline.has_focus:
            self._keys.show(_READING)
        elif self._rooms_list.has_focus_within:
            self._keys.show(_IN_ROOMS)
        elif self._members.has_focus_within:
            self._keys.show(_IN_MEMBERS)
        else:
            self._keys.show(key_hints())

    @on(StatusLine.Pressed)
    def _explain_status(self, event: StatusLine.Pressed) -> None:
        event.stop()
        is_alarmed = self.details is not None and (self.details.unseen or self.details.waits_for)
        self.action_command("why" if is_alarmed else "security")

    def step_room(self, by: int, *, only_unread: bool = False) -> None:
        """Want the next room, or the one before, of all or of those with unread messages; round the end."""
        ids = [room.room_id for room in self.rooms]
        at = ids.index(self.room_id) if self.room_id in ids else -1
        for step in range(1, len(ids) + 1):
            room = self.rooms[(at + by * step) % len(ids)]
            if room.room_id != self.room_id and (room.unread or not only_unread):
                self.want_room(room.room_id)
                return

    def on_app_focus(self, _: events.AppFocus) -> None:
        """Whoever comes back to the terminal reads what came meanwhile."""
        self._tell_read()

    def on_screen_resume(self) -> None:
        """So does who closes another screen."""
        self._tell_read()

    def take_back(self, room_id: bytes, text: str, reason: Safe = NOTHING) -> None:
        """Give a text that was not sent back to the composer."""
        self.composer.take_back(room_id, text, reason)


def _first_unread(lines: Sequence[view.Line], read_position: int) -> int | None:
    """The position of the first message of somebody else after what was read."""
    return next(
        (
            line.position
            for line in lines
            if line.position > read_position and isinstance(line, view.Message) and not line.is_mine
        ),
        None,
    )


def _title(details: view.RoomDetails) -> Content:
    """The room's name, how many are in it, and how one gets in."""
    count = len(details.members)
    members = f"  {count} member{'' if count == 1 else 's'}, " if count else "  "
    return Content.assemble(
        (details.room.name, "bold"), (members + _ACCESS.get(details.room.access, ""), "$foreground-muted")
    )


_ACCESS: Final = {
    "open": "open to everybody on this server",
    "invite": "by invitation",
    "key": "for the holders of its key",
}
