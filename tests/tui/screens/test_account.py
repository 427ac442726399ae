"""The fields of the account: what is missing is named, a password is seen only when asked for."""

from __future__ import annotations

import pytest
from screen_app import shown, until
from screen_samples import PLACE, SampleDoor
from snapshots import screen_lines
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from sottovoce.tui.screens.account import AccountDraft, AccountScreen

_HIDDEN = "•"


def _screen(draft: AccountDraft) -> AccountScreen:
    return AccountScreen(SampleDoor(), PLACE, draft)


def _text(pilot: Pilot[None]) -> str:
    return "\n".join(screen_lines(pilot.app))


@pytest.mark.parametrize(
    ("draft", "again", "words", "field"),
    [
        (AccountDraft("", "secret"), "secret", "1 to 32 of the letters", "name"),
        (AccountDraft("alice", ""), "", "an empty one protects nothing", "password"),
        (AccountDraft("alice", "secret"), "secrte", "not the same", "again"),
    ],
)
async def test_what_is_missing_is_named_and_gets_the_focus(
    draft: AccountDraft, again: str, words: str, field: str
) -> None:
    async with shown(lambda: _screen(draft)) as (app, pilot, _):
        app.screen.query_one("#again", Input).value = again
        await pilot.click("#enter")
        await pilot.pause()
        assert words in _text(pilot)
        assert app.screen.focused is app.screen.query_one(f"#{field}")
        assert app.results == []


async def test_what_is_no_user_name_cannot_be_typed() -> None:
    async with shown(lambda: _screen(AccountDraft())) as (app, pilot, _):
        await pilot.press("a", "slash", "é", "space", "B", "full_stop", "1")
        assert app.screen.query_one("#name", Input).value == "aB.1"


@pytest.mark.parametrize("onward", ["enter", "tab"])
async def test_a_password_typed_at_once_is_in_its_field_and_not_in_the_names(onward: str) -> None:
    async with shown(lambda: _screen(AccountDraft())) as (app, pilot, _):
        for key in ["z", "o", "e", onward, *"crane"]:
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await pilot.pause()
        assert app.screen.query_one("#name", Input).value == "zoe"
        assert app.screen.query_one("#password", Input).value == "crane"


async def test_a_password_is_hidden_until_it_is_asked_for() -> None:
    async with shown(lambda: _screen(AccountDraft("alice", "crane"))) as (_app, pilot, _):
        assert "crane" not in _text(pilot)
        assert _HIDDEN * 5 in _text(pilot)
        await until(pilot, lambda: "━" in _text(pilot))
        await pilot.click("#show")
        await pilot.pause()
        assert _text(pilot).count("crane") == 2
        await until(pilot, lambda: not pilot.app.screen.query("Button.-active"))
        await pilot.click("#show")
        await pilot.pause()
        assert "crane" not in _text(pilot)


async def test_a_password_with_control_characters_is_kept_and_never_shown() -> None:
    password = "a\x1b]0;b\x07c"
    async with shown(lambda: _screen(AccountDraft("alice", password))) as (app, pilot, _):
        await until(pilot, lambda: "━" in _text(pilot))
        await pilot.click("#show")
        await pilot.pause()
        assert "cannot be shown" in _text(pilot)
        assert "]0;b" not in _text(pilot)
        assert app.screen.query_one("#password", Input).value == password


async def test_an_account_that_exists_has_one_password_and_no_verdict_on_it() -> None:
    async with shown(lambda: _screen(AccountDraft("alice", is_new=False))) as (_app, pilot, _):
        assert "Once more" not in _text(pilot)
        assert "Log in" in _text(pilot)
        await pilot.press("shift+tab", "shift+tab", "left")
        await pilot.pause()
        assert "Once more" in _text(pilot)
        assert "Create account" in _text(pilot)
        assert "Nobody can reset this password" in _text(pilot)


async def test_a_password_made_of_the_user_name_is_weak() -> None:
    async with shown(lambda: _screen(AccountDraft("marguerite"))) as (app, pilot, _):
        await pilot.press(*"marguerite1")
        await until(pilot, lambda: "━" in _text(pilot))
        app.screen.query_one("#password", Input).value = "seven tall cranes at dawn"
        await until(pilot, lambda: "strong" in _text(pilot))
        app.screen.query_one("#password", Input).value = ""
        await until(pilot, lambda: "strong" not in _text(pilot))


async def test_tab_goes_from_password_to_password_and_a_key_shows_both() -> None:
    async with shown(lambda: _screen(AccountDraft("alice"))) as (app, pilot, _):
        await pilot.press(*"crane", "tab", *"crane", "ctrl+t")
        await pilot.pause()
        assert app.screen.query_one("#again", Input).value == "crane"
        assert _text(pilot).count("crane") == 2
