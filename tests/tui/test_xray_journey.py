"""F2 in the app, against a real server: from a message to what the server stores of it, and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from app_world import Terminal, terminal
from sdk_world import a_world

from sottovoce.tui.app import SottovoceApp
from sottovoce.tui.chat_screen import ChatScreen
from sottovoce.tui.screens.xray import XrayScreen
from sottovoce.tui.view import Delivery

TEXT = "Tea at four, as always?"


async def say(alice: Terminal) -> None:
    """Write one message, and wait until the server has it."""
    await alice.type(TEXT)
    await alice.until(lambda: is_stored(alice), "the message is stored")


def is_stored(terminal: Terminal) -> bool:
    lines = terminal.chat.timeline.lines
    return bool(lines) and getattr(lines[-1], "delivery", None) is Delivery.STORED


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the app said in notifications, which a test's terminal does not show."""
    heard: list[str] = []
    monkeypatch.setattr(SottovoceApp, "say", lambda _, text, *__: heard.append(text))
    return heard


async def test_f2_shows_the_newest_message_and_what_the_server_has(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, terminal(world, "alice", size=(120, 60)) as alice:
        await say(alice)
        await alice.pilot.press("f2")
        await alice.until_shown("X-ray of a message")
        assert TEXT in alice.text
        stored = world.log()[-1].entry
        assert stored.payload[:8].hex(" ", 2) in alice.text
        await alice.pilot.press("end")
        await alice.until_shown(f"entry {stored.seq} of {stored.seq}")
        assert "the same bytes" in alice.text
        await alice.pilot.press("f2")
        await alice.until(lambda: isinstance(alice.app.screen, ChatScreen), "back in the chat")


async def test_asking_twice_shows_it_once(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, terminal(world, "alice") as alice:
        await say(alice)
        for _ in range(2):
            alice.chat.action_command("xray")
        await alice.until_shown("X-ray of a message")
        await alice.until(lambda: not commands_under_way(alice, but=1), "the second one is over")
        await alice.pilot.press("escape")
        await alice.until(lambda: isinstance(alice.app.screen, ChatScreen), "back in the chat")


def commands_under_way(terminal: Terminal, *, but: int) -> bool:
    """Whether more commands than ``but`` are not over."""
    running = [one for one in terminal.app.workers if one.group == "command" and not one.is_finished]
    return len(running) > but


@pytest.mark.parametrize("way", ["slash", "actions"])
async def test_the_other_ways_there(tmp_path: Path, way: str) -> None:
    async with a_world(tmp_path) as world, terminal(world, "alice") as alice:
        await say(alice)
        if way == "slash":
            await alice.type("/xray")
        else:
            await alice.pilot.press("escape", "up", "enter")
            await alice.until_shown("how it was encrypted")
            await alice.pilot.press("down", "enter")
        await alice.until(lambda: isinstance(alice.app.screen, XrayScreen), "the x-ray")
        await alice.pilot.press("escape")
        await alice.until(lambda: isinstance(alice.app.screen, ChatScreen), "back in the chat")


async def test_what_is_not_stored_yet_says_so(tmp_path: Path, notes: list[str]) -> None:
    async with a_world(tmp_path) as world, terminal(world, "alice") as alice:
        await alice.until_shown("online")
        await world.stop()
        await alice.until_shown("offline")
        await alice.type(TEXT)
        await alice.until(lambda: alice.messages == [f"alice: {TEXT}"], "it is queued")
        await alice.pilot.press("f2")
        await alice.until(lambda: bool(notes), "a sentence")
        assert "cannot be looked into: it is not in the room's log yet" in notes[0]
        assert isinstance(alice.app.screen, ChatScreen)


async def test_without_a_message_it_says_how_to_choose_one(tmp_path: Path, notes: list[str]) -> None:
    async with a_world(tmp_path) as world, terminal(world, "alice") as alice:
        assert alice.messages == []
        await alice.pilot.press("f2")
        await alice.until(lambda: bool(notes), "a sentence")
        assert notes[0].startswith("Choose a message first")
