import pytest
from textual.app import App, ComposeResult

from sottovoce.tui import view
from sottovoce.tui.safe_text import NOTHING, safe, safe_name
from sottovoce.tui.widgets import status_line
from sottovoce.tui.widgets.status_line import StatusLine

ONLINE = view.LinkState(is_online=True, server=safe("here:1"), reason=NOTHING, retry_in=None)


def details(*, unseen: int = 0, blocked: bool = False, verified: bool = True) -> view.RoomDetails:
    return view.RoomDetails(
        room=view.Room(bytes(16), safe("lobby"), 0, "open", is_member=True, has_alarm=False),
        members=(
            view.Member(safe_name("me"), 1, verified=False, is_me=True, key_changed=False),
            view.Member(safe_name("Bob"), 1, verified=verified, is_me=False, key_changed=False),
        ),
        security=view.RoomSecurity(safe("MLS_SUITE"), 7, "00" * 8, all_verified=verified),
        unseen=unseen,
        waits_for=safe_name("bob" if blocked else ""),
    )


class OneLine(App[None]):
    def compose(self) -> ComposeResult:
        yield StatusLine()


async def shown(width: int, *, link: view.LinkState = ONLINE, unread: int = 0, **what: bool | int) -> str:
    app = OneLine()
    async with app.run_test(size=(width, 3)) as pilot:
        line = app.query_one(StatusLine)
        line.show_link(link)
        line.show_room(details(**what), unread, is_quiet=False)
        await pilot.pause()
        return str(line.render())


async def test_the_whole_line_where_there_is_space() -> None:
    assert await shown(100, unread=3) == "● online  3 unread (F3)  ✓ all verified  epoch 7  SUITE"


async def test_what_matters_least_goes_first() -> None:
    assert await shown(40, unread=3, unseen=2) == "● online  ! 2 alarms (F6)"
    assert await shown(60, unread=3, unseen=1) == "● online  ! 1 alarm (F6)  3 unread (F3)  ✓ all verified"


async def test_somebody_who_is_not_verified_is_counted() -> None:
    assert "1 not verified" in await shown(80, verified=False)


async def test_a_blocked_room_says_so() -> None:
    assert "! bob: key changed (F6)" in await shown(80, unseen=1, blocked=True)


async def test_an_alarm_of_another_room_is_told_where_the_rooms_are_hidden() -> None:
    app = OneLine()
    async with app.run_test(size=(40, 3)) as pilot:
        line = app.query_one(StatusLine)
        line.show_link(ONLINE)
        line.show_room(details(), 3, is_quiet=True, has_alarm_elsewhere=True)
        await pilot.pause()
        assert "! alarm in another room (F3)" in str(line.render())


async def test_offline_tells_when_the_next_try_is(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(status_line, "monotonic", lambda: now)
    away = view.LinkState(is_online=False, server=safe("here:1"), reason=safe("gone"), retry_in=9.0)
    assert (await shown(80, link=away)).startswith("○ offline, next try in 9 s")
    trying = view.LinkState(is_online=False, server=safe("here:1"), reason=safe("gone"), retry_in=0.0)
    assert (await shown(80, link=trying)).startswith("○ offline, trying now")


async def test_an_alarm_is_the_last_to_go() -> None:
    assert await shown(26, blocked=True, unread=5) == "! bob: key changed (F6)"


async def test_an_end_is_told() -> None:
    app = OneLine()
    async with app.run_test(size=(80, 3)):
        line = app.query_one(StatusLine)
        line.show_end(safe("The key changed."))
        assert str(line.render()).startswith("✗ stopped: The key changed.")
