from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Input, OptionList

from sottovoce.tui import view
from sottovoce.tui.safe_text import safe_name
from sottovoce.tui.widgets.rooms_list import RoomsList


def room(name: str, number: int, **changes: object) -> view.Room:
    known = {"unread": 0, "access": "invite", "is_member": True, "has_alarm": False} | changes
    return view.Room(room_id=bytes([number]) * 16, name=safe_name(name), **known)


class OneList(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.chosen: list[bytes] = []

    def compose(self) -> ComposeResult:
        yield RoomsList()

    def on_rooms_list_chosen(self, event: RoomsList.Chosen) -> None:
        self.chosen.append(event.room_id)


ROOMS = (room("[b]bold", 1, unread=3), room("lobby", 2), room("the plan", 3, unread=5000, has_alarm=True))


def rows(app: App[None]) -> list[str]:
    options = app.query_one(OptionList)
    return [str(options.get_option_at_index(at).prompt).rstrip() for at in range(options.option_count)]


async def test_a_row_has_a_mark_the_name_as_it_is_and_the_unread_count() -> None:
    app = OneList()
    async with app.run_test(size=(24, 12)) as pilot:
        app.query_one(RoomsList).show(ROOMS, ROOMS[1].room_id)
        await pilot.pause()
        shown = rows(app)
    assert shown[0].split() == ["[b]bold", "3"]
    assert shown[1] == "> lobby"
    assert shown[2].split() == ["!", "the", "plan", "999+"]


async def test_typing_looks_for_a_room_and_enter_opens_it() -> None:
    app = OneList()
    async with app.run_test(size=(24, 12)) as pilot:
        app.query_one(RoomsList).show(ROOMS, ROOMS[1].room_id)
        app.query_one(Input).focus()
        await pilot.press("p", "l", "a", "n", "enter")
        await pilot.pause()
        assert app.chosen == [ROOMS[2].room_id]
        assert app.query_one(Input).value == ""
        assert len(rows(app)) == 3


async def test_the_chosen_row_stays_chosen_when_the_rooms_change() -> None:
    app = OneList()
    async with app.run_test(size=(24, 12)) as pilot:
        rooms_list = app.query_one(RoomsList)
        rooms_list.show(ROOMS, ROOMS[1].room_id)
        rooms_list.focus_list()
        await pilot.press("down")
        rooms_list.show((room("a new one", 9), *ROOMS), ROOMS[1].room_id)
        await pilot.press("enter")
        await pilot.pause()
        assert app.chosen == [ROOMS[2].room_id]


async def test_a_long_name_is_cut_before_its_count() -> None:
    app = OneList()
    async with app.run_test(size=(24, 12)) as pilot:
        app.query_one(RoomsList).show((room("a room with a very long name", 1, unread=7),), None)
        await pilot.pause()
        assert rows(app)[0].endswith("…  7") or rows(app)[0].endswith("… 7")


async def test_what_is_pasted_to_find_a_room_is_clean() -> None:
    app = OneList()
    async with app.run_test(size=(24, 12)) as pilot:
        field = app.query_one(Input)
        field.post_message(events.Paste("lo\x1b[2J\x9b31m\u202ebby"))
        await pilot.pause()
        assert field.value == "lobby"


async def test_a_letter_typed_in_the_list_begins_to_look_for_a_room() -> None:
    app = OneList()
    async with app.run_test(size=(24, 12)) as pilot:
        app.query_one(RoomsList).show(ROOMS, ROOMS[1].room_id)
        app.query_one(RoomsList).focus_list()
        await pilot.pause()
        await pilot.press("p", "l", "a", "n")
        await pilot.pause()
        assert app.query_one(Input).value == "plan"
        await pilot.press("enter")
        await pilot.pause()
        assert app.chosen == [ROOMS[2].room_id]
