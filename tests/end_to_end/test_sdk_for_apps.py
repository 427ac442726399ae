"""What an app on top of the SDK lives on: history, read marks, what it keeps, what waits, what changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sdk_world import PATIENCE, a_world, messages, texts, until

from sottovoce.client.announcing import REST
from sottovoce.client.client import MAX_KEPT_VALUE
from sottovoce.client.errors import ValueTooLong
from sottovoce.client.events import ClientEvent, ReceivedMessage, RoomChanged
from sottovoce.client.room import Room


async def test_what_an_app_keeps_is_there_after_a_restart(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        async with world.person("alice") as alice:
            await alice.keep("draft", b"half a sente")
            await alice.keep("place", b"lobby")
            await alice.keep("place", b"")
        async with world.person("alice") as alice:
            assert await alice.kept("draft") == b"half a sente"
            assert await alice.kept("place") is None
            await alice.keep("draft", bytes([1]) * MAX_KEPT_VALUE)
            with pytest.raises(ValueTooLong):
                await alice.keep("draft", bytes(MAX_KEPT_VALUE + 1))
            assert await alice.kept("draft") == bytes([1]) * MAX_KEPT_VALUE


async def test_what_was_read_stays_read_after_a_restart(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("bob") as bob:
        his = await bob.join("lobby")
        await his.send("before alice came")
        await his.flush()
        async with world.person("alice") as alice:
            hers = await alice.join("lobby")
            assert await hers.unread() == 0
            for text in ("one", "two", "three"):
                await his.send(text)
            assert await texts(hers, 3) == ["bob: one", "bob: two", "bob: three"]
            assert await hers.unread() == 3
            await hers.mark_read((await hers.history())[-2].position)
        async with world.person("alice") as alice:
            hers = await alice.join("lobby")
            assert await hers.unread() == 1
            await hers.send("I see.")
            await hers.flush()
            assert await hers.unread() == 1


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_who_enters_a_room_again_has_nothing_unread_of_before(
    tmp_path: Path, is_restarted: bool
) -> None:
    async with a_world(tmp_path) as world, world.person("bob") as bob:
        his = await bob.join("lobby")
        async with world.person("alice") as alice:
            hers = await alice.join("lobby")
            await his.send("one")
            assert await texts(hers, 1) == ["bob: one"]
            assert await hers.unread() == 1
            await hers.leave()
            if not is_restarted:
                assert await (await alice.join("lobby")).unread() == 0
        if is_restarted:
            async with world.person("alice") as alice:
                assert await (await alice.join("lobby")).unread() == 0


async def _change(events: AsyncIterator[ClientEvent], room: Room) -> None:
    async with asyncio.timeout(PATIENCE):
        async for event in events:
            if event == RoomChanged(room.room_id):
                return


async def test_what_waits_is_shown_offline_and_after_a_restart(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        async with world.person("alice") as alice:
            hers = await alice.join("lobby")
            assert await hers.pending() == []
            await world.stop()
            await until(lambda: not alice.is_online, "alice notices")
            await hers.send("one")
            await hers.send("two")
            waiting = await hers.pending()
            assert [message.text for message in waiting] == ["one", "two"]
            assert waiting[0].order < waiting[1].order
        async with world.person("alice") as alice:
            hers = await alice.join("lobby")
            assert await hers.pending() == waiting
            events = alice.events()
            await _change(events, hers)  # the room is there
            await hers.send("three")
            await _change(events, hers)  # nothing but the sending changes anything now
            waiting = await hers.pending()
            assert [message.text for message in waiting] == ["one", "two", "three"]
            await world.start()
            await hers.flush()
            said = await messages(hers, 3)
            assert [message.message_id for message in said] == [message.message_id for message in waiting]
            assert await hers.pending() == []


async def test_an_app_that_asks_whenever_a_room_changed_has_everything(tmp_path: Path) -> None:
    """All it may do is listen, and look when it hears that there is something to look at."""
    async with a_world(tmp_path) as world, world.person("alice") as alice, world.person("bob") as bob:
        hers = await alice.join("lobby")
        seen: list[str] = []
        changes = 0

        async def look() -> None:
            nonlocal changes
            position = 0
            async for event in alice.events():
                if event != RoomChanged(hers.room_id):
                    continue
                changes += 1
                while page := await hers.history_after(position):
                    position = page[-1].position
                    seen.extend(i.item.text for i in page if isinstance(i.item, ReceivedMessage))

        began = time.monotonic()
        looking = asyncio.create_task(look())
        his = await bob.join("lobby")
        for number in range(200):
            await his.send(f"line {number}")
        await hers.send("mine")
        await hers.flush()
        await his.flush()
        await until(lambda: len(seen) == 201, "everything was seen")
        assert [text for text in seen if text != "mine"] == [f"line {number}" for number in range(200)]
        assert changes <= (time.monotonic() - began) / REST + 2
        looking.cancel()
        await hers.mark_read((await hers.history())[-1].position)
        assert await hers.unread() == 0


@pytest.mark.parametrize("what", ["verified", "left"])
async def test_what_changes_without_the_log_is_told_too(tmp_path: Path, what: str) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice, world.person("bob") as bob:
        hers = await alice.join("lobby")
        await bob.join("lobby")
        await until(lambda: len(hers.members()) == 2, "alice sees bob")

        async def listen() -> None:
            """Return at the change after which it is so."""
            async for event in alice.events():
                is_so = {
                    "verified": any(member.verified for member in hers.members() if member.user == "bob"),
                    "left": not hers.is_member,
                }
                if event == RoomChanged(hers.room_id) and is_so[what]:
                    return

        listening = asyncio.create_task(listen())
        await asyncio.sleep(0)
        if what == "verified":
            await hers.verify("bob")
        else:
            await hers.leave()
        async with asyncio.timeout(PATIENCE):
            await listening


async def test_open_rooms_can_be_looked_up_and_others_cannot(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice, world.person("bob") as bob:
        await alice.create_room("a room of her own")
        (lobby,) = await alice.look_up_rooms()
        assert (lobby.name, lobby.is_member) == ("lobby", False)
        room = await alice.join(lobby.name)
        assert room.room_id == lobby.room_id
        assert [one.is_member for one in await alice.look_up_rooms()] == [True]
        assert [one.name for one in await bob.look_up_rooms()] == ["lobby"]
        assert [one.is_member for one in await bob.look_up_rooms()] == [False]
