from textual.app import App, ComposeResult
from textual.widgets import OptionList, Static

from sottovoce.tui import view
from sottovoce.tui.safe_text import safe_name
from sottovoce.tui.widgets.members import Members, member_row


def member(name: str, **changes: object) -> view.Member:
    known = {"devices": 1, "verified": False, "is_me": False, "key_changed": False} | changes
    return view.Member(user=safe_name(name), **known)


class OneList(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.chosen: list[str] = []

    def compose(self) -> ComposeResult:
        yield Members()

    def on_members_chosen(self, event: Members.Chosen) -> None:
        self.chosen.append(event.member.user)


def test_a_row_tells_how_far_somebody_is_to_be_trusted() -> None:
    assert str(member_row(member("Me", is_me=True, devices=2))) == "• Me  you  2 devices"
    assert str(member_row(member("Bob", verified=True))) == "✓ Bob"
    assert str(member_row(member("Carol"))) == "? Carol"
    assert str(member_row(member("Dan", verified=True, key_changed=True))) == "! Dan  key changed"
    assert str(member_row(member("[b]Eve"))) == "? [b]Eve"


async def test_enter_chooses_a_member() -> None:
    app = OneList()
    async with app.run_test(size=(24, 12)) as pilot:
        members = app.query_one(Members)
        members.show((member("Me", is_me=True), member("Bob")))
        assert str(app.query_one(Static).content) == "2 members"
        members.focus_list()
        await pilot.press("down", "enter")
        await pilot.pause()
        assert app.chosen == ["Bob"]
        members.show((member("Me", is_me=True),))
        assert app.query_one(OptionList).option_count == 1
        assert str(app.query_one(Static).content) == "1 member"
