"""Making and entering rooms."""

from __future__ import annotations

import asyncio

from screen_app import shown, until
from screen_samples import found
from snapshots import screen_lines
from textual import events
from textual.widgets import Input

from sottovoce.tui.safe_text import Safe, safe_name
from sottovoce.tui.screens.rooms import NAME_LENGTH, JoinRoom, NewRoom


async def test_a_new_room_has_a_name_of_its_own() -> None:
    async with shown(lambda: NewRoom([Safe("attic")])) as (app, pilot, _):
        await pilot.press("enter")
        await pilot.pause()
        assert "Give the room a name" in "\n".join(screen_lines(app))
        await pilot.press(*"attic", "enter")
        await pilot.pause()
        assert "You are in a room named attic already" in "\n".join(screen_lines(app))
        assert app.results == []
        await pilot.press("2", "enter")
        await pilot.pause()
        assert app.results == ["attic2"]


async def test_a_name_that_is_not_ascii_is_taken_too() -> None:
    async with shown(lambda: NewRoom([safe_name("Küche")])) as (app, pilot, _):
        await pilot.press(*"Küche", "enter")
        await pilot.pause()
        assert f"You are in a room named {safe_name('Küche')} already" in "\n".join(screen_lines(app))
        assert app.results == []


async def test_a_name_ends_where_the_limit_is() -> None:
    async with shown(NewRoom) as (app, pilot, _):
        await pilot.press(*["x"] * (NAME_LENGTH + 1), "enter")
        await pilot.pause()
        assert app.results == ["x" * NAME_LENGTH]


async def test_entering_by_a_typed_name() -> None:
    async with shown(lambda: JoinRoom(found())) as (app, pilot, _):
        await pilot.press("enter", *"lobby", "enter")
        await pilot.pause()
        assert app.results == ["lobby"]


async def test_entering_an_open_room_of_the_list() -> None:
    async with shown(lambda: JoinRoom(found("lobby", "attic"))) as (app, pilot, _):
        await pilot.press("tab", "down", "enter")
        await pilot.pause()
        assert app.results == ["attic"]


async def test_cancelling() -> None:
    async with shown(lambda: JoinRoom(found())) as (app, pilot, _):
        await pilot.press(*"lobby")
        await pilot.click("#cancel")
        await pilot.pause()
        assert app.results == [None]


async def test_what_is_typed_ahead_is_no_part_of_the_name() -> None:
    async with shown(NewRoom) as (app, pilot, _):
        for key in [*"attic", "enter", *"hello"]:
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await pilot.pause()
        assert app.results == ["attic"]


async def test_one_types_while_the_open_rooms_are_looked_for() -> None:
    async def look() -> list[Safe]:
        await server.wait()
        return [Safe("attic")]

    server = asyncio.Event()
    async with shown(lambda: JoinRoom(look)) as (app, pilot, _):
        await pilot.press(*"lob")
        assert "Looking for open rooms" in "\n".join(screen_lines(app))
        server.set()
        await until(pilot, lambda: "Open to everybody on this server" in "\n".join(screen_lines(app)))
        assert app.screen.query_one(Input).value == "lob"
        await pilot.press("b", "y", "enter")
        await pilot.pause()
        assert app.results == ["lobby"]
