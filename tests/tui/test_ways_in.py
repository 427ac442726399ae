"""Ways in: nothing waits for the server unseen, and a room that one could not enter can be given up."""

from __future__ import annotations

from pathlib import Path

from app_world import terminal
from sdk_world import a_world, until

from sottovoce.client.client import Client
from sottovoce.client.room import Room


async def outdated_link(alice: Client) -> tuple[Room, str]:
    """A link whose secret the room has changed since: somebody was removed."""
    room = await alice.create_room("the plan")
    link = str(await alice.invite(room))
    await room.add("bob")
    await until(lambda: len(room.members()) == 2, "bob is in")
    await room.remove("bob")
    return room, link


async def test_a_room_that_was_not_entered_is_shown_as_such_and_can_be_given_up(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice, world.person("bob"):
        _, link = await outdated_link(alice)
        async with terminal(world, "carol") as carol:
            await carol.pilot.press("f8")
            await carol.until_shown("Enter a room")
            await carol.until_shown("Every other room")
            await carol.paste(link)
            await carol.until_shown("has changed since this invitation")
            await carol.pilot.press("escape", "f3")
            await carol.until_shown("not in")
            await carol.pilot.press("down", "enter")
            await carol.until_shown("/leave gives it up")
            await carol.type("/leave")
            await carol.until_shown("Leave the plan?")
            await carol.pilot.press("right", "enter")
            await carol.until(lambda: [room.name for room in carol.chat.rooms] == ["lobby"], "it is given up")


async def test_no_link_comes_up_later_over_something_else(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, terminal(world, "alice", notifications=True) as alice:
        await world.stop()
        await alice.until_shown("○ offline")
        await alice.pilot.press("f5")
        await alice.until_shown("A link is made with the server")
        await world.start()
        await alice.until_shown("● online")
        assert alice.app.screen is alice.chat
        await alice.pilot.press("f5")
        await alice.until_shown("Invite a friend into lobby")


async def test_the_screen_is_there_while_the_server_is_away(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, terminal(world, "alice") as alice:
        await world.stop()
        await alice.until_shown("○ offline")
        await alice.pilot.press("f8")
        await alice.until_shown("Looking for open rooms")
        await alice.type("attic", "escape")
        await alice.until(lambda: alice.app.screen is alice.chat, "it is closed")
        await world.start()
