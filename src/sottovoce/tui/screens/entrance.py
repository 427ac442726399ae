"""The first run, at most three screens: which server, which account, and a link for one's friends.

The screens ask, a :class:`~sottovoce.tui.screens.door.Door` does. What the door refuses comes back, in its
words, to the screen where it can be mended, with everything typed still there.
"""

from __future__ import annotations

from textual.app import App
from textual.screen import Screen

from sottovoce.tui.safe_text import NOTHING, Safe, words
from sottovoce.tui.screens.account import AccountDraft, AccountScreen, Entered
from sottovoce.tui.screens.door import Door, Place, Refusal
from sottovoce.tui.screens.invite import InviteScreen
from sottovoce.tui.screens.server import ServerScreen
from sottovoce.tui.widgets.timeline_clock import MACHINE_CLOCK, Clock


async def enter(
    app: App[object],
    door: Door,
    *,
    typed: str | None = None,
    is_chosen: bool = False,
    user: str = "",
    clock: Clock = MACHINE_CLOCK,
) -> Entered | None:
    """Lead a person in; None when they gave up. Run it in a worker of ``app``.

    ``typed``: a link or address from the command line. ``is_chosen``: the server needs no asking: it is
    ``typed``, or the one on this machine when that is None; it is asked for all the same if the door refuses
    it. ``user``: a user name to begin with.
    """
    local = await door.local_server()
    place, problem = await _find(door, typed) if is_chosen else (None, NOTHING)
    draft = AccountDraft(user)
    while True:
        if place is None:
            place = await app.push_screen_wait(ServerScreen(door, local, typed=typed or "", problem=problem))
            if place is None:
                return None
        result = await app.push_screen_wait(AccountScreen(door, place, draft))
        if result is None:
            return None
        if isinstance(result, Entered):
            if result.is_new:
                await _show_invite(app, door, clock)
            return result
        typed, draft, problem, place = place.typed, result.draft, result.problem, None


async def _find(door: Door, typed: str | None) -> tuple[Place | None, Safe]:
    try:
        return await door.find(typed), NOTHING
    except Refusal as refusal:
        return None, refusal.sentence


async def _show_invite(app: App[object], door: Door, clock: Clock) -> None:
    """The last screen: a chat is no use alone. Without a link it is left out; ``/invite`` makes one later."""
    try:
        invite = await door.invite()
    except Refusal:
        return
    screen: Screen[None] = InviteScreen(
        invite,
        clock=clock,
        title=Safe("You are in"),
        first=words(
            "You are in {room}. Bring your friends with this link; Ctrl+P finds everything else.",
            room=invite.room,
        ),
        done=Safe("Start chatting"),
    )
    await app.push_screen_wait(screen)
