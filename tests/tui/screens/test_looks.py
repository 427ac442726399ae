"""Every modal screen as it looks in three sizes and two themes, its buttons within reach in all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from screen_app import ScreenApp, shown, until
from screen_samples import (
    ALICE,
    BOB,
    CAROL,
    CHANGED_NUMBER,
    DAVE,
    EXPLANATIONS,
    HELP,
    INVITE,
    LINK,
    LOCAL,
    MESSAGE,
    NUMBER,
    PLACE,
    ROOM,
    SECURITY,
    SETTINGS,
    URL,
    UTC,
    ZONES,
    SampleDoor,
    found,
)
from snapshots import check_screen
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Button, Input

from sottovoce.tui.links import judge_link
from sottovoce.tui.safe_text import Safe, safe_name
from sottovoce.tui.screens.account import AccountDraft, AccountScreen
from sottovoce.tui.screens.alarms import AlarmsScreen
from sottovoce.tui.screens.confirm import leave_room, quit_unsent, remove_member
from sottovoce.tui.screens.help import HelpScreen
from sottovoce.tui.screens.invite import InviteScreen
from sottovoce.tui.screens.members import AddMember, MemberScreen
from sottovoce.tui.screens.message_actions import MessageActions
from sottovoce.tui.screens.open_link import OpenLink
from sottovoce.tui.screens.pick import Pick
from sottovoce.tui.screens.room_security import RoomSecurityScreen
from sottovoce.tui.screens.rooms import JoinRoom, NewRoom
from sottovoce.tui.screens.safety_number import NumbersDiffer, SafetyNumberScreen
from sottovoce.tui.screens.server import ServerScreen
from sottovoce.tui.screens.settings import SettingsScreen
from sottovoce.tui.widgets.timeline_clock import Clock

SCREENS: Final[dict[str, Callable[[], Screen[Any]]]] = {
    "server": lambda: ServerScreen(SampleDoor(), LOCAL),
    "server_refused": lambda: ServerScreen(
        SampleDoor(None), None, typed="gone.example.org", problem=Safe("The server cannot be reached.")
    ),
    "account_new": lambda: AccountScreen(SampleDoor(), PLACE, AccountDraft()),
    "account_known": lambda: AccountScreen(SampleDoor(), PLACE, AccountDraft("alice", is_new=False)),
    "invite": lambda: InviteScreen(INVITE, clock=Clock(UTC)),
    "new_room": NewRoom,
    "join_room": lambda: JoinRoom(found("lobby", "announcements")),
    "join_room_refused": lambda: JoinRoom(
        found(), typed="attic", problem=Safe("There is no room named attic here.")
    ),
    "add_member": lambda: AddMember(ROOM),
    "member_me": lambda: MemberScreen(ALICE, ROOM),
    "member_unverified": lambda: MemberScreen(BOB, ROOM),
    "member_verified": lambda: MemberScreen(CAROL, ROOM),
    "member_changed": lambda: MemberScreen(DAVE, ROOM),
    "leave_room": lambda: leave_room(ROOM),
    "remove_member": lambda: remove_member(safe_name("bob"), ROOM),
    "quit_unsent": lambda: quit_unsent(3),
    "safety_number": lambda: SafetyNumberScreen(NUMBER),
    "safety_number_changed": lambda: SafetyNumberScreen(CHANGED_NUMBER),
    "numbers_differ": lambda: NumbersDiffer(safe_name("bob")),
    "alarms": lambda: AlarmsScreen(ROOM, EXPLANATIONS),
    "alarms_none": lambda: AlarmsScreen(ROOM, ()),
    "room_security": lambda: RoomSecurityScreen(ROOM, SECURITY),
    "open_link": lambda: OpenLink(judge_link(URL)),
    "open_link_odd": lambda: OpenLink(judge_link(Safe("http://bank.example@xn--80ak6aa92e.com/login"))),
    "open_link_none": lambda: OpenLink(judge_link(Safe("javascript:alert(1)"))),
    "message_actions": lambda: MessageActions(MESSAGE, [URL]),
    "help": lambda: HelpScreen(HELP),
    "settings": lambda: SettingsScreen(SETTINGS),
    "pick": lambda: Pick(Safe("Time zone"), ZONES, taken="Europe/Rome"),
}


@pytest.mark.parametrize("name", SCREENS)
async def test_looks(name: str) -> None:
    await check_screen(f"screen_{name}", lambda: ScreenApp(SCREENS[name]))


async def test_looks_of_a_password_that_is_judged() -> None:
    async def steps(pilot: Pilot[object]) -> None:
        pilot.app.screen.query_one(
            "#password", Input
        ).value = "monkey77"  # at once: parts have other verdicts
        await until(pilot, lambda: "weak" in str(pilot.app.screen.query_one(".strength").render()))

    await check_screen(
        "screen_account_weak",
        lambda: ScreenApp(lambda: AccountScreen(SampleDoor(), PLACE, AccountDraft("alice"))),
        steps,
    )


async def test_looks_of_a_link_that_is_recognised() -> None:
    async def steps(pilot: Pilot[object]) -> None:
        pilot.app.screen.query_one("Input").value = LINK
        await until(pilot, lambda: "✓" in str(pilot.app.screen.query_one("Told").render()))

    await check_screen(
        "screen_server_link", lambda: ScreenApp(lambda: ServerScreen(SampleDoor(), LOCAL)), steps
    )


@pytest.mark.parametrize("name", SCREENS)
async def test_every_button_is_whole_and_in_sight_on_the_smallest_window(name: str) -> None:
    async with shown(SCREENS[name], (40, 12)) as (app, _, _):
        window = app.screen.region
        for button in app.screen.query(".buttons Button").results(Button):
            assert window.contains_region(button.region), button.label
            assert button.region.width >= len(button.label.plain) + 2
