"""The app: it brings a person in, hands news to the main view, and goes when asked."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final

from textual import events, on, work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.filter import LineFilter, NoColor
from textual.notifications import SeverityLevel
from textual.widgets import Input
from textual.worker import WorkerFailed

from sottovoce.client.sanitize import sanitize
from sottovoce.errors import SottovoceError
from sottovoce.tui import settings_rows, view
from sottovoce.tui.between_keys import AFTER_KEY, BetweenKeys
from sottovoce.tui.bridge import Bridge, Entrance, Refused
from sottovoce.tui.chat_screen import ChatScreen
from sottovoce.tui.commands import BY_NAME
from sottovoce.tui.doings import Doings
from sottovoce.tui.finder import Finder
from sottovoce.tui.front_door import FrontDoor, WantedRoom
from sottovoce.tui.idle_collection import IdleCollection
from sottovoce.tui.notices import Attention, Notices, desktop_sequence
from sottovoce.tui.safe_text import Safe, safe, words
from sottovoce.tui.screens.alarms import AlarmsScreen
from sottovoce.tui.screens.confirm import quit_unsent
from sottovoce.tui.screens.entrance import enter
from sottovoce.tui.screens.settings import SettingsScreen
from sottovoce.tui.settings import Settings, load_settings, save_settings
from sottovoce.tui.terminal_driver import TerminalDriver
from sottovoce.tui.themes import NO_COLOUR, THEMES
from sottovoce.tui.widgets.composer import Composer
from sottovoce.tui.widgets.members import Members
from sottovoce.tui.widgets.timeline import Timeline
from sottovoce.tui.widgets.timeline_clock import Clock

_SEVERITY: Final[dict[view.Level, SeverityLevel]] = {
    view.Level.INFO: "information",
    view.Level.WARNING: "warning",
    view.Level.ALARM: "error",
}


_AFTER_THE_END: Final = Safe(
    "What is on the screen can be read, but nothing is sent any more. Once it is put right, start again."
)


@dataclass(frozen=True)
class Start:
    """What the command line said. ``user`` and ``password`` together enter without asking.

    ``ascii_only``: the terminal has no check marks and the like.
    """

    link: str | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    home: Path | None = None
    room: WantedRoom = field(default_factory=WantedRoom)
    ascii_only: bool = False


@dataclass(frozen=True)
class _Attempt(Awaitable[None]):
    """Something to do, begun only when awaited: a coroutine would be left behind if its turn never came."""

    doings: Doings
    do: Callable[[Doings], Awaitable[None]]

    def __await__(self) -> Generator[object, None, None]:
        return self.doings.attempt(self.do(self.doings)).__await__()


class SottovoceApp(App[object]):
    """The terminal app. After it has run, ``refusal`` or ``failure`` says what ended it, if anything did."""

    TITLE = "Sottovoce"
    CSS_PATH = "app.tcss"
    COMMANDS = {Finder}  # noqa: RUF012 - Textual's own declaration of it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", BY_NAME["quit"].footer, show=False, priority=True)
    ]

    def __init__(self, start: Start, settings_home: Path) -> None:
        super().__init__(driver_class=TerminalDriver)
        self._has_no_colours: Final[bool] = self.no_color  # by the environment's NO_COLOR
        self.refusal: SottovoceError | None = None
        self.failure: Exception | None = None
        self.settings_home: Final = settings_home
        self.settings: Settings = load_settings(settings_home)
        self._start: Final = start
        self._collection: Final = IdleCollection()
        self._between_keys: Final = BetweenKeys()
        self._showing: asyncio.TimerHandle | None = None
        self._bridge: Bridge | None = None
        self._chat: ChatScreen | None = None
        self._doings: Doings | None = None
        self._notices: Notices | None = None
        self._waiting: list[view.News] = []
        self._is_going = False
        self._has_link_state = False

    async def on_mount(self) -> None:
        """Start the SDK, and bring the person in."""
        for theme in THEMES:
            self.register_theme(theme)
        self._take(self.settings)
        self._bridge = Bridge(self._hear, self._handle_exception)
        self._collection.begin()
        self.set_interval(1.0, self._tick)
        self._come_in(self._bridge)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's filters, or the one that leaves no colour at all: Textual would leave greys."""
        return [NoColor()] if self.no_color else super().get_line_filters()

    def action_command_palette(self) -> None:
        """Find a command or a room; not above another screen, which must be answered first."""
        if isinstance(self.screen, ChatScreen):
            self.push_screen(CommandPalette(placeholder="Find a command or a room", id="--command-palette"))

    def change_settings(self, settings: Settings) -> None:
        """Look and behave as ``settings`` say, from now on and the next time."""
        try:
            save_settings(self.settings_home, settings)
        except OSError as trouble:
            self.say(
                words("The settings hold until you quit: {why}.", why=safe(str(trouble.strerror))),
                view.Level.WARNING,
            )
        self._take(settings)

    @on(SettingsScreen.Changed)
    def _change_setting(self, event: SettingsScreen.Changed) -> None:
        """Take a setting while its screen is open: how it looks is seen at once."""
        self.change_settings(settings_rows.taken({event.key: event.value}, self.settings))

    def _take(self, settings: Settings) -> None:
        self.settings = settings
        self.no_color = self._has_no_colours or settings.theme == NO_COLOUR.name
        self.theme = settings.theme if settings.theme in self.available_themes else THEMES[0].name
        self.refresh_css(animate=False)
        if self._chat is not None:
            self._chat.take_settings(settings)

    # --- coming in -----------------------------------------------------------------------------------------

    @work
    async def _come_in(self, bridge: Bridge) -> None:
        start = self._start
        door = FrontDoor(bridge, start.home, start.room)
        if start.user and start.password:
            is_in = await self._enter_unasked(bridge, door, start.user, start.password)
        else:
            is_in = await self._ask_the_way_in(door)
        if not is_in:
            self.exit()
            return
        chat = ChatScreen(ascii_only=start.ascii_only)
        chat.take_settings(self.settings)
        doings = Doings(self, bridge, chat)
        await self.push_screen(chat)
        await doings.remember()
        self._chat, self._doings, self._notices = chat, doings, Notices(bridge.user)
        self._hear(view.News())
        if door.first_room is not None:
            await doings.open_room(door.first_room)

    async def _enter_unasked(self, bridge: Bridge, door: FrontDoor, user: str, password: str) -> bool:
        start = self._start
        try:
            await bridge.enter(Entrance(start.link, user, password, start.home))
            door.first_room = await start.room.enter(bridge, start.link)
        except Refused as refused:
            self.refusal = refused.cause
            return False
        return True

    async def _ask_the_way_in(self, door: FrontDoor) -> bool:
        start, settings = self._start, self.settings
        is_named = start.link is not None or start.user is not None
        entered = await enter(
            self,
            door,
            typed=start.link,
            is_chosen=is_named or await door.local_server() is not None,
            user=start.user or "",
            clock=Clock(settings.zone, settings.clock),
        )
        return entered is not None

    # --- being there ---------------------------------------------------------------------------------------

    def _hear(self, news: view.News) -> None:
        """Show news; what comes before the main view is there waits for it, and messages for a key."""
        self._waiting.append(news)
        delay = self._between_keys.delay if _can_wait(news) else 0.0
        if delay:
            self._show_after(delay)
        else:
            self._show_waiting()

    def _show_after(self, delay: float) -> None:
        """Show what waits in ``delay`` seconds, or when it is to be shown already, if that is sooner."""
        loop = asyncio.get_running_loop()
        due = loop.time() + delay
        if self._showing is not None:
            due = min(due, self._showing.when())
            self._showing.cancel()
        self._showing = loop.call_at(due, self._show_waiting)

    def _show_waiting(self) -> None:
        if self._showing is not None:
            self._showing.cancel()
            self._showing = None
        if self._chat is None or self._doings is None:
            return
        waiting, self._waiting = self._waiting, []
        try:
            for one in waiting:
                self._show(one, self._chat)
        except Exception as bug:  # noqa: BLE001 - called by the loop, where nobody would hear of it
            self._handle_exception(bug)

    def _show(self, news: view.News, chat: ChatScreen) -> None:
        chat.hear(news)
        if news.link is not None and not self._has_link_state:
            self._has_link_state = True
            if not news.link.is_online:  # later the status line is enough: the server was there before
                self.say(news.link.reason, view.Level.WARNING)
        if news.ended is not None:
            self.push_screen(
                AlarmsScreen(Safe("The connection"), [view.Explanation(news.ended, _AFTER_THE_END)])
            )
        if self._notices is not None:
            for note in self._notices.notes(news.notes, time.monotonic()):
                self.say(note.text, note.level)
        if news.opened is not None and self._notices is not None:
            self._notices.seen(news.opened.details.room.room_id)
        if news.lines and chat.details is not None and chat.room_id == news.room_id:
            self._announce(chat.details.room, news.lines, is_open=True)
        for arrival in news.arrivals:
            self._announce(arrival.room, arrival.lines, is_open=False)

    def say(self, text: Safe, level: view.Level = view.Level.INFO, title: Safe | None = None) -> None:
        """Show a notification."""
        self.notify(text, title=title or "", severity=_SEVERITY[level], markup=False)

    def _do(self, group: str, do: Callable[[Doings], Awaitable[None]], *, exclusive: bool = False) -> None:
        """Do something beside the drawing; refusals are said."""
        doings = self._doings
        if doings is not None:
            self.run_worker(_Attempt(doings, do), group=group, exclusive=exclusive)

    @on(ChatScreen.CommandWanted)
    def _run_command(self, event: ChatScreen.CommandWanted) -> None:
        self._do("command", lambda doings: doings.run(event))

    @on(ChatScreen.RoomWanted)
    def _open_room(self, event: ChatScreen.RoomWanted) -> None:
        self._do("open", lambda doings: doings.open_room(event.room_id), exclusive=True)

    @on(ChatScreen.Read)
    def _mark_read(self, event: ChatScreen.Read) -> None:
        self._do("read", lambda doings: doings.mark_read(event.room_id, event.position))

    @on(Composer.Sent)
    def _send(self, event: Composer.Sent) -> None:
        if self._chat is not None and self._doings is not None:
            self._chat.composer.hand_over(event)
            sending = self._doings.send(event.room_id, event.text)
            self.run_worker(asyncio.shield(sending), group="send")  # who hears of an error nobody foresaw

    @on(Members.Chosen)
    def _show_member(self, event: Members.Chosen) -> None:
        self._do("command", lambda doings: doings.show_member(event.member))

    @on(Timeline.OlderWanted)
    def _show_older(self, event: Timeline.OlderWanted) -> None:
        self._do("older", lambda doings: doings.show_older(event.before, event.limit), exclusive=True)

    @on(Timeline.Chosen)
    def _act_on(self, event: Timeline.Chosen) -> None:
        self._do("command", lambda doings: doings.act_on(event.line))

    @on(Timeline.XRayWanted)
    def _x_ray(self, event: Timeline.XRayWanted) -> None:
        self._do("command", lambda doings: doings.x_ray(event.message))

    @on(Timeline.LinkChosen)
    def _open_link(self, event: Timeline.LinkChosen) -> None:
        self._do("command", lambda doings: doings.open_link(event.url))

    @on(ChatScreen.ThrownOut)
    def _tell_thrown_out(self, event: ChatScreen.ThrownOut) -> None:
        self.say(words("You are not in {room} any more.", room=event.name), view.Level.WARNING)

    @on(Composer.KeepWanted)
    def _keep_drafts(self) -> None:
        self._do("drafts", lambda doings: doings.keep_drafts())

    def _tick(self) -> None:
        self._collection.tick()
        overdue = None if self._notices is None else self._notices.overdue(time.monotonic())
        if overdue is not None:
            self._draw_attention(overdue)

    def _announce(self, room: view.Room, lines: Sequence[view.Line], *, is_open: bool) -> None:
        """Draw attention to lines that nobody looks at, as far as the settings want it."""
        if self._notices is None:
            return
        attention = self._notices.take(
            room, lines, self.settings, time.monotonic(), is_open=is_open, has_keys=self.app_focus
        )
        if attention is not None:
            self._draw_attention(attention)

    def _draw_attention(self, attention: Attention) -> None:
        if attention.is_shown:
            self.say(attention.text, attention.level, attention.title)
        if attention.rings:
            self.bell()
        if attention.desktop and self._driver is not None:
            self._driver.write(desktop_sequence(attention.desktop, os.environ))

    # --- going ---------------------------------------------------------------------------------------------

    async def action_quit(self) -> None:
        """Leave; asks first while messages wait and the server is away. Asked twice it leaves without."""
        if self._is_going:
            self.exit()
            return
        self._is_going = True
        self._go()

    @work(group="quit")
    async def _go(self) -> None:
        if self._doings is not None:
            unsent = await self._doings.unsent_offline()
            if unsent and not await self.push_screen_wait(quit_unsent(unsent)):
                self._is_going = False
                return
        self.exit()

    async def on_event(self, event: events.Event) -> None:
        """Note that somebody is there, whatever the event is for."""
        if isinstance(event, events.InputEvent):
            self._collection.note_input()
        if isinstance(event, events.Key):
            self._between_keys.note_key()
            if self._showing is not None:
                self._show_after(AFTER_KEY)
        if isinstance(event, events.Paste) and not self._is_for_a_password():
            # Threat E1, in Textual's own fields too.
            event.text = sanitize(event.text, limit=len(event.text), multiline=True)
        await super().on_event(event)

    def _is_for_a_password(self) -> bool:
        return isinstance(self.focused, Input) and self.focused.password

    def close_sdk(self, patience: float) -> None:
        """From another thread, while the loop that draws hangs: close the SDK, in ``patience`` seconds."""
        bridge = self._bridge
        if bridge is not None:
            bridge.leave_from_outside(patience)

    async def on_unmount(self) -> None:
        """Keep what is to be kept, and close the SDK: whatever ends the app."""
        bridge = self._bridge
        if bridge is None:
            return
        self._chat = None
        self._collection.end()
        try:
            if self._doings is not None:
                await self._doings.finish_sending()
                await self._doings.keep_drafts()
        finally:
            try:
                await bridge.close()
            except Refused as refused:
                self.refusal = self.refusal or refused.cause
            finally:
                self._bridge = None

    def _handle_exception(self, error: Exception) -> None:
        """Let an error nobody foresaw end the app.

        Who runs the app says so in a sentence; Textual would print a traceback with the values of all
        variables, passwords and other people's texts among them.
        """
        self.failure = (
            error.error if isinstance(error, WorkerFailed) and isinstance(error.error, Exception) else error
        )
        self._return_code = 1
        if self._exception is None:
            self._exception = self.failure
            self._exception_event.set()
        self._close_messages_no_wait()


def _can_wait(news: view.News) -> bool:
    """Tell whether nobody has asked for these news: messages of others, and what is counted of them."""
    is_own = any(isinstance(line, view.Message) and line.is_mine for line in news.lines)
    return bool(news.lines) and not is_own and news.opened is None
