"""The app as a whole, against a real server: what is kept, what is told, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from app_world import Terminal, terminal, two_rooms
from sdk_world import World, a_world, until
from textual.widgets import Input, OptionList

from sottovoce.client.errors import KeyChanged, WrongPassword
from sottovoce.tui import between_keys, view
from sottovoce.tui.app import SottovoceApp, Start
from sottovoce.tui.bridge import Bridge, Refused
from sottovoce.tui.chat_screen import ChatScreen
from sottovoce.tui.doings import DRAFTS, Doings
from sottovoce.tui.safe_text import safe
from sottovoce.tui.screens.settings import SettingsScreen
from sottovoce.tui.settings import load_settings
from sottovoce.tui.widgets.composer import Composer


async def test_a_message_in_another_room_is_announced_counted_and_read(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, two_rooms(world) as (alice, _, plan):
        await plan.send("Where is everybody?")
        await alice.until_shown("bob wrote in the plan")
        await alice.until_shown("1 unread (F3)")
        await alice.pilot.press("alt+right")
        await alice.until_shown("the plan  2 members")
        await alice.until_shown("Where is everybody?")
        await alice.until(lambda: "unread (F3)" not in alice.text, "it was read")


async def test_messages_of_others_are_shown_right_after_a_letter_of_who_types(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_world(tmp_path) as world, two_rooms(world) as (alice, bob, _):
        monkeypatch.setattr(between_keys, "BREATH", 0.0)
        monkeypatch.setattr(between_keys, "PAUSE", 600.0)
        monkeypatch.setattr(between_keys, "LONGEST", 600.0)
        await alice.pilot.press("a")
        await next(room for room in bob.rooms() if room.name == "lobby").send("Is anybody there?")
        await until(lambda: alice.app._showing is not None, "the message has come")
        assert "Is anybody there?" not in alice.text
        await alice.pilot.press("b")
        await alice.until_shown("Is anybody there?")


async def test_nothing_disturbs_who_does_not_want_it(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, two_rooms(world) as (alice, _, plan):
        await alice.type("/quiet")
        await alice.until_shown("Do not disturb: on.")
        await plan.send("Where is everybody?")
        await alice.until_shown("1 unread (F3)")
        assert "bob wrote" not in alice.text
        assert load_settings(world.folder / "alice").quiet


async def test_the_palette_leads_to_a_room(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, two_rooms(world) as (alice, _, _plan):
        await alice.pilot.press("ctrl+p", *"plan")
        found = alice.app.screen.query_one(OptionList)
        await alice.until(
            lambda: (
                found.highlighted_option is not None and "the plan" in str(found.highlighted_option.prompt)
            ),
            "it is found",
        )
        await alice.pilot.press("enter")
        await alice.until_shown("the plan  2 members")


@pytest.mark.parametrize("is_refused", [False, True])
async def test_what_was_given_away_just_before_the_end_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_refused: bool
) -> None:
    gate, send = asyncio.Event(), Bridge.send

    async def slow(self: Bridge, room_id: bytes, text: str) -> None:
        await gate.wait()
        if is_refused:
            raise Refused(KeyChanged("bob"))
        await send(self, room_id, text)

    monkeypatch.setattr(Bridge, "send", slow)
    async with a_world(tmp_path) as world:
        async with terminal(world, "alice") as alice:
            await alice.type("one")
            alice.chat.composer._on_its_way.append(Composer.Sent(alice.chat.room_id or b"", "two"))
            alice.app.exit()
            asyncio.get_running_loop().call_soon(gate.set)
        async with terminal(world, "alice") as alice:
            if is_refused:
                assert alice.chat.composer.text == "two\none"
            else:
                await alice.until(lambda: alice.messages == ["alice: one", "alice: two"], "both are there")


async def test_drafts_the_last_room_and_the_lines_of_before_are_there_again(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        address = f"{world.address.host}:{world.address.port}"
        async with terminal(world, "alice") as alice:
            await alice.type("/new the plan")
            await alice.until_shown("the plan  1 member")
            await alice.type("said before")
            await alice.until(lambda: alice.messages == ["alice: said before"], "it is said")
            await alice.pilot.press(*"not yet")
        async with terminal(world, "alice", link=address) as alice:
            assert alice.chat.room_name == "the plan"
            assert alice.chat.composer.text == "not yet"
            await alice.pilot.press("ctrl+u", "up")
            assert alice.chat.composer.text == "said before"


async def test_of_a_room_that_was_left_nothing_that_was_typed_is_kept(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, terminal(world, "alice", notifications=True) as alice:
        bridge, doings = alice.app._bridge, alice.app._doings
        assert bridge is not None
        assert doings is not None
        await alice.type("/new the plan")
        await alice.until_shown("the plan  1 member")
        plan = alice.chat.room_id
        assert plan is not None
        await alice.type("said there")
        await alice.until(lambda: alice.messages == ["alice: said there"], "it is said")
        await alice.pilot.press(*"begun there")
        await doings.keep_drafts()
        assert plan in msgspec.msgpack.decode(await bridge.kept(DRAFTS) or b"", type=dict[bytes, object])
        assert await bridge.kept(f"app history {plan.hex()}")
        alice.chat.action_command("leave")
        await alice.until_shown("Leave the plan?")
        await alice.pilot.press("right", "enter")
        await alice.until_shown("You left the plan.")
        assert alice.chat.composer.text == "begun there", "what is begun is not lost, and goes nowhere"
        kept = msgspec.msgpack.decode(await bridge.kept(DRAFTS) or b"", type=dict[bytes, object])
        assert list(kept) == [b""]
        assert await bridge.kept(f"app history {plan.hex()}") is None
        await bridge.keep(DRAFTS, msgspec.msgpack.encode({plan: ("of long ago", 0, 0)}))
        await doings.remember()
        assert b"of long ago" not in alice.chat.composer.drafts()


@asynccontextmanager
async def asked_whether_to_quit(world: World) -> AsyncIterator[Terminal]:
    """Alice wants to quit while a message waits for a server that is away; it is back afterwards."""
    async with terminal(world, "alice") as alice:
        await alice.until_shown("● online")
        await world.stop()
        await alice.until_shown("offline")
        await alice.type("in the tunnel")
        await alice.until(lambda: bool(alice.messages), "it waits")
        await alice.pilot.press("ctrl+q")
        await alice.until_shown("Quit now?")
        yield alice
        await until(lambda: not alice.app.is_running, "the app ends")
        await world.start()


async def test_quitting_asks_while_messages_wait(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, asked_whether_to_quit(world) as alice:
        await alice.pilot.press("escape")
        await alice.until(lambda: isinstance(alice.app.screen, ChatScreen), "still there")
        await alice.type("quit")
        await alice.until_shown("One message waits")
        await alice.pilot.press("right", "enter")


async def test_who_quits_twice_means_it(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, asked_whether_to_quit(world) as alice:
        await alice.pilot.press("ctrl+q")


async def test_older_lines_come_without_a_hole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that was asked for before the room was opened anew may end too early to fit."""
    older = view.Notice(0, 0, datetime.now(UTC), safe("older"), view.Level.WARNING)

    async def page(*_: object) -> view.Page:
        return view.Page((older,), has_older=False)

    monkeypatch.setattr(Bridge, "page", page)
    async with a_world(tmp_path) as world, terminal(world, "alice") as alice:
        await alice.type("one")
        await alice.until_shown("one  ✓")  # until it is stored, it has another position
        doings, first = alice.app._doings, alice.chat.timeline.first_position
        assert doings is not None
        assert first is not None
        await doings.show_older(first - 1, 200)
        assert alice.chat.timeline.first_position == first
        await doings.show_older(first, 200)
        assert alice.chat.timeline.first_position == 0


async def test_an_unknown_command_sends_nothing_and_comes_back(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, terminal(world, "alice") as alice:
        await alice.type("/dance now")
        await alice.until_shown("There is no command /dance")
        assert alice.chat.composer.text == "/dance now"
        assert alice.messages == []


async def test_what_needs_a_name_is_asked_for_or_said(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, terminal(world, "alice", notifications=True) as alice:
        await alice.type("/verify zoe")
        await alice.until_shown("Nobody is called zoe here.")
        await alice.type("/add")
        await alice.until_shown("Add somebody to lobby")
        await alice.type("zara")
        await alice.until_shown("Nobody is called zara here.")
        assert isinstance(alice.app.focused, Input)
        assert alice.app.focused.value == "zara"


@asynccontextmanager
async def alice_beside_bob(world: World) -> AsyncIterator[Terminal]:
    """Alice's terminal, in the lobby with bob, whom she has not verified."""
    async with world.person("bob") as bob, terminal(world, "alice") as alice:
        await bob.join("lobby")
        await alice.until_shown("1 not verified")
        yield alice


async def test_nobody_is_verified_without_the_numbers_on_the_screen(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, alice_beside_bob(world) as alice:
        await alice.type("/verify bob done")
        await alice.until_shown("Is this really bob?")
        await alice.pilot.press("enter")
        await alice.until(lambda: isinstance(alice.app.screen, ChatScreen), "it is for later")
        await alice.until_shown("1 not verified")


async def test_who_showed_another_number_is_not_verified_any_more(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, alice_beside_bob(world) as alice:
        await alice.type("/verify bob")
        await alice.until_shown("Is this really bob?")
        await alice.pilot.press("right", "right", "enter")
        await alice.until_shown("all verified")
        await alice.type("/verify bob")
        await alice.until_shown("Is this really bob?")
        await alice.pilot.press("right", "enter")
        await alice.until_shown("The numbers differ")
        await alice.pilot.press("enter")
        await alice.until_shown("1 not verified")


async def test_a_wrong_password_of_the_environment_ends_the_app(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        async with terminal(world, "alice"):
            pass
        folder = world.folder / "alice"
        app = SottovoceApp(Start(world.invite, "alice", "wrong", folder), folder)
        async with app.run_test():
            await until(lambda: not app.is_running, "the app ends")
        assert isinstance(app.refusal, WrongPassword)


async def crash(world: World) -> Terminal:
    """Press the key whose command fails, and wait for the end; the test's terminal raises the error again."""
    try:
        async with terminal(world, "alice") as alice:
            await alice.pilot.press("f3")
            await until(lambda: not alice.app.is_running, "the app ends")
    except ValueError:
        pass
    return alice


async def test_the_sdk_is_closed_even_when_what_is_typed_cannot_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, close = [], Bridge.close

    async def fail(_: object) -> None:
        raise ValueError

    async def note(self: Bridge) -> None:
        await close(self)
        closed.append(self)

    monkeypatch.setattr(Doings, "finish_sending", fail)
    monkeypatch.setattr(Bridge, "close", note)
    async with a_world(tmp_path) as world:
        with pytest.raises(ValueError, match=r"^$"):
            async with terminal(world, "alice"):
                pass
        assert len(closed) == 1


async def test_an_error_nobody_foresaw_ends_the_app_without_a_word_of_it_on_the_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise ValueError("a secret")

    monkeypatch.setattr(ChatScreen, "toggle_rooms", fail)
    async with a_world(tmp_path) as world:
        alice = await crash(world)
        assert isinstance(alice.app.failure, ValueError)
        said = capsys.readouterr()
        assert "a secret" not in said.out + said.err
        assert "Traceback" not in said.out + said.err


async def test_lists_lie_above_a_narrow_screen_and_beside_a_wide_one(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, terminal(world, "alice", size=(60, 16)) as alice:
        rooms = alice.chat.query_one("#rooms")
        members = alice.chat.query_one("#members")
        assert not rooms.display
        assert not members.display
        await alice.pilot.press("f3")
        await alice.until(lambda: rooms.has_focus_within, "the rooms have the keys")
        assert rooms.display
        await alice.pilot.press("f4")
        await alice.until(lambda: members.has_focus_within, "the members have the keys")
        assert not rooms.display
        await alice.pilot.press("escape")
        await alice.until(lambda: alice.chat.composer.has_focus_within, "one writes")
        assert not members.display
        await alice.pilot.resize_terminal(130, 30)
        await alice.until(lambda: rooms.display and members.display, "both are there")
        await alice.pilot.press("f3")
        await alice.until(lambda: rooms.has_focus_within, "the rooms have the keys")
        await alice.pilot.press("f3")
        await alice.until(lambda: not rooms.display, "the rooms are hidden")


async def test_notifications_leave_what_is_written_in_sight_and_keys_are_those_of_the_place(
    tmp_path: Path,
) -> None:
    async with (
        a_world(tmp_path) as world,
        terminal(world, "alice", size=(60, 20), notifications=True) as alice,
    ):
        await alice.type("/quiet")
        await alice.until_shown("Do not disturb: on.")
        rows = alice.text.split("\n")
        assert any("Do not disturb: on." in row for row in rows[:6])
        assert not any("Do not disturb: on." in row for row in rows[-5:])
        await alice.until(lambda: "Esc Read" not in alice.text and "Ctrl+Q Quit" in alice.text, "the footer")
        await alice.pilot.press("f3")
        await alice.until_shown("a-z find")
        await alice.pilot.press("f4")
        await alice.until_shown("Enter look")
        await alice.pilot.press("escape", "escape")
        await alice.until_shown("Enter actions")


async def test_the_palette_is_not_above_another_screen(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, terminal(world, "alice") as alice:
        await alice.pilot.press("f10")
        await alice.until_shown("How lobby is protected")
        await alice.pilot.press("ctrl+p")
        await alice.pilot.pause()
        assert "Find a command or a room" not in alice.text
        await alice.pilot.press("escape", "ctrl+p")
        await alice.until_shown("Find a command or a room")
        await alice.pilot.press("escape")  # it ends the search, which fails in an app that ends
        await alice.until(lambda: isinstance(alice.app.screen, ChatScreen), "the chat")


async def test_settings_change_how_it_looks_and_stay(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        async with terminal(world, "alice") as alice:
            await alice.pilot.press("f9")
            await alice.until(lambda: isinstance(alice.app.screen, SettingsScreen), "the settings")
            await alice.pilot.press("enter")
            await alice.until_shown("high contrast")
            await alice.pilot.press("down", "enter")
            await alice.until(lambda: alice.app.theme == "light", "the theme is another")
        assert load_settings(world.folder / "alice").theme == "light"
        async with terminal(world, "alice") as alice:
            assert alice.app.theme == "light"


async def test_the_chosen_row_of_a_list_is_seen_without_colour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with a_world(tmp_path) as world, terminal(world, "alice") as alice:
        await alice.pilot.press("f3")
        await alice.until_shown("a-z find")
        row = alice.app.screen._compositor.render_strips()[1]
        assert [one.text for one in row if one.style is not None and one.style.underline][:2] == [
            "> ",
            "lobby",
        ]


async def test_no_colour_means_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with a_world(tmp_path) as world, terminal(world, "alice") as alice:
        strips = alice.app.screen._compositor.render_strips()
        styles = [segment.style for strip in strips for segment in strip if segment.style is not None]
        assert styles
        for style in styles:
            assert style.color is None or style.color.is_default
            assert style.bgcolor is None or style.bgcolor.is_default
