from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from hostile_texts import hostile_texts
from snapshots import screen_lines
from textual import events, on
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.widgets import Input, Static

from sottovoce.client.content import MAX_TEXT_LENGTH
from sottovoce.tui.safe_text import safe
from sottovoce.tui.widgets.composer import Composer

LOBBY, OFFICE = b"l" * 16, b"o" * 16


class QuickComposer(Composer):
    KEEP_AFTER = 0.001


class ComposerApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.composer = QuickComposer()
        self.given: list[tuple[str, ...]] = []
        self.keep_wanted = asyncio.Event()

    def compose(self) -> ComposeResult:
        yield Static("the timeline")
        yield self.composer
        yield Input(id="elsewhere")

    def on_mount(self) -> None:
        self.composer.switch(LOBBY)
        self.composer.focus()

    @on(Composer.KeepWanted)
    def keep(self) -> None:
        self.keep_wanted.set()

    @on(Composer.Sent)
    @on(Composer.CommandGiven)
    def take(self, message: Message) -> None:
        match message:
            case Composer.Sent(room_id=room_id, text=text):
                self.given.append((room_id[:1].decode(), text))
            case Composer.CommandGiven(name=name, argument=argument, typed=typed):
                self.given.append((name, argument, typed))


@pytest.fixture
async def pilot() -> AsyncIterator[Pilot[None]]:
    async with ComposerApp().run_test(size=(80, 24)) as pilot:
        yield pilot


def app_of(pilot: Pilot[None]) -> ComposerApp:
    assert isinstance(pilot.app, ComposerApp)
    return pilot.app


def composer_of(pilot: Pilot[None]) -> Composer:
    return app_of(pilot).composer


async def paste(pilot: Pilot[None], text: str) -> None:
    pilot.app.post_message(events.Paste(text))
    await pilot.pause()


def words_of(pilot: Pilot[None]) -> str:
    words = pilot.app.query_one("#composer-words", Static)
    return str(words.content) if words.display else ""


async def test_enter_sends(pilot: Pilot[None]) -> None:
    await pilot.press(*"hi", "enter")
    assert app_of(pilot).given == [("l", "hi")]
    assert composer_of(pilot).text == ""


async def test_each_key_finds_the_one_before_done(pilot: Pilot[None]) -> None:
    for key in ["h", "i", "enter", "y", "o", "enter", "up", "up", "enter", "a", "backspace", "z"]:
        pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))
    await pilot.pause()
    assert app_of(pilot).given == [("l", "hi"), ("l", "yo"), ("l", "hi")]
    assert composer_of(pilot).text == "z"


@pytest.mark.parametrize("key", ["alt+enter", "shift+enter", "ctrl+j"])
async def test_a_new_line_does_not_send(pilot: Pilot[None], key: str) -> None:
    await pilot.press("a", key, "b")
    assert (composer_of(pilot).text, app_of(pilot).given) == ("a\nb", [])
    await pilot.press("enter")
    assert app_of(pilot).given == [("l", "a\nb")]


async def test_nothing_is_not_sent(pilot: Pilot[None]) -> None:
    await pilot.press("enter", "space", "enter", "ctrl+j", "enter")
    assert app_of(pilot).given == []


async def test_a_paste_of_many_lines_is_one_message(pilot: Pilot[None]) -> None:
    await paste(pilot, "one\r\ntwo\rthree\n\tfour\n")
    assert app_of(pilot).given == []
    await pilot.press("enter")
    assert app_of(pilot).given == [("l", "one\ntwo\nthree\n    four")]


async def test_a_paste_is_sanitized(pilot: Pilot[None]) -> None:
    await paste(pilot, "a\x1b]52;c;ZXZpbA==\x07b\x9b31mc\u202ed\x00e")
    assert composer_of(pilot).text == "abcde"


async def test_a_paste_replaces_what_is_selected(pilot: Pilot[None]) -> None:
    await pilot.press(*"abc", "shift+left", "shift+left")
    await paste(pilot, "xyz")
    assert composer_of(pilot).text == "axyz"


async def test_a_paste_that_is_too_long_is_refused_in_words(pilot: Pilot[None]) -> None:
    await pilot.press("a")
    await paste(pilot, "x" * MAX_TEXT_LENGTH)
    assert composer_of(pilot).text == "a"
    assert "a message holds 32 KB" in words_of(pilot)
    await pilot.press("b")
    assert words_of(pilot) == ""


async def test_tabs_of_a_paste_count_as_the_blanks_they_become(pilot: Pilot[None]) -> None:
    await paste(pilot, "\t" * (MAX_TEXT_LENGTH // 2))
    assert composer_of(pilot).text == ""


async def test_what_is_too_long_is_not_sent_and_stays(pilot: Pilot[None]) -> None:
    await paste(pilot, "é" * (MAX_TEXT_LENGTH // 2))
    assert words_of(pilot) == "0 left"
    await pilot.press("!")
    assert words_of(pilot) == "1 too many"
    await pilot.press("enter")
    assert app_of(pilot).given == []
    assert "Not sent: 1 too many." in words_of(pilot)
    await pilot.press("backspace", "enter")
    assert app_of(pilot).given == [("l", "é" * (MAX_TEXT_LENGTH // 2))]


async def test_the_counter_appears_near_the_limit_alone(pilot: Pilot[None]) -> None:
    await paste(pilot, "x" * (MAX_TEXT_LENGTH - 1024))
    assert words_of(pilot) == ""
    await pilot.press("x")
    assert words_of(pilot) == "1023 left"


@pytest.mark.parametrize(
    ("typed", "given"),
    [
        ("/verify Bob done", ("verify", "Bob done", "/verify Bob done")),
        ("//who", ("l", "/who")),
        ("/var/log", ("l", "/var/log")),
        ("quit", ("quit", "", "quit")),
    ],
)
async def test_commands_are_told_from_text(pilot: Pilot[None], typed: str, given: tuple[str, ...]) -> None:
    await paste(pilot, typed)
    await pilot.press("enter")
    assert app_of(pilot).given == [given]


async def test_what_could_not_be_sent_comes_back_with_the_reason(pilot: Pilot[None]) -> None:
    await pilot.press(*"hi", "enter", *"more")
    composer_of(pilot).take_back(LOBBY, "hi", safe("Bob's key has changed."))
    await pilot.pause()
    assert composer_of(pilot).text == "hi\nmore"
    assert words_of(pilot) == "Bob's key has changed."


async def test_what_could_not_be_sent_comes_back_in_its_own_room(pilot: Pilot[None]) -> None:
    await pilot.press(*"hi", "enter")
    composer_of(pilot).switch(OFFICE)
    composer_of(pilot).take_back(LOBBY, "hi", safe("no"))
    assert (composer_of(pilot).text, words_of(pilot)) == ("", "")
    composer_of(pilot).switch(LOBBY)
    assert composer_of(pilot).text == "hi"


async def test_each_room_has_its_draft_and_cursor(pilot: Pilot[None]) -> None:
    await pilot.press(*"hello", "left", "left")
    composer_of(pilot).switch(OFFICE)
    assert composer_of(pilot).text == ""
    await pilot.press("x")
    composer_of(pilot).switch(LOBBY)
    await pilot.press("_")
    assert composer_of(pilot).text == "hel_lo"
    composer_of(pilot).switch(OFFICE)
    assert composer_of(pilot).text == "x"


async def test_up_walks_the_history_and_down_comes_back(pilot: Pilot[None]) -> None:
    await pilot.press(*"one", "enter", *"two", "ctrl+j", *"rows", "enter", *"draft")
    walk = []
    for key in ["up", "up", "up", "down", "down", "down", "down"]:
        await pilot.press(key)
        walk.append(composer_of(pilot).text)
    assert walk == ["two\nrows", "one", "one", "two\nrows", "draft", "draft", "draft"]


async def test_up_inside_a_wrapped_text_moves_the_cursor(pilot: Pilot[None]) -> None:
    await pilot.press(*"sent", "enter")
    await paste(pilot, "word " * 40)
    await pilot.press("up")
    assert composer_of(pilot).text == "word " * 40
    await pilot.press("up", "up")
    assert composer_of(pilot).text == "sent"


async def test_drafts_and_history_outlive_the_app(pilot: Pilot[None]) -> None:
    await pilot.press(*"sent", "enter", *"draft", "left")
    drafts, history = composer_of(pilot).drafts(), composer_of(pilot).history(LOBBY)
    app = ComposerApp()
    async with app.run_test() as later:
        app.composer.load_drafts(drafts)
        app.composer.load_history(LOBBY, history)
        await later.press("_")
        assert app.composer.text == "draf_t"
        await later.press("up")
        assert app.composer.text == "sent"


async def test_the_composer_grows_and_shrinks(pilot: Pilot[None]) -> None:
    rows = [composer_of(pilot).size.height]
    for text in ["1\n2\n3", "\n4\n5\n6\n7\n8\n9\n10"]:
        await paste(pilot, text)
        rows.append(composer_of(pilot).size.height)
    await pilot.press("f7", "delete")
    await pilot.pause()
    assert [*rows, composer_of(pilot).size.height] == [1, 3, 6, 1]


@pytest.mark.parametrize(("height", "rows"), [(12, 3), (24, 6), (48, 8)])
async def test_the_composer_leaves_room_for_the_timeline(height: int, rows: int) -> None:
    async with ComposerApp().run_test(size=(40, height)) as pilot:
        await paste(pilot, "\n" * 20)
        assert composer_of(pilot).size.height == rows


async def test_the_composer_fits_a_terminal_that_changes(pilot: Pilot[None]) -> None:
    await paste(pilot, "\n" * 20)
    await pilot.resize_terminal(80, 12)
    assert composer_of(pilot).size.height == 3
    await pilot.resize_terminal(80, 48)
    assert composer_of(pilot).size.height == 8


async def test_a_key_does_not_lay_the_screen_out_anew(pilot: Pilot[None]) -> None:
    laid_out: list[object] = []
    await pilot.press("x")
    pilot.app.screen.screen_layout_refresh_signal.subscribe(pilot.app, laid_out.append)
    await pilot.press(*"hello")
    assert laid_out == []
    await pilot.press("ctrl+j")
    await pilot.pause()
    assert laid_out


async def test_without_a_room_a_text_stays(pilot: Pilot[None]) -> None:
    composer_of(pilot).switch(b"")
    await pilot.press("a", "enter")
    assert (app_of(pilot).given, composer_of(pilot).text) == ([], "a")
    assert "no room is open" in words_of(pilot)
    await pilot.press("backspace", *"/new", "enter")
    assert app_of(pilot).given == [("new", "", "/new")]


async def test_keys_that_are_not_the_composers_reach_the_screen(pilot: Pilot[None]) -> None:
    seen: list[str] = []
    pilot.app.bind("ctrl+d,pageup", "note", description="")
    app_of(pilot).action_note = lambda: seen.append("key")  # type: ignore[attr-defined] # an action for this test alone
    await pilot.press("pageup", "ctrl+d")
    assert seen == ["key", "key"]
    await pilot.press(*"ab", "home", "ctrl+d")
    assert (composer_of(pilot).text, len(seen)) == ("b", 2)


async def test_editing_keys(pilot: Pilot[None]) -> None:
    await pilot.press(*"one", "space", *"two", "ctrl+w")
    assert composer_of(pilot).text == "one "
    await pilot.press("ctrl+a", "ctrl+k")
    assert composer_of(pilot).text == ""
    await pilot.press("ctrl+z")
    assert composer_of(pilot).text == "one "
    await pilot.press("ctrl+y")
    assert composer_of(pilot).text == ""
    await pilot.press(*"abc", "ctrl+e", "ctrl+u")
    assert composer_of(pilot).text == ""


async def test_changes_are_to_be_kept_after_a_while(pilot: Pilot[None]) -> None:
    wanted, composer = app_of(pilot).keep_wanted, composer_of(pilot)
    await pilot.press("a")
    await asyncio.wait_for(wanted.wait(), 10)
    for change in (composer.send, lambda: composer.take_back(LOBBY, "a"), lambda: composer.paste("b")):
        wanted.clear()
        change()
        await asyncio.wait_for(wanted.wait(), 10)


async def test_words_stand_where_nothing_is_typed(pilot: Pilot[None]) -> None:
    assert "Write a message" in "".join(screen_lines(pilot.app))
    composer_of(pilot).prompt(safe("Write to [b]team[/b]"))
    await pilot.pause()
    assert "Write to [b]team[/b]" in "".join(screen_lines(pilot.app))
    await pilot.press("x")
    assert "Write to" not in "".join(screen_lines(pilot.app))


async def test_joiners_can_be_typed(pilot: Pilot[None]) -> None:
    typed = "\u0645\u06cc\u200c\u062e❤\ufe0f"
    for character in typed:
        pilot.app.post_message(events.Key(character, character))
    await pilot.pause()
    assert composer_of(pilot).text == typed


@pytest.mark.parametrize("way", ["paste", "take_back", "draft", "history"])
async def test_hostile_texts_do_not_reach_the_terminal(pilot: Pilot[None], way: str) -> None:
    composer = composer_of(pilot)
    for number, text in enumerate(hostile_texts()):
        room_id = number.to_bytes(16, "big")
        composer.switch(room_id)
        kept = text.encode(errors="replace").decode()
        match way:
            case "paste":
                composer.paste(text)
            case "take_back":
                composer.take_back(room_id, text)
            case "draft":
                composer.load_drafts(msgspec.msgpack.encode({room_id: (kept, 0, 0)}))
            case "history":
                composer.load_history(room_id, msgspec.msgpack.encode([kept]))
                composer.walk(to_older=True)
        assert "shown" in composer.text
        assert all(line.isprintable() for line in composer.text.split("\n"))
        assert composer.drafts()
        if number % 40 == 0:
            await pilot.pause()
            assert all(line.isprintable() for line in screen_lines(pilot.app))
