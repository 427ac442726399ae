"""Threats E1 and E2: whatever people and rooms are called, no screen shows what a terminal acts on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from screen_app import shown
from screen_samples import AT, DIGITS, SampleDoor, found
from snapshots import screen_lines
from textual.screen import Screen

sys.path.insert(0, str(Path(__file__).parents[2] / "client"))
from hostile_texts import hostile_texts

from sottovoce.tui.links import judge_link
from sottovoce.tui.safe_text import safe, safe_lines, safe_name
from sottovoce.tui.screens.account import AccountDraft, AccountScreen
from sottovoce.tui.screens.alarms import AlarmsScreen
from sottovoce.tui.screens.confirm import leave_room, remove_member
from sottovoce.tui.screens.door import Place
from sottovoce.tui.screens.help import HelpEntry, HelpScreen, HelpSection
from sottovoce.tui.screens.invite import InviteScreen
from sottovoce.tui.screens.members import AddMember, MemberScreen
from sottovoce.tui.screens.message_actions import MessageActions
from sottovoce.tui.screens.open_link import OpenLink
from sottovoce.tui.screens.pick import Item, Pick
from sottovoce.tui.screens.room_security import RoomSecurityScreen
from sottovoce.tui.screens.rooms import JoinRoom, NewRoom
from sottovoce.tui.screens.safety_number import NumbersDiffer, SafetyNumberScreen
from sottovoce.tui.screens.server import ServerScreen
from sottovoce.tui.view import Delivery, Explanation, Invite, Member, Message, RoomSecurity, SafetyNumber

_TEXTS: Final = [
    *hostile_texts(),
    "[@click=app.quit]x[/]",
    "[red]",
    "[/]",
    "\\[b]",
    "e\u0301" * 40,
    "\uff57\uff49" * 40,
]

_HEBREW: Final = "\u05e9\u05dc\u05d5\u05dd"

SCREENS: Final[dict[str, Callable[[str], Screen[Any]]]] = {
    "server": lambda text: ServerScreen(SampleDoor(), safe(text), typed=text, problem=safe(text)),
    "account": lambda text: AccountScreen(
        SampleDoor(), Place(text, safe(text), safe_name(text), (safe_name(text),)), AccountDraft(text, text)
    ),
    "invite": lambda text: InviteScreen(Invite(safe(text[:2000]), safe_name(text), AT), first=safe(text)),
    "new_room": lambda text: NewRoom([safe_name(text)], name=text),
    "join_room": lambda text: JoinRoom(found(*[safe_name(text)] * 9), typed=text, problem=safe(text)),
    "add_member": lambda text: AddMember(safe_name(text), typed=text, problem=safe(text)),
    "member": lambda text: MemberScreen(
        Member(safe_name(text), 1, verified=True, is_me=False, key_changed=True), safe_name(text)
    ),
    "leave_room": lambda text: leave_room(safe_name(text)),
    "remove_member": lambda text: remove_member(safe_name(text), safe_name(text)),
    "safety_number": lambda text: SafetyNumberScreen(SafetyNumber(safe_name(text), DIGITS, True)),
    "numbers_differ": lambda text: NumbersDiffer(safe_name(text)),
    "alarms": lambda text: AlarmsScreen(safe_name(text), [Explanation(safe(text), safe_lines(text))]),
    "room_security": lambda text: RoomSecurityScreen(
        safe_name(text), RoomSecurity(safe(text), 1, "00" * 8, all_verified=True)
    ),
    "open_link": lambda text: OpenLink(judge_link(safe("https://example.org/" + text))),
    "no_link": lambda text: OpenLink(judge_link(safe(text))),
    "message_actions": lambda text: MessageActions(_message(text), [safe(text)]),
    "pick": lambda text: Pick(safe(text), [Item("x", safe(text), safe(text))], sentence=safe(text)),
    "help": lambda text: HelpScreen([HelpSection(safe(text), (HelpEntry(safe(text), safe(text)),))]),
}


def _message(text: str) -> Message:
    return Message(1, 1, AT, safe_name(text), safe_lines(text), False, False, bytes(32), Delivery.STORED)


@pytest.mark.parametrize("name", SCREENS)
async def test_no_screen_shows_what_a_terminal_acts_on(name: str) -> None:
    """Long texts are all in one; names, which are cut, are a few of them."""
    allowed = {"\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}", "\u200d", "\u200c"}
    for text in ["".join(_TEXTS), *_TEXTS[:: len(_TEXTS) // 4]]:
        async with shown(lambda: SCREENS[name](text)) as (app, _, _):  # noqa: B023 - called at once
            for line in screen_lines(app):
                assert all(letter.isprintable() or letter in allowed for letter in line), line


async def test_markup_does_nothing_in_any_screen() -> None:
    for make in SCREENS.values():
        async with shown(lambda: make("[@click=app.exit]press[/] [b]x[/b]"), (160, 48)) as (app, _, _):  # noqa: B023
            text = "\n".join(screen_lines(app))
            assert "•" in text or "[@click=app.exit]press[/] [b]x[/b]" in text


async def test_a_name_in_another_script_stays_in_its_place() -> None:
    async with shown(lambda: leave_room(safe_name(_HEBREW))) as (app, _, _):
        assert "Leave \u2068" + _HEBREW + "\u2069?" in "\n".join(screen_lines(app))
