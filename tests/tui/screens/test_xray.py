"""The x-ray screen: what it looks like, its keys, its mouse."""

from __future__ import annotations

import pytest
from lives import a_forged_life, a_life
from snapshots import Steps, check_screen, screen_lines
from textual.app import App
from textual.pilot import Pilot

from sottovoce.client.message_life import MessageLife
from sottovoce.tui.life_words import life_in_words
from sottovoce.tui.screens.xray import LayerNames, XrayScreen

NAMES = ("text", "content", "order", "padding", "encryption", "frame", "tls", "server")


class Host(App[object]):
    """An app that shows one x-ray."""

    def __init__(self, life: MessageLife) -> None:
        super().__init__()
        self._life = life

    def on_mount(self) -> None:
        self.push_screen(XrayScreen(life_in_words(self._life)))


def layer_of(app: App[object]) -> int:
    return app.screen.query_one(LayerNames).current


def press(*keys: str) -> Steps:
    async def steps(pilot: Pilot[object]) -> None:
        await pilot.press(*keys)
        await pilot.pause()

    return steps


@pytest.mark.parametrize(("number", "name"), list(enumerate(NAMES, 1)))
async def test_each_layer(number: int, name: str) -> None:
    await check_screen(f"xray_{name}", lambda: Host(a_life()), press(str(number)))


async def test_without_the_server() -> None:
    await check_screen("xray_offline", lambda: Host(a_life(is_online=False)), press("5"))


async def test_a_server_that_gives_other_bytes() -> None:
    await check_screen("xray_forged", lambda: Host(a_forged_life()), press("end"))


async def test_keys_go_from_layer_to_layer_and_stop_at_the_ends() -> None:
    async with Host(a_life()).run_test(size=(80, 24)) as pilot:
        app = pilot.app
        for key, layer in (
            ("left", 0), ("right", 1), ("tab", 2), ("l", 3), ("shift+tab", 2), ("h", 1), ("end", 7),
            ("right", 7), ("4", 3), ("home", 0),
        ):  # fmt: skip
            await pilot.press(key)
            assert layer_of(app) == layer, key


async def test_the_layer_scrolls_and_the_next_begins_at_its_top() -> None:
    async with Host(a_life()).run_test(size=(40, 12)) as pilot:
        await pilot.press("5")
        await pilot.pause()
        pane = pilot.app.screen.query_one(".layer")
        await pilot.press("pagedown", "down")
        assert pane.scroll_y == pane.size.height
        await pilot.press("up")
        assert pane.scroll_y == pane.size.height - 1
        await pilot.press("right")
        await pilot.pause()
        assert (layer_of(pilot.app), pane.scroll_y) == (5, 0)


@pytest.mark.parametrize("key", ["escape", "q", "f2"])
async def test_it_closes(key: str) -> None:
    async with Host(a_life()).run_test(size=(80, 24)) as pilot:
        await pilot.press(key)
        await pilot.pause()
        assert not isinstance(pilot.app.screen, XrayScreen)


async def test_a_name_is_chosen_by_the_mouse() -> None:
    async with Host(a_life()).run_test(size=(80, 24)) as pilot:
        column = screen_lines(pilot.app)[1].index("Padding")
        await pilot.click(LayerNames, offset=(column - 2, 0))
        assert layer_of(pilot.app) == 3


async def test_where_one_name_fits_its_halves_are_before_and_after() -> None:
    async with Host(a_life()).run_test(size=(40, 12)) as pilot:
        await pilot.click(LayerNames, offset=(30, 0))
        assert layer_of(pilot.app) == 1
        await pilot.click(LayerNames, offset=(1, 0))
        assert layer_of(pilot.app) == 0


@pytest.mark.parametrize(("width", "is_beside"), [(160, True), (110, True), (109, False), (40, False)])
async def test_the_servers_bytes_stand_beside_each_layer_where_there_is_room(
    width: int, is_beside: bool
) -> None:
    async with Host(a_life()).run_test(size=(width, 30)) as pilot:
        await pilot.pause()
        assert any("What the server has of it" in line for line in screen_lines(pilot.app)) == is_beside


async def test_of_a_long_message_the_beginning_and_the_end_are_drawn() -> None:
    async with Host(a_life("long " * 6000)).run_test(size=(80, 140)) as pilot:
        await pilot.press("5")
        await pilot.pause()
        shown = [line.strip("│ ") for line in screen_lines(pilot.app)]
        length = 4 + 17 + 8 + 1 + 1 + 29 + 4 + 65536 + 16
        assert f"the message as it travels  {length:,} bytes" in shown
        assert sum("more bytes …" in line for line in shown) == 1
        assert any(line.startswith(f"{(length - 1) // 16 * 16:05x} ") for line in shown)
