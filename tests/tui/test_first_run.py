"""The first run of the app against a real server, and settings that are taken while their screen is open."""

from __future__ import annotations

from pathlib import Path

from app_world import Terminal, terminal
from sdk_world import a_world
from textual import events
from textual.command import CommandPalette
from textual.widgets import Input

from sottovoce.tui.app import SottovoceApp, Start
from sottovoce.tui.chat_screen import ChatScreen
from sottovoce.tui.screens.account import AccountScreen
from sottovoce.tui.screens.invite import InviteScreen
from sottovoce.tui.screens.settings import SettingsScreen
from sottovoce.tui.settings import load_settings


async def test_from_a_link_to_the_first_message_on_a_small_terminal(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        folder = tmp_path / "alice"
        app = SottovoceApp(Start(link=world.invite, home=folder), folder)
        app.animation_level = "none"
        async with app.run_test(size=(40, 12)) as pilot:
            alice = Terminal(app, pilot)
            await alice.until(lambda: isinstance(app.screen, AccountScreen), "the account is asked for")
            await pilot.press(*"alice", "enter", *"crane", "enter", *"crane", "enter")
            await alice.until(lambda: isinstance(app.screen, InviteScreen), "an invite of one's own")
            assert "You are in" in alice.text
            await pilot.press("escape")
            await alice.until(lambda: isinstance(app.screen, ChatScreen), "the chat")
            await alice.type("hello")
            await alice.until(lambda: alice.messages == ["alice: hello"], "the message")


async def test_a_setting_is_taken_at_once_and_kept(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, terminal(world, "alice") as alice:
        await alice.pilot.press("f9")
        await alice.until(lambda: isinstance(alice.app.screen, SettingsScreen), "the settings")
        assert not alice.app.settings.compact
        await alice.pilot.press("down", "right")
        await alice.until(lambda: alice.app.settings.compact, "compact messages")
        assert load_settings(alice.app.settings_home).compact
        await alice.pilot.press("up", "enter")
        await alice.until_shown("high contrast")
        await alice.pilot.press(*"light", "enter")
        await alice.until(lambda: alice.app.theme != "dark", "another theme")
        await alice.pilot.press("escape")
        await alice.until(lambda: isinstance(alice.app.screen, ChatScreen), "the chat")
        assert load_settings(alice.app.settings_home).theme == alice.app.theme


async def test_a_paste_into_any_field_is_clean_and_a_pasted_password_is_left_alone(tmp_path: Path) -> None:
    hostile = "a\x1b]52;c;aGk=\x07b\x9b31mc\u202ed"
    async with a_world(tmp_path) as world:
        app = SottovoceApp(Start(link=world.invite, home=tmp_path), tmp_path)
        async with app.run_test() as pilot:
            alice = Terminal(app, pilot)
            await alice.until(lambda: isinstance(app.screen, AccountScreen), "the account is asked for")
            await pilot.press(*"alice", "enter")
            app.post_message(events.Paste(hostile))
            password = app.screen.query_one("#password", Input)
            await alice.until(lambda: password.value == hostile, "the password")
        async with terminal(world, "bob") as bob:
            bob.app.action_command_palette()
            await bob.until(lambda: isinstance(bob.app.screen, CommandPalette), "the palette")
            bob.app.post_message(events.Paste(hostile))
            await bob.until(
                lambda: bob.app.screen.query_one(Input).value == "abcd", "what is left of the paste"
            )
            await bob.pilot.press("escape")  # it ends the search, which fails in an app that ends
            await bob.until(lambda: isinstance(bob.app.screen, ChatScreen), "the chat")
