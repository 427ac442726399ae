"""Every screen and widget of the app on the terminal of the caller, with texts from outside by the hundreds.

Run as ``python hostile_app.py {harmless|hostile} {sanitize|identity} FOLDER``. The texts go the way of the
SDK's: through what makes view objects of its events. ``identity`` takes the gate away: the control.
"""

# ruff: noqa: E402 - what is imported last must find the gate as it is to be

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Any, Final  # screens of every result

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "client")]

from hostile_payloads import harmless_texts, hostile_payloads

from sottovoce.client import sanitize as gate

IS_IDENTITY: Final = sys.argv[2:3] == ["identity"]
if IS_IDENTITY:
    gate.sanitize = lambda text, **_: text

from lives import a_life
from textual import events
from textual.screen import Screen

from sottovoce.client import events as sdk
from sottovoce.client.errors import ServerRefused
from sottovoce.tui import view
from sottovoce.tui.app import SottovoceApp, Start
from sottovoce.tui.bridge import Refused
from sottovoce.tui.chat_screen import ChatScreen
from sottovoce.tui.life_words import life_in_words
from sottovoce.tui.links import find_links, judge_link
from sottovoce.tui.notices import Notices
from sottovoce.tui.safe_text import Safe, safe, safe_lines, safe_name
from sottovoce.tui.screens import confirm
from sottovoce.tui.screens.account import AccountDraft, AccountScreen
from sottovoce.tui.screens.alarms import AlarmsScreen
from sottovoce.tui.screens.door import Place
from sottovoce.tui.screens.invite import InviteScreen
from sottovoce.tui.screens.members import AddMember, MemberScreen
from sottovoce.tui.screens.message_actions import MessageActions
from sottovoce.tui.screens.open_link import OpenLink
from sottovoce.tui.screens.pick import Item, Pick
from sottovoce.tui.screens.room_security import RoomSecurityScreen
from sottovoce.tui.screens.rooms import JoinRoom, LookForRooms, NewRoom
from sottovoce.tui.screens.safety_number import NumbersDiffer, SafetyNumberScreen
from sottovoce.tui.screens.server import ServerScreen
from sottovoce.tui.screens.xray import XrayScreen
from sottovoce.tui.themes import THEMES
from sottovoce.tui.view_making import line_of, link_state, note_of

AT: Final = datetime(2026, 11, 22, 9, 5, tzinfo=UTC)
DIGITS: Final = "30211 45907 11984 60032 78411 09356 22410 87765 50123 66870 91234 40518"
GROUP: Final = 10
"""Texts that the main view shows at once."""

TURNS: Final = 4
"""How often each modal screen is shown, with other texts each time."""


class Texts:
    """What outsiders say, one after the other and round the end."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = cycle(texts)

    def raw(self) -> str:
        return next(self._texts)

    def name(self) -> Safe:
        return safe_name(self.raw())

    def line(self) -> Safe:
        return safe(self.raw())

    def lines(self) -> Safe:
        return safe_lines(self.raw())


class NoDoor:
    """The way in to nowhere."""

    async def find(self, typed: str | None) -> Place:
        return Place(typed, safe(typed or ""), safe_name(typed or ""))


def a_member(text: str, number: int = 1, *, key_changed: bool = False) -> view.Member:
    return view.Member(safe_name(text), number, number % 3 == 0, number % 3 == 2, key_changed)


def a_room(text: str, number: int) -> view.Room:
    room_id = number.to_bytes(16, "big")
    return view.Room(room_id, safe_name(text), number, "invite", is_member=True, has_alarm=bool(number % 2))


def message(text: str, sender: str, position: int) -> view.Message:
    item = sdk.ReceivedMessage(
        seq=position, at=AT, sender=sender, text=text, is_mine=False, device_id=bytes(16),
        message_id=position.to_bytes(32, "big"), verified=bool(position % 2),
    )  # fmt: skip
    line = line_of(sdk.StoredItem(position, item))
    assert isinstance(line, view.Message)
    return line


def lines_of(text: str, number: int) -> Iterator[view.Line]:
    """A message, and one of the notices that hold a name or a reason of others."""
    yield message(text, text, 2 * number + 1)
    common = {"seq": number, "at": AT}
    items = (
        sdk.Gap(**common, count=3, reason=text),
        sdk.ForkAlarm(**common, sender=text, forked_seq=1, reason=text),
        sdk.KeyChanged(**common, user=text, was_verified=True),
        sdk.MemberJoined(**common, user=text),
        sdk.MemberLeft(**common, user=text),
        sdk.RoomRejoined(**common, reason=text),
    )
    yield line_of(sdk.StoredItem(2 * number + 2, items[number % len(items)]))


def a_message_with_links(texts: Texts) -> Screen[Any]:
    shown = message(f"{texts.raw()} https://example.org/{texts.raw()}", texts.raw(), 1)
    spans = find_links(shown.text)
    return MessageActions(shown, [Safe(shown.text[span.start : span.end]) for span in spans])


def _found(*rooms: Safe) -> LookForRooms:
    """What a look for open rooms finds."""

    async def look() -> tuple[Safe, ...]:
        return rooms

    return look


SCREENS: Final[dict[str, Callable[[Texts], Screen[Any]]]] = {
    "server": lambda t: ServerScreen(NoDoor(), t.line(), typed=t.raw(), problem=t.line()),
    "account": lambda t: AccountScreen(
        NoDoor(), Place("x", t.line(), t.name(), (t.name(),)), AccountDraft(password=t.raw())
    ),
    "invite": lambda t: InviteScreen(view.Invite(t.line(), t.name(), AT)),
    "new room": lambda t: NewRoom([t.name()], name=t.raw()),
    "join": lambda t: JoinRoom(_found(t.name(), t.name()), typed=t.raw(), problem=t.line()),
    "add": lambda t: AddMember(t.name(), typed=t.raw(), problem=t.line()),
    "member": lambda t: MemberScreen(a_member(t.raw()), t.name()),
    "changed member": lambda t: MemberScreen(a_member(t.raw(), key_changed=True), t.name()),
    "leave": lambda t: confirm.leave_room(t.name()),
    "remove": lambda t: confirm.remove_member(t.name(), t.name()),
    "number": lambda t: SafetyNumberScreen(view.SafetyNumber(t.name(), DIGITS, is_changed_key=False)),
    "changed number": lambda t: SafetyNumberScreen(
        view.SafetyNumber(t.name(), DIGITS, is_changed_key=True)
    ),
    "numbers differ": lambda t: NumbersDiffer(t.name()),
    "alarms": lambda t: AlarmsScreen(t.name(), [view.Explanation(t.line(), t.line()) for _ in range(2)]),
    "security": lambda t: RoomSecurityScreen(
        t.name(), view.RoomSecurity(t.line(), 3, "1f8b08003cd245e9", all_verified=False)
    ),
    "link": lambda t: OpenLink(judge_link(t.line())),
    "message": a_message_with_links,
    "pick": lambda t: Pick(t.name(), [Item("x", t.name(), t.line())], sentence=t.line()),
    "x-ray": lambda t: XrayScreen(life_in_words(a_life(encodable(t.raw()), encodable(t.raw())[:200]))),
}  # fmt: skip


def encodable(text: str) -> str:
    """What a message can hold: UTF-8 has no surrogates."""
    return text.encode(errors="replace").decode()


class HostileApp(SottovoceApp):
    """The app without an SDK; it shows everything, one after the other, and goes."""

    CSS_PATH = Path(sys.modules[SottovoceApp.__module__].__file__).with_name("app.tcss")

    def __init__(self, texts: Sequence[str], home: Path) -> None:
        super().__init__(Start(), home)
        self._all = list(texts)
        self._texts = Texts(texts)
        self._turn = 0

    async def on_mount(self, event: events.Mount) -> None:
        event.prevent_default()  # which would start the SDK
        for theme in THEMES:
            self.register_theme(theme)
        self._take(self.settings.but(desktop=True))
        self.run_worker(self._show_all())

    async def _show_all(self) -> None:
        chat = ChatScreen()
        chat.take_settings(self.settings)
        await self.push_screen(chat)
        self._chat = chat
        for start in range(0, len(self._all), GROUP):
            await self._show_in_chat(chat, self._all[start : start + GROUP], start)
        for _ in range(TURNS):
            for make in SCREENS.values():
                self.push_screen(make(self._texts))
                await self._drawn()
                self.pop_screen()
        self.exit()

    async def _show_in_chat(self, chat: ChatScreen, group: Sequence[str], start: int) -> None:
        """Each text as all that the main view can show of it: message, sender, room, member, notice."""
        rooms = tuple(a_room(text, number) for number, text in enumerate(group))
        lines = [line for number, text in enumerate(group, start) for line in lines_of(text, number)]
        first = group[0]
        details = view.RoomDetails(
            rooms[0],
            tuple(a_member(text, number) for number, text in enumerate(group)),
            view.RoomSecurity(safe(first), 3, "1f8b08003cd245e9", all_verified=False),
            unseen=1,
            waits_for=safe_name(group[-1]),
        )
        opened = view.OpenedRoom(details, view.Page(tuple(lines), has_older=False), 0)
        chat.hear(view.News(link_state(sdk.Disconnected(first, 3.0), first), rooms, opened))
        chat.take_back(rooms[0].room_id, safe_lines(group[-1]), safe(first))
        await self._drawn()
        chat.hear(view.News(ended=safe(first)))
        for text in group:
            self._notify_of(text)
        await self._drawn()
        self.clear_notifications()

    def _notify_of(self, text: str) -> None:
        """Everything that is said in a notification, by turns."""
        happened = (sdk.RoomAppeared(text), sdk.RoomTrouble(text, text), sdk.ServerTrusted(text, bytes(32)))
        self._turn += 1
        note = note_of(happened[self._turn % len(happened)])
        assert note is not None
        self.say(note.text, note.level)
        self.say(Refused(ServerRefused("busy", text)).sentence, view.Level.WARNING)
        self._notices = Notices("alice")  # who heard nothing yet: of many alarms only a few are shown
        room = a_room(text, self._turn)
        self._announce(room, tuple(lines_of(text, self._turn)), is_open=False)

    async def _drawn(self) -> None:
        """Wait until what was changed is laid out and written."""
        for _ in range(2):
            done = asyncio.Event()
            self.screen.call_after_refresh(done.set)
            await done.wait()


def main() -> int:
    hostile = hostile_payloads()
    if IS_IDENTITY:  # lone surrogates cannot be written at all: Python's own gate
        hostile = [text for text in hostile if text.isascii() or encodable(text) == text]
    texts = hostile if sys.argv[1] == "hostile" else harmless_texts(len(hostile))
    app = HostileApp(texts, Path(sys.argv[3]))
    app.animation_level = "none"
    app.run()
    if app.failure is not None:
        raise app.failure
    return 0


if __name__ == "__main__":
    sys.exit(main())
