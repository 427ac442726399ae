from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input, Static

from sottovoce.tui.completion import SlashCommand
from sottovoce.tui.safe_text import safe_name
from sottovoce.tui.widgets.composer import Composer
from sottovoce.tui.widgets.composer_choices import ComposerChoices

COMMANDS = (
    SlashCommand("who", "who is here, and whose key you have verified"),
    SlashCommand("why", "what went wrong"),
    SlashCommand("verify", "compare a number", "NAME", takes_member=True),
)


class ChoicesApp(App[None]):
    CSS = "#timeline { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.composer = Composer()
        self.given: list[str] = []

    def compose(self) -> ComposeResult:
        yield Static("the timeline", id="timeline")
        yield self.composer
        yield Input(id="elsewhere", compact=True)

    def on_mount(self) -> None:
        self.composer.know(COMMANDS, [safe_name("Alice"), safe_name("Bob"), safe_name("Bonnie")])
        self.composer.switch(b"r" * 16)
        self.composer.focus()

    def on_composer_sent(self, event: Composer.Sent) -> None:
        self.given.append(event.text)

    def on_composer_command_given(self, event: Composer.CommandGiven) -> None:
        self.given.append(event.typed)


@pytest.fixture
async def pilot() -> AsyncIterator[Pilot[None]]:
    async with ChoicesApp().run_test(size=(40, 12)) as pilot:
        yield pilot


def app_of(pilot: Pilot[None]) -> ChoicesApp:
    assert isinstance(pilot.app, ChoicesApp)
    return pilot.app


def text_of(pilot: Pilot[None]) -> str:
    return app_of(pilot).composer.text


def shown(pilot: Pilot[None]) -> list[str]:
    choices = pilot.app.query_one(ComposerChoices)
    return [str(option.prompt).rstrip() for option in choices.options] if choices.display else []


async def test_a_slash_shows_the_commands_with_their_words(pilot: Pilot[None]) -> None:
    await pilot.press("/")
    assert [row.split("  ")[0] for row in shown(pilot)] == ["/who", "/why", "/verify NAME"]
    await pilot.press("v")
    assert shown(pilot) == ["/verify NAME  compare a number"]
    await pilot.press("x")
    assert shown(pilot) == []


async def test_the_choices_lie_over_what_is_above_and_inside_the_screen(pilot: Pilot[None]) -> None:
    timeline = pilot.app.query_one("#timeline").region
    await pilot.press(*"/")
    await pilot.pause()
    region = pilot.app.query_one(ComposerChoices).region
    assert region.bottom == app_of(pilot).composer.region.y
    assert pilot.app.screen.region.contains_region(region)
    assert region.height == 3
    assert pilot.app.query_one("#timeline").region == timeline


async def test_the_choices_move_up_with_a_composer_that_grows(pilot: Pilot[None]) -> None:
    await pilot.press(*"x" * 35, "space", "@", "b")
    await pilot.pause()
    assert app_of(pilot).composer.size.height == 2
    assert pilot.app.query_one(ComposerChoices).region.bottom == app_of(pilot).composer.region.y


@pytest.mark.parametrize("key", ["tab", "enter"])
async def test_arrows_choose_and_a_key_takes_it(pilot: Pilot[None], key: str) -> None:
    await pilot.press("/", "down", "down", "down", "up", "up", key)
    assert (text_of(pilot), shown(pilot), app_of(pilot).given) == ("/why ", [], [])


async def test_a_command_is_run_from_its_first_letters(pilot: Pilot[None]) -> None:
    await pilot.press(*"/ve", "enter", *"bo", "down", "enter", "enter")
    assert app_of(pilot).given == ["/verify Bonnie"]


async def test_enter_on_what_is_typed_in_full_sends(pilot: Pilot[None]) -> None:
    await pilot.press(*"/who", "enter", *"@bob", "enter")
    assert app_of(pilot).given == ["/who", "@bob"]
    assert shown(pilot) == []


async def test_escape_closes_until_another_word(pilot: Pilot[None]) -> None:
    await pilot.press("@", "escape")
    assert shown(pilot) == []
    await pilot.press("b")
    assert shown(pilot) == []
    await pilot.press("space", "@")
    assert shown(pilot) == ["Alice", "Bob", "Bonnie"]


async def test_tab_completes_a_name_and_else_goes_on(pilot: Pilot[None]) -> None:
    await pilot.press(*"al", "tab")
    assert text_of(pilot) == "Alice: "
    await pilot.press(*"bo", "tab")
    assert shown(pilot) == ["Bob", "Bonnie"]
    await pilot.press("tab")
    assert text_of(pilot) == "Alice: Bob "
    await pilot.press("tab")
    assert text_of(pilot) == "Alice: Bob "
    assert pilot.app.focused is pilot.app.query_one("#elsewhere")


async def test_emoji_by_choice_and_by_colons(pilot: Pilot[None]) -> None:
    await pilot.press(*":thumbsu", "tab")
    await pilot.press(*"yes :tada:", *" std::x:")
    assert text_of(pilot) == "👍yes 🎉 std::x:"
    await pilot.press("ctrl+a", *":tada:")
    assert text_of(pilot).startswith("🎉👍")


async def test_undo_gives_the_colons_back(pilot: Pilot[None]) -> None:
    await pilot.press(*":tada:", "ctrl+z")
    assert text_of(pilot) == ":tada:"


async def test_a_click_takes_a_choice(pilot: Pilot[None]) -> None:
    await pilot.press("@")
    await pilot.pause()
    await pilot.click(ComposerChoices, offset=(2, 1))
    assert text_of(pilot) == "@Bob "
    await pilot.press("x")
    assert text_of(pilot) == "@Bob x"


async def test_moving_out_of_the_word_closes_the_choices(pilot: Pilot[None]) -> None:
    await pilot.press(*"hi @b", "home")
    assert shown(pilot) == []


async def test_choices_close_when_the_keys_go_elsewhere(pilot: Pilot[None]) -> None:
    await pilot.press("@")
    pilot.app.query_one("#elsewhere").focus()
    await pilot.pause()
    assert shown(pilot) == []


async def test_the_history_opens_no_choices(pilot: Pilot[None]) -> None:
    await pilot.press(*"older", "enter", *"@bo", "escape", "enter", "up")
    assert (text_of(pilot), shown(pilot)) == ("@bo", [])
    await pilot.press("up")
    assert text_of(pilot) == "older"
