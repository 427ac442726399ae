"""A person's screen says what is known of them; adding one takes a name."""

from __future__ import annotations

import pytest
from screen_app import shown
from screen_samples import ALICE, BOB, CAROL, DAVE, ROOM
from snapshots import screen_lines

from sottovoce.tui.screens.members import AddMember, MemberAction, MemberScreen
from sottovoce.tui.view import Member


@pytest.mark.parametrize(
    ("member", "words", "buttons"),
    [
        (ALICE, "This is you", {"close"}),
        (BOB, "Not verified yet", {"remove", "close", "compare"}),
        (CAROL, "✓ Verified", {"remove", "close", "compare"}),
        (DAVE, "another one than before", {"remove", "close", "compare"}),
    ],
)
async def test_what_is_known(member: Member, words: str, buttons: set[str]) -> None:
    async with shown(lambda: MemberScreen(member, ROOM)) as (app, _, _):
        assert words in "\n".join(screen_lines(app))
        assert {button.id for button in app.screen.query("Button")} == buttons
        assert app.screen.has_class("-alarm") is member.key_changed


@pytest.mark.parametrize(
    ("keys", "result"),
    [("enter", MemberAction.COMPARE), ("left enter", None), ("left left enter", MemberAction.REMOVE)],
)
async def test_what_can_be_done(keys: str, result: MemberAction | None) -> None:
    async with shown(lambda: MemberScreen(BOB, ROOM)) as (app, pilot, _):
        await pilot.press(*keys.split())
        await pilot.pause()
        assert app.results == [result]


async def test_adding() -> None:
    async with shown(lambda: AddMember(ROOM)) as (app, pilot, _):
        await pilot.press("enter", "at", *"erin", "enter")
        await pilot.pause()
        assert app.results == ["erin"]
