from textual.app import App, ComposeResult

from sottovoce.tui.widgets.keys_line import KeyHint, KeysLine

HINTS = (KeyHint("F1", "Help", "help"), KeyHint("Ctrl+P", "Find", "palette"), KeyHint("F3", "Rooms", "rooms"))


class OneLine(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.pressed: list[str] = []

    def compose(self) -> ComposeResult:
        yield KeysLine()

    def on_keys_line_pressed(self, event: KeysLine.Pressed) -> None:
        self.pressed.append(event.command)


async def test_what_fits_is_shown_in_its_order() -> None:
    for width, shown in ((40, "F1 Help  Ctrl+P Find  F3 Rooms"), (20, "F1 Help  F3 Rooms"), (8, "")):
        app = OneLine()
        async with app.run_test(size=(width, 2)) as pilot:
            app.query_one(KeysLine).show(HINTS)
            await pilot.pause()
            assert str(app.query_one(KeysLine).render()) == shown


async def test_a_click_runs_the_command_under_the_pointer() -> None:
    app = OneLine()
    async with app.run_test(size=(40, 2)) as pilot:
        app.query_one(KeysLine).show(HINTS)
        await pilot.pause()
        await pilot.click(KeysLine, offset=(12, 0))
        await pilot.click(KeysLine, offset=(9, 0))
        await pilot.click(KeysLine, offset=(35, 0))
        await pilot.pause()
        assert app.pressed == ["palette"]
