"""Help is searched by typing."""

from __future__ import annotations

from screen_app import ScreenApp, shown
from screen_samples import HELP
from snapshots import screen_lines

from sottovoce.tui.screens.help import HelpScreen


def _text(app: ScreenApp) -> str:
    return "\n".join(screen_lines(app))


async def test_typing_leaves_what_holds_all_the_words() -> None:
    async with shown(lambda: HelpScreen(HELP)) as (app, pilot, _):
        assert "Keys" in _text(app)
        await pilot.press(*"NUMBERS", "space", *"veri")
        await pilot.pause()
        assert "/verify NAME" in _text(app)
        assert "/invite" not in _text(app)
        assert "Keys" not in _text(app)
        await pilot.press("z")
        await pilot.pause()
        assert "Nothing is called that" in _text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert app.results == [None]
