"""Messages that nobody looks at, in the app, against a real server."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from app_world import Terminal, terminal
from sdk_world import a_world
from textual import events

from sottovoce.tui.safe_text import Safe
from sottovoce.tui.settings import Settings
from sottovoce.tui.view import Arrival, Level, News, Notice

AT = datetime(2026, 1, 1, tzinfo=UTC)


def written_to_the_terminal(alice: Terminal, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    written: list[str] = []
    assert alice.app._driver is not None
    monkeypatch.setattr(alice.app._driver, "write", written.append)
    return written


async def test_another_room_and_a_terminal_without_the_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr("sottovoce.tui.notices.PAUSE", 0)
    monkeypatch.delenv("VTE_VERSION", raising=False)
    async with (
        a_world(tmp_path) as world,
        terminal(world, "alice", notifications=True) as alice,
        world.person("bob") as bob,
    ):
        lobby = await bob.join("lobby")
        office = await bob.create_room("office")
        await office.add("alice")
        await office.send("welcome")
        assert "Write to lobby" in alice.text
        await alice.until(lambda: [room.unread for room in alice.chat.rooms] == [0, 1], "a message is there")
        written = written_to_the_terminal(alice, monkeypatch)
        await office.send("who has the key?")
        await alice.until_shown("who has the key?")
        assert "bob wrote in office" in alice.text
        await office.send("alice, have you?")
        await alice.until_shown("bob mentioned you in office")
        alice.app.change_settings(Settings(desktop=True))
        alice.app.post_message(events.AppBlur())
        await alice.pilot.pause()
        await lobby.send("hello?")
        await alice.until(
            lambda: "\x1b]9;Sottovoce: bob wrote in lobby\x1b\\" in written, "the desktop is told"
        )
        assert len([sequence for sequence in written if "Sottovoce" in sequence]) == 1
        forks = tuple(Notice(at, at, AT, Safe("Two histories."), Level.ALARM) for at in range(5))
        alice.app._hear(News(arrivals=(Arrival(alice.chat.rooms[1], forks),)))
        await alice.until_shown("Alarm in office")
        await alice.until_shown("4 more alarms")


async def test_what_is_begun_outlives_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sottovoce.tui.widgets.composer.Composer.KEEP_AFTER", 0.01)
    async with a_world(tmp_path) as world:
        async with terminal(world, "alice") as alice:
            doings = alice.app._doings
            assert doings is not None
            keep, kept = doings.keep_drafts, [""]

            async def keep_and_tell() -> None:
                text = alice.chat.composer.text
                await keep()
                kept.append(text)

            monkeypatch.setattr(doings, "keep_drafts", keep_and_tell)
            await alice.type("sent")
            await alice.pilot.press(*"begun", "up", "!")
            await alice.until(lambda: kept[-1] == "sent!", "what is typed is kept")
            monkeypatch.setattr(alice.app, "_doings", None)  # nothing is kept any more, as after a crash
        async with terminal(world, "alice") as later:
            found = []
            for key in ("end", "up", "up"):
                await later.pilot.press(key)
                found.append(later.chat.composer.text)
            assert found == ["sent!", "begun", "sent"]
