"""The app between rooms, against a real server: what is typed reaches the room that it was meant for."""

from __future__ import annotations

import asyncio
import gc
import warnings
from pathlib import Path

import pytest
from app_world import terminal, two_rooms
from sdk_world import a_world, until

from sottovoce.client.errors import KeyChanged
from sottovoce.tui.bridge import Bridge, Refused
from sottovoce.tui.chat_screen import ChatScreen


async def test_who_is_taken_out_of_the_open_room_is_told(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, two_rooms(world) as (alice, _, plan):
        await alice.pilot.press("alt+down")
        await alice.until_shown("the plan  2 members")
        await plan.remove("alice")
        await alice.until_shown("You are not in the plan any more.")
        await alice.until_shown("lobby  2 members")


async def test_who_is_taken_out_while_writing_writes_to_nobody_else(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, two_rooms(world) as (alice, _, plan):
        await alice.pilot.press("alt+down")
        await alice.until_shown("the plan  2 members")
        await alice.pilot.press(*"Bob is a")
        await plan.remove("alice")
        await alice.until_shown("You are not in the plan any more.")
        await alice.type(" spy")
        await alice.until_shown("Not sent: no room is open.")
        assert alice.chat.composer.text == "Bob is a spy"
        assert alice.messages == []


async def test_what_is_typed_after_choosing_a_room_is_for_that_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()
    kept = Bridge.kept

    async def slow(self: Bridge, name: str) -> bytes | None:
        await gate.wait()
        return await kept(self, name)

    async with a_world(tmp_path) as world, two_rooms(world) as (alice, _, _plan):
        monkeypatch.setattr(Bridge, "kept", slow)
        await alice.pilot.press("alt+down")
        await alice.type("for the plan")
        gate.set()
        await alice.until_shown("the plan  2 members")
        await alice.until(lambda: alice.messages == ["alice: for the plan"], "it is there")


async def test_a_command_typed_after_choosing_a_room_does_nothing_in_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()
    kept, added = Bridge.kept, []

    async def slow(self: Bridge, name: str) -> bytes | None:
        await gate.wait()
        return await kept(self, name)

    async def add(_: Bridge, room_id: bytes, user: str) -> None:
        added.append((room_id, user))

    monkeypatch.setattr(Bridge, "add", add)
    async with a_world(tmp_path) as world, two_rooms(world) as (alice, _, plan):
        monkeypatch.setattr(Bridge, "kept", slow)
        await alice.pilot.press("alt+down")
        await alice.type("/add carol")
        await alice.until_shown("That room is not on the screen")
        assert alice.chat.composer.text == "/add carol"
        gate.set()
        await alice.until_shown("the plan  2 members")
        assert added == []
        await alice.pilot.press("enter")
        await alice.until(lambda: added == [(plan.room_id, "carol")], "she is added")


async def test_of_two_rooms_chosen_quickly_the_second_is_written_to(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, two_rooms(world) as (alice, _, plan):
        lobby = alice.chat.room_id
        alice.chat.post_message(ChatScreen.RoomWanted(plan.room_id))
        await alice.pilot.press("a")
        alice.chat.post_message(ChatScreen.RoomWanted(lobby))
        rooms = []
        for letter in "bcd":
            await alice.pilot.press(letter)
            rooms.append(alice.chat.composer.room_id)
        await alice.until(lambda: alice.chat.room_id == lobby, "the second is open")
        assert rooms == [lobby] * 3
        assert alice.chat.composer.text == "bcd"


async def test_a_room_that_is_made_late_takes_nobody_out_of_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, create = asyncio.Event(), Bridge.create_room

    async def slow(self: Bridge, name: str) -> bytes:
        await gate.wait()
        return await create(self, name)

    monkeypatch.setattr(Bridge, "create_room", slow)
    async with a_world(tmp_path) as world, terminal(world, "alice", notifications=True) as alice:
        await alice.type("/new the plan")
        await alice.pilot.press(*"they are all ")
        gate.set()
        await alice.until_shown("You are in the plan now: F3 leads there.")
        await alice.type("here")
        await alice.until(lambda: alice.messages == ["alice: they are all here"], "it is in the lobby")
        assert alice.chat.room_name == "lobby"


async def test_a_choice_that_another_follows_at_once_leaves_nothing_behind(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, two_rooms(world) as (alice, _, plan):
        lobby = alice.chat.room_id
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            for room_id in (lobby, plan.room_id):
                alice.chat.post_message(ChatScreen.RoomWanted(room_id))
            await alice.until(lambda: alice.chat.room_id == plan.room_id, "the second is open")
            gc.collect()
        assert [str(one.message) for one in warned if "never awaited" in str(one.message)] == []


async def test_what_was_sent_is_kept_for_the_arrow_up_however_quickly_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, begun, keep = asyncio.Event(), asyncio.Event(), Bridge.keep

    async def slow(self: Bridge, name: str, value: bytes) -> None:
        if name.startswith("app history"):
            begun.set()
            await gate.wait()
        await keep(self, name, value)

    async with a_world(tmp_path) as world, two_rooms(world) as (alice, _, plan):
        lobby, bridge = alice.chat.room_id, alice.app._bridge
        assert lobby is not None
        assert bridge is not None
        monkeypatch.setattr(Bridge, "keep", slow)
        await alice.type("said before")
        alice.chat.want_room(plan.room_id)
        await until(begun.is_set, "the history is being kept")
        alice.chat.want_room(lobby)
        await alice.pilot.pause()
        gate.set()
        await alice.until(lambda: not alice.app._doings._begun, "it is kept")
        assert b"said before" in (await bridge.kept(f"app history {lobby.hex()}") or b"")


async def test_a_room_that_is_gone_when_it_is_chosen_leaves_one_where_one_was(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, two_rooms(world) as (alice, _, _plan):
        lobby = alice.chat.room_id
        alice.chat.post_message(ChatScreen.RoomWanted(bytes(16)))
        await alice.until_shown("You are not in")
        assert (alice.chat.room_id, alice.chat.composer.room_id) == (lobby, lobby)
        await alice.type("still here")
        await alice.until(lambda: alice.messages == ["alice: still here"], "it is sent")


async def test_what_is_refused_while_one_looks_elsewhere_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()

    async def refuse(*_: object) -> None:
        await gate.wait()
        raise Refused(KeyChanged("bob"))

    monkeypatch.setattr(Bridge, "send", refuse)
    async with a_world(tmp_path) as world, two_rooms(world) as (alice, _, _plan):
        await alice.type("secret")
        await alice.pilot.press("alt+down")
        await alice.until_shown("the plan  2 members")
        gate.set()
        await alice.until_shown("Not sent to lobby")
        assert alice.chat.composer.text == ""
        await alice.pilot.press("alt+up")
        await alice.until_shown("lobby  2 members")
        assert alice.chat.composer.text == "secret"
