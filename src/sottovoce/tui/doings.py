"""What a person can do in the main view: each command with its screens, and the SDK behind the bridge."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from sottovoce.client.errors import NotInRoom
from sottovoce.tui import settings_rows, view
from sottovoce.tui.bridge import LAST_ROOM, Bridge, Refused
from sottovoce.tui.browser import open_in_browser
from sottovoce.tui.chat_screen import ChatScreen
from sottovoce.tui.commands import find_command, help_sections
from sottovoce.tui.links import find_links, judge_link
from sottovoce.tui.safe_text import NOTHING, Safe, safe, safe_name, words
from sottovoce.tui.screens.alarms import AlarmsScreen
from sottovoce.tui.screens.confirm import leave_room, remove_member
from sottovoce.tui.screens.help import HelpScreen
from sottovoce.tui.screens.invite import InviteScreen
from sottovoce.tui.screens.members import AddMember, MemberAction, MemberScreen
from sottovoce.tui.screens.message_actions import LINK, MessageAction, MessageActions
from sottovoce.tui.screens.open_link import OpenLink
from sottovoce.tui.screens.room_security import RoomSecurityScreen
from sottovoce.tui.screens.rooms import JoinRoom, NewRoom
from sottovoce.tui.screens.safety_number import SafetyNumberScreen, Verdict
from sottovoce.tui.screens.settings import SettingsScreen
from sottovoce.tui.screens.xray import XrayScreen
from sottovoce.tui.themes import THEMES
from sottovoce.tui.widgets.timeline_clock import Clock

if TYPE_CHECKING:
    from sottovoce.tui.app import SottovoceApp

DRAFTS: Final = "app drafts"
"""The name under which the drafts of all rooms are kept."""

_HISTORY: Final = "app history "  # and the room's id in hexadecimal: the lines that were sent to it


class Doings:
    """Runs the commands of one person who is in."""

    def __init__(self, app: SottovoceApp, bridge: Bridge, chat: ChatScreen) -> None:
        self._app: Final = app
        self._bridge: Final = bridge
        self._chat: Final = chat
        self._begun: Final[set[asyncio.Task[None]]] = set()
        self._commands: Final[dict[str, Callable[[str], Awaitable[None]]]] = {
            "help": self._help,
            "rooms": self._rooms,
            "who": self._who,
            "invite": self._invite,
            "xray": self._xray,
            "why": self._why,
            "new": self._new,
            "join": self._join,
            "settings": self._settings,
            "security": self._security,
            "verify": self._verify,
            "add": self._add,
            "remove": self._remove,
            "leave": self._leave,
            "quiet": self._quiet,
            "next": self._next,
            "previous": self._previous,
            "unread": self._unread,
            "palette": self._palette,
            "quit": self._quit,
        }

    async def run(self, wanted: ChatScreen.CommandWanted) -> None:
        """Run a command; a refusal is said, and a line that cannot be run comes back."""
        command = find_command(wanted.name)
        handler = None if command is None else self._commands.get(command.name)
        if command is None or handler is None:
            name = safe(wanted.name)
            self._give_back(
                wanted,
                words("There is no command /{name}. F1 lists them; //{name} sends it as text.", name=name),
            )
        elif command.needs_room and self._chat.room_id is None:
            self._give_back(wanted, Safe("Open a room first: F3 lists them, F7 makes one, F8 enters one."))
        elif command.needs_room and self._chat.room_id != wanted.room_id:
            # Another room is on its way to the screen: nobody may be added to the one that is still there.
            self._give_back(wanted, Safe("That room is not on the screen: try again in a moment."))
        else:
            await self.attempt(handler(wanted.argument.strip()))

    def _give_back(self, wanted: ChatScreen.CommandWanted, why: Safe) -> None:
        """A command was not run: what was typed is in the composer of its room again."""
        if wanted.typed:
            self._chat.take_back(wanted.room_id, wanted.typed, why)
        if not wanted.typed or self._chat.composer.room_id != wanted.room_id:
            self._app.say(why, view.Level.WARNING)

    async def attempt(self, work: Awaitable[None]) -> None:
        """Do ``work``; a refusal is said."""
        try:
            await work
        except Refused as refused:
            self._app.say(refused.sentence, view.Level.WARNING)

    # --- rooms ---------------------------------------------------------------------------------------------

    async def open_room(self, room_id: bytes) -> None:
        """Show a room, and remember it for the next start."""
        self._chat.turn_to(room_id)
        # Whoever chooses another room at once breaks off the rest, not this.
        await asyncio.shield(self._surely(self.keep_drafts()))
        try:
            history = await self._bridge.kept(_HISTORY + room_id.hex())
            if history:
                self._chat.composer.load_history(room_id, history)
            await self._bridge.open(room_id)
        except Refused:
            self._chat.stay()
            raise
        await self._bridge.keep(LAST_ROOM, room_id)

    def send(self, room_id: bytes, text: str) -> asyncio.Task[None]:
        """Begin to send a text; what is refused comes back to the composer with the reason."""
        return self._surely(self._send(room_id, text))

    def _surely(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Begin something that :meth:`finish_sending` waits for if nobody else does."""
        task = asyncio.create_task(work)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        return task

    async def _send(self, room_id: bytes, text: str) -> None:
        try:
            await self._bridge.send(room_id, text)
        except Refused as refused:
            self._chat.take_back(room_id, text, refused.sentence)
            if self._chat.composer.room_id != room_id:
                names = [room.name for room in self._chat.rooms if room.room_id == room_id]
                self._app.say(
                    words(
                        "Not sent to {room}: {why}",
                        room=names[0] if names else Safe("a room you left"),
                        why=refused.sentence,
                    ),
                    view.Level.WARNING,
                )

    async def finish_sending(self) -> None:
        """Have everything that was given away, or is being kept, stored before the app ends."""
        given = [self._send(sent.room_id, sent.text) for sent in self._chat.composer.on_its_way]
        await asyncio.gather(*self._begun, *given, return_exceptions=True)

    async def show_older(self, before: int, limit: int) -> None:
        """Put the lines before a position above the messages, if the room is still open when they come."""
        room_id = self._here.room.room_id
        page = await self._bridge.page(room_id, before, limit)
        first = self._chat.timeline.first_position
        if self._chat.room_id == room_id and first == before:  # else lines in between would never come
            self._chat.timeline.prepend(page)

    async def mark_read(self, room_id: bytes, position: int) -> None:
        """Remember how far a room was read."""
        with suppress(Refused):  # the room was left meanwhile
            await self._bridge.mark_read(room_id, position)

    async def _rooms(self, _: str) -> None:
        self._chat.toggle_rooms()

    async def _next(self, _: str) -> None:
        self._chat.step_room(1)

    async def _previous(self, _: str) -> None:
        self._chat.step_room(-1)

    async def _unread(self, _: str) -> None:
        self._chat.step_room(1, only_unread=True)

    async def _new(self, name: str) -> None:
        taken = [room.name for room in self._chat.rooms]
        if not name:
            chosen = await self._app.push_screen_wait(NewRoom(taken))
            name = chosen or ""
        if name:
            self._tell_if_offline()
            await self._go_to(self._bridge.create_room(name), safe_name(name))

    async def _join(self, typed: str) -> None:
        problem = NOTHING
        while True:
            if not typed or problem:
                screen = JoinRoom(self._open_rooms, typed=typed, problem=problem)
                chosen = await self._app.push_screen_wait(screen)
                typed = chosen or ""
            if not typed:
                return
            self._tell_if_offline()
            try:
                name = Safe("the room") if "://" in typed else safe_name(typed)
                await self._go_to(self._bridge.join(typed), name)
            except Refused as refused:
                problem = refused.sentence
            else:
                return

    async def _go_to(self, entering: Awaitable[bytes], name: Safe) -> None:
        """Show a room once one is in it; who writes elsewhere by then is told, and goes there by a key."""
        composer = self._chat.composer
        before = composer.room_id, composer.text
        room_id = await entering
        if (composer.room_id, composer.text) == before:
            self._chat.want_room(room_id)
        else:
            self._app.say(words("You are in {room} now: F3 leads there.", room=name))

    async def _open_rooms(self) -> tuple[Safe, ...]:
        """Rooms to offer; waits for the server."""
        with suppress(Refused):
            return await self._bridge.open_rooms()
        return ()

    async def _leave(self, _: str) -> None:
        room = self._here.room
        if await self._app.push_screen_wait(leave_room(room.name)):
            self._tell_if_offline()
            await self._bridge.leave_room(room.room_id)
            self._chat.forget(room.room_id)
            await self._forget_typed(room.room_id)
            self._app.say(words("You left {room}.", room=room.name))

    # --- messages ------------------------------------------------------------------------------------------

    async def act_on(self, line: view.Line) -> None:
        """Ask what is to be done with a line, and do it."""
        if isinstance(line, view.Notice):
            await self._why("")
            return
        links = [Safe(line.text[span.start : span.end]) for span in find_links(line.text)]
        chosen = await self._app.push_screen_wait(MessageActions(line, links))
        if chosen == MessageAction.COPY.value:
            self._app.copy_to_clipboard(line.text)
        elif chosen == MessageAction.XRAY.value:
            await self.x_ray(line)
        elif chosen == MessageAction.MEMBER.value:
            await self._show_sender(line)
        elif chosen is not None and chosen.startswith(LINK):
            await self.open_link(links[int(chosen.removeprefix(LINK))])

    async def x_ray(self, message: view.Message) -> None:
        """Show a message's life, layer by layer."""
        life = await self._bridge.x_ray(self._here.room.room_id, message.message_id)
        if self._app.screen is self._chat:  # while the server was asked, nothing else was opened
            await self._app.push_screen_wait(XrayScreen(life))

    async def _xray(self, _: str) -> None:
        message = self._chat.timeline.message_at_hand
        if message is None:
            self._app.say(Safe("Choose a message first: Esc goes to the messages, the arrow keys choose."))
        else:
            await self.x_ray(message)

    async def _show_sender(self, message: view.Message) -> None:
        found = [member for member in self._here.members if member.user == message.sender]
        if found:
            await self.show_member(found[0])
        else:
            self._app.say(words("{user} is not in the room any more.", user=message.sender))

    async def open_link(self, url: Safe) -> None:
        """Show a link whole with what is odd about it; open it if that is wanted."""
        judgement = judge_link(url)
        is_wanted = await self._app.push_screen_wait(OpenLink(judgement))
        if is_wanted and not await asyncio.to_thread(open_in_browser, url):
            self._app.say(Safe("No browser was found here. Copy the link and open it elsewhere."))

    # --- people --------------------------------------------------------------------------------------------

    async def _who(self, _: str) -> None:
        self._chat.toggle_members()

    async def show_member(self, member: view.Member) -> None:
        """Show one person, and do what is chosen about them."""
        chosen = await self._app.push_screen_wait(MemberScreen(member, self._here.room.name))
        if chosen is MemberAction.COMPARE:
            await self._verify(member.user)
        elif chosen is MemberAction.REMOVE:
            await self._remove(member.user)

    async def _invite(self, _: str) -> None:
        if not self._chat.is_online:  # a link made later would come up over whatever is being done then
            self._app.say(
                Safe("A link is made with the server, which is away: try again once it is back."),
                view.Level.WARNING,
            )
            return
        invite = await self._bridge.invite(self._here.room.room_id)
        settings = self._app.settings
        await self._app.push_screen_wait(InviteScreen(invite, clock=Clock(settings.zone, settings.clock)))

    async def _verify(self, user: str) -> None:
        # The other faces take `/verify NAME done` for the verdict; here only the screen with the digits does.
        name = user.partition(" ")[0]
        room_id = self._here.room.room_id
        if not name:
            self._app.say(Safe("Say whom: /verify NAME. Or choose them in the list of members (F4)."))
            return
        number = await self._bridge.safety_number(room_id, name)
        verified = {member.user for member in self._here.members if member.verified}
        screen = SafetyNumberScreen(number, is_verified=number.user in verified)
        verdict = await self._app.push_screen_wait(screen)
        if verdict is Verdict.SAME:
            await self._bridge.verify(room_id, name)
            self._app.say(words("{user} is verified.", user=number.user))
        elif verdict is Verdict.DIFFERENT:
            await self._bridge.distrust(room_id, name)

    async def _add(self, user: str) -> None:
        room, problem = self._here.room, NOTHING
        while True:
            if not user or problem:
                chosen = await self._app.push_screen_wait(AddMember(room.name, typed=user, problem=problem))
                user = chosen or ""
            if not user:
                return
            self._tell_if_offline()
            try:
                await self._bridge.add(room.room_id, user)
            except Refused as refused:
                problem = refused.sentence
            else:
                self._app.say(words("{user} was added.", user=safe(user)))
                return

    async def _remove(self, user: str) -> None:
        room = self._here.room
        if not user:
            self._app.say(Safe("Say whom: /remove NAME. Or choose them in the list of members (F4)."))
        elif await self._app.push_screen_wait(remove_member(safe(user), room.name)):
            self._tell_if_offline()
            await self._bridge.remove(room.room_id, user)
            self._app.say(words("{user} was removed, and the room's secret changed.", user=safe(user)))

    # --- trust ---------------------------------------------------------------------------------------------

    async def _why(self, _: str) -> None:
        here = self._here
        explanations = await self._bridge.explain(here.room.room_id)
        await self._app.push_screen_wait(AlarmsScreen(here.room.name, explanations))
        await self._bridge.mark_explained(here.room.room_id, explanations)
        if here.waits_for:
            await self._verify(here.waits_for)

    async def _security(self, _: str) -> None:
        here = self._here
        await self._app.push_screen_wait(RoomSecurityScreen(here.room.name, here.security))

    # --- the app -------------------------------------------------------------------------------------------

    async def _help(self, _: str) -> None:
        await self._app.push_screen_wait(HelpScreen(help_sections()))

    async def _settings(self, _: str) -> None:
        own = [theme.name for theme in THEMES]
        others = sorted(name for name in self._app.available_themes if name not in own)
        rows = settings_rows.rows(self._app.settings, [*own, *others])
        await self._app.push_screen_wait(SettingsScreen(rows))  # each change is taken when it is made

    async def _quiet(self, _: str) -> None:
        quiet = not self._app.settings.quiet
        self._app.change_settings(self._app.settings.but(quiet=quiet))
        self._app.say(Safe("Do not disturb: on." if quiet else "Do not disturb: off."))

    async def _palette(self, _: str) -> None:
        self._app.action_command_palette()

    async def _quit(self, _: str) -> None:
        await self._app.action_quit()

    async def unsent_offline(self) -> int:
        """How many messages wait while the server is away."""
        if self._chat.is_online:
            return 0
        with suppress(Refused):
            return await self._bridge.unsent()
        return 0

    # --- what is kept --------------------------------------------------------------------------------------

    async def remember(self) -> None:
        """Have what was begun and not sent the last time in the composer again."""
        drafts = await self._bridge.kept(DRAFTS)
        if drafts:
            rooms = await self._bridge.room_ids()
            # None at all: perhaps they have ended with the connection, and drafts are lost by no accident.
            self._chat.composer.load_drafts(drafts, rooms or None)

    async def keep_drafts(self) -> None:
        """Keep what is begun and not sent, and what was sent or put aside."""
        composer = self._chat.composer
        with suppress(Refused):
            await self._bridge.keep(DRAFTS, composer.drafts())
            for room_id in composer.new_histories():
                await self._bridge.keep(_HISTORY + room_id.hex(), composer.history(room_id))

    async def _forget_typed(self, room_id: bytes) -> None:
        """Of a room that was left, nothing that was typed for it is kept."""
        self._chat.composer.forget(room_id)
        with suppress(Refused):
            await self._bridge.keep(_HISTORY + room_id.hex(), b"")
        await self.keep_drafts()

    @property
    def _here(self) -> view.RoomDetails:
        """The open room; :meth:`run` has seen to it that there is one."""
        if self._chat.details is None:  # it was left while a screen was open
            raise Refused(NotInRoom("this room"))
        return self._chat.details

    def _tell_if_offline(self) -> None:
        """What needs the server waits for it; say so."""
        if not self._chat.is_online:
            self._app.say(Safe("The server is away: this is done as soon as it is back."), view.Level.WARNING)
