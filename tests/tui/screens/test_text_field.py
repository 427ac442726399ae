"""What is pasted into a field is clean before it is shown (threat E1)."""

from __future__ import annotations

import pytest
from screen_app import ScreenApp
from textual import events
from textual.app import ComposeResult
from textual.screen import Screen

from sottovoce.client.sanitize import sanitize
from sottovoce.tui.screens.rooms import LinkOrName
from sottovoce.tui.screens.text_field import LinkField, PasswordField, TextField

_HOSTILE = "a\x1b]52;c;aGk=\x07b\x9b31mc\u202ed\r\ne\u200bf"


async def _paste(kind: type[TextField], text: str, before: str = "") -> str:
    class _Screen(Screen[None]):
        def compose(self) -> ComposeResult:
            yield kind(before, select_on_focus=True)

    async with ScreenApp(_Screen).run_test() as pilot:
        await pilot.pause()
        field = pilot.app.screen.query_one(TextField)
        assert field.value == sanitize(before)
        field.post_message(events.Paste(text))
        await pilot.pause()
        assert sanitize(field.value) == field.value
        return field.value


@pytest.mark.parametrize(
    ("field", "pasted", "value"),
    [
        (TextField, _HOSTILE, "abcd ef"),
        (TextField, "two\nlines ", "two lines"),
        (LinkField, "sottovoce://a:1/\n  room#ab\r\ncd \n", "sottovoce://a:1/room#abcd"),
        (LinkField, _HOSTILE, "abcdef"),
        (LinkOrName, "friday\ncrew", "friday crew"),
        (LinkOrName, " sottovoce://a:1/ro\nom#ab", "sottovoce://a:1/room#ab"),
    ],
)
async def test_a_paste_is_one_clean_line(field: type[TextField], pasted: str, value: str) -> None:
    assert await _paste(field, pasted) == value


async def test_a_paste_takes_the_place_of_what_is_selected() -> None:
    assert await _paste(TextField, "new", "old words") == "new"


async def test_what_the_app_puts_in_is_clean_too() -> None:
    assert "\x1b" not in await _paste(TextField, "", _HOSTILE)


async def test_a_password_is_kept_as_it_is_and_hidden_where_it_cannot_be_shown() -> None:
    class _Screen(Screen[None]):
        def compose(self) -> ComposeResult:
            yield PasswordField(id="password")

    async with ScreenApp(_Screen).run_test() as pilot:
        await pilot.pause()
        field = pilot.app.screen.query_one(PasswordField)
        field.password = False
        field.post_message(events.Paste("crane"))
        await pilot.pause()
        assert (field.value, field.password) == ("crane", False)
        field.post_message(events.Paste("\x1b[2J"))
        await pilot.pause()
        assert (field.value, field.password) == ("crane\x1b[2J", True)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (["a", "b", "ctrl+u", "c", "d"], "cd"),
        (["a", "b", "backspace", "c"], "ac"),
        (["a", "b", "left", "c", "end", "d", "home", "e"], "eacbd"),
    ],
)
async def test_each_key_finds_the_one_before_done(keys: list[str], value: str) -> None:
    class _Screen(Screen[None]):
        def compose(self) -> ComposeResult:
            yield TextField()

    async with ScreenApp(_Screen).run_test() as pilot:
        for key in keys:
            pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await pilot.pause()
        assert pilot.app.screen.query_one(TextField).value == value
