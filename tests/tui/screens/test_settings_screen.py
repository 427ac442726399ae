"""Settings change where they stand, at once."""

from __future__ import annotations

from screen_app import shown
from screen_samples import SETTINGS
from snapshots import screen_lines
from textual.message import Message

from sottovoce.tui.screens.help import SCREEN_READER
from sottovoce.tui.screens.settings import SettingsScreen

_BEFORE = {setting.key: setting.value for setting in SETTINGS}


def _changes(messages: list[Message]) -> list[tuple[str, str]]:
    changes = [m for m in messages if isinstance(m, SettingsScreen.Changed)]
    return list(dict.fromkeys((change.key, change.value) for change in changes))


async def test_arrow_keys_change_and_every_change_is_told() -> None:
    async with shown(lambda: SettingsScreen(SETTINGS)) as (app, pilot, messages):
        await pilot.press("right", "right", "left", "down", "space")
        await pilot.pause()
        assert _changes(messages) == [("theme", "light"), ("theme", "high contrast"), ("compact", "yes")]
        await pilot.press("escape")
        await pilot.pause()
        assert app.results == [_BEFORE | {"theme": "light", "compact": "yes"}]


async def test_a_setting_of_many_values_opens_a_list() -> None:
    async with shown(lambda: SettingsScreen(SETTINGS)) as (app, pilot, _):
        await pilot.press("down", "down", "enter")
        await pilot.pause()
        await pilot.press(*"oslo", "enter")
        await pilot.pause()
        assert "Europe/Oslo" in "\n".join(screen_lines(app))
        await pilot.click("#close")
        await pilot.pause()
        assert app.results == [_BEFORE | {"zone": "Europe/Oslo"}]


async def test_the_mouse_changes_too() -> None:
    async with shown(lambda: SettingsScreen(SETTINGS)) as (app, pilot, _):
        row = app.screen.query("SettingRow")[3]
        await pilot.click(row)
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        assert app.results == [_BEFORE | {"bell": "yes"}]


async def test_each_row_is_explained_and_who_hears_the_screen_is_advised() -> None:
    async with shown(lambda: SettingsScreen(SETTINGS)) as (app, pilot, _):
        assert "How bright the app is." in "\n".join(screen_lines(app))
        await pilot.press("up")
        await pilot.pause()
        text = " ".join(line.strip(" │") for line in screen_lines(app))
        assert SCREEN_READER in text
