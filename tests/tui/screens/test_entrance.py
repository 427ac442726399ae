"""The first run, from a pasted link to one's own: what is refused comes back to where it can be mended."""

from __future__ import annotations

import asyncio
from typing import Any  # the options of ``enter``

import pytest
from screen_app import until
from screen_samples import INVITE, LINK, LOCAL, SampleDoor
from snapshots import screen_lines
from textual import events
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input

from sottovoce.tui.safe_text import Safe
from sottovoce.tui.screens.account import AccountScreen, Entered
from sottovoce.tui.screens.door import Place, Refusal, Step, Tell
from sottovoce.tui.screens.entrance import enter
from sottovoce.tui.screens.invite import InviteScreen
from sottovoce.tui.screens.server import ServerScreen

_PASSWORD = "seven tall cranes at dawn"


class _FirstRun(App[None]):
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, door: SampleDoor, **options: Any) -> None:
        super().__init__()
        self.animation_level = "none"
        self._door, self._options = door, options
        self.results: list[Entered | None] = []

    def on_mount(self) -> None:
        self.run_worker(self._enter())

    async def _enter(self) -> None:
        self.results.append(await enter(self, self._door, **self._options))


def _value(app: App[None], field_id: str) -> str:
    return app.screen.query_one(f"#{field_id}", Input).value


async def _reach(pilot: Pilot[None], screen: type[object]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, screen))
    await pilot.pause()


async def _new_account(pilot: Pilot[None], user: str, password: str) -> None:
    await _reach(pilot, AccountScreen)
    await pilot.press(*user, "enter", *_typed(password), "enter", *_typed(password), "enter")


def _typed(text: str) -> list[str]:
    return ["space" if letter == " " else letter for letter in text]


async def _says(pilot: Pilot[None], text: str) -> None:
    await until(pilot, lambda: text in " ".join("".join(screen_lines(pilot.app)).split()))


async def test_a_pasted_link_a_new_account_and_a_link_for_friends() -> None:
    door = SampleDoor()
    app = _FirstRun(door)
    async with app.run_test(size=(80, 24)) as pilot:
        await _reach(pilot, ServerScreen)
        app.screen.query_one(Input).post_message(events.Paste(LINK))
        await _says(pilot, "✓ An invitation into friday crew")
        await pilot.press("enter")
        await _new_account(pilot, "alice", _PASSWORD)
        await _reach(pilot, InviteScreen)
        await _says(pilot, "You are in friday crew")
        assert app.results == []
        await pilot.press("escape")
        await until(pilot, lambda: app.results)
    assert app.results == [Entered(Safe("alice"), is_new=True)]
    assert door.entered == [(LINK, "alice", _PASSWORD, True)]


async def test_a_link_pasted_in_pieces_is_whole_and_shows_nothing_a_terminal_acts_on() -> None:
    async with _FirstRun(SampleDoor()).run_test() as pilot:
        await _reach(pilot, ServerScreen)
        torn = f"  {LINK[:30]}\r\n{LINK[30:60]}\n  {LINK[60:]}\x1b[2J\x9b31m\n"
        pilot.app.screen.query_one(Input).post_message(events.Paste(torn))
        await _says(pilot, "✓ An invitation into friday crew")
        assert _value(pilot.app, "where") == LINK


async def test_an_empty_field_means_the_server_on_this_machine() -> None:
    door = SampleDoor()
    async with _FirstRun(door).run_test() as pilot:
        await _reach(pilot, ServerScreen)
        await pilot.press("enter")
        await _new_account(pilot, "alice", _PASSWORD)
        await until(pilot, lambda: door.entered)
    assert door.entered[0][0] is None


async def test_without_a_server_here_an_empty_field_is_asked_for() -> None:
    async with _FirstRun(SampleDoor(None)).run_test() as pilot:
        await _reach(pilot, ServerScreen)
        await pilot.press("enter")
        await _says(pilot, "Paste an invite link, or type an address")
        assert len(pilot.app.screen.query("#local")) == 0


async def test_a_torn_link_is_explained_and_stays() -> None:
    async with _FirstRun(SampleDoor()).run_test() as pilot:
        await _reach(pilot, ServerScreen)
        await pilot.press(*"sottovoce", "colon", "slash", "slash", "a", "enter")
        await _says(pilot, "This is not a whole invite link")
        assert _value(pilot.app, "where") == "sottovoce://a"


async def test_a_wrong_password_alone_is_forgotten() -> None:
    app = _FirstRun(SampleDoor(), is_chosen=True, user="alice")
    async with app.run_test() as pilot:
        await _reach(pilot, AccountScreen)
        await pilot.press("shift+tab", "shift+tab", "right", "tab", "tab", *"wrong", "enter")
        await _says(pilot, "password is wrong")
        assert (_value(app, "name"), _value(app, "password")) == ("alice", "")
        assert app.screen.focused is app.screen.query_one("#password")
        await pilot.press(*"right", "enter")
        await until(pilot, lambda: app.results)
    assert app.results == [Entered(Safe("alice"), is_new=False)]


async def test_a_taken_name_keeps_the_password() -> None:
    app = _FirstRun(SampleDoor(), is_chosen=True)
    async with app.run_test() as pilot:
        await _new_account(pilot, "bob", _PASSWORD)
        await _says(pilot, "The name bob is taken")
        assert app.screen.focused is app.screen.query_one("#name")
        assert _value(app, "password") == _PASSWORD


async def test_a_server_that_is_not_there_is_asked_for_again_with_everything_kept() -> None:
    app = _FirstRun(SampleDoor(), typed="gone.example.org")
    async with app.run_test() as pilot:
        await _reach(pilot, ServerScreen)
        assert _value(app, "where") == "gone.example.org"
        await pilot.press("enter")
        await _new_account(pilot, "alice", _PASSWORD)
        await _reach(pilot, ServerScreen)
        await _says(pilot, "cannot be reached")
        field = app.screen.query_one("#where", Input)
        assert field.value == "gone.example.org"
        field.value = "here.example.org"
        await pilot.press("enter")
        await _reach(pilot, AccountScreen)
        assert (_value(app, "name"), _value(app, "password")) == ("alice", _PASSWORD)


async def test_a_link_of_the_command_line_that_is_refused_is_asked_for() -> None:
    app = _FirstRun(SampleDoor(), typed="sottovoce://x", is_chosen=True)
    async with app.run_test() as pilot:
        await _reach(pilot, ServerScreen)
        await _says(pilot, "This is not a whole invite link")
        assert _value(app, "where") == "sottovoce://x"


async def test_back_keeps_what_was_typed() -> None:
    app = _FirstRun(SampleDoor(), is_chosen=True)
    async with app.run_test() as pilot:
        await _reach(pilot, AccountScreen)
        await pilot.press(*"alice", "enter", *"secret")
        await pilot.click("#back")
        await _reach(pilot, ServerScreen)
        await pilot.press("enter")
        await _reach(pilot, AccountScreen)
        assert (_value(app, "name"), _value(app, "password")) == ("alice", "secret")


@pytest.mark.parametrize("is_chosen", [False, True])
async def test_escape_gives_up(is_chosen: bool) -> None:
    app = _FirstRun(SampleDoor(), is_chosen=is_chosen)
    async with app.run_test() as pilot:
        await _reach(pilot, AccountScreen if is_chosen else ServerScreen)
        await pilot.press("escape")
        await until(pilot, lambda: app.results)
    assert app.results == [None]


async def test_one_known_account_is_offered() -> None:
    class _Known(SampleDoor):
        async def find(self, typed: str | None) -> Place:
            return Place(typed, LOCAL, accounts=(Safe("alice"),))

    app = _FirstRun(_Known(), is_chosen=True)
    async with app.run_test() as pilot:
        await _reach(pilot, AccountScreen)
        assert _value(app, "name") == "alice"
        await pilot.press(*"right", "enter")
        await until(pilot, lambda: app.results)
    assert app.results == [Entered(Safe("alice"), is_new=False)]


async def test_who_gets_no_link_is_in_all_the_same() -> None:
    class _NoLink(SampleDoor):
        async def invite(self) -> None:  # type: ignore[override]  # it never returns
            raise Refusal(Safe("not now"), Step.SERVER)

    app = _FirstRun(_NoLink(), is_chosen=True)
    async with app.run_test() as pilot:
        await _new_account(pilot, "alice", _PASSWORD)
        await until(pilot, lambda: app.results)
    assert app.results == [Entered(Safe("alice"), is_new=True)]
    assert INVITE.room == "friday crew"


class _SlowDoor(SampleDoor):
    """Makes keys for ever; ``cancelled`` once it was stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.cancelled = False

    async def enter(self, place: Place, user: str, password: str, *, is_new: bool, tell: Tell) -> None:
        tell(Safe("Making your keys"))
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


async def test_entering_says_what_it_does_and_escape_stops_it() -> None:
    door = _SlowDoor()
    app = _FirstRun(door, is_chosen=True)
    async with app.run_test() as pilot:
        await _new_account(pilot, "alice", _PASSWORD)
        await _says(pilot, "Making your keys …")
        assert app.screen.query_one("#enter").disabled
        await pilot.press("escape")
        await _says(pilot, "Stopped.")
        await until(pilot, lambda: door.cancelled)
        assert (_value(app, "name"), app.results) == ("alice", [])
        assert not app.screen.query_one("#enter").disabled
