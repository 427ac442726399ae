"""What the main view shows of the news it hears, without the SDK."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from snapshots import check_screen, screen_lines
from textual.app import App
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widget import Widget

from sottovoce.tui import view
from sottovoce.tui.chat_screen import ChatScreen
from sottovoce.tui.safe_text import NOTHING, Safe, safe, safe_lines, safe_name
from sottovoce.tui.settings import Settings
from sottovoce.tui.themes import THEMES

AT = datetime(2026, 11, 22, 9, 5, tzinfo=UTC)
LOBBY, CREW, PLAN = bytes([1]) * 16, bytes([2]) * 16, bytes([3]) * 16


def message(
    position: int,
    sender: str,
    text: str,
    minutes: int = 0,
    delivery: view.Delivery = view.Delivery.STORED,
) -> view.Message:
    return view.Message(
        position=position,
        seq=position if delivery is view.Delivery.STORED else 0,
        at=AT + timedelta(minutes=minutes),
        sender=safe_name(sender),
        text=safe_lines(text),
        is_mine=sender == "alice",
        verified=sender == "bob",
        message_id=bytes([position % 256]) * 32,
        delivery=delivery,
    )


def notice(position: int, text: str, level: view.Level, minutes: int = 0) -> view.Notice:
    return view.Notice(position, position, AT + timedelta(minutes=minutes), safe(text), level)


def room(room_id: bytes, name: str, unread: int = 0, *, has_alarm: bool = False) -> view.Room:
    return view.Room(room_id, safe_name(name), unread, "invite", is_member=True, has_alarm=has_alarm)


def details(unseen: int = 0, waits_for: str = "", room_id: bytes = CREW) -> view.RoomDetails:
    return view.RoomDetails(
        room=room(room_id, "friday crew", has_alarm=unseen > 0),
        members=(
            view.Member(safe_name("alice"), 2, verified=False, is_me=True, key_changed=False),
            view.Member(safe_name("bob"), 1, verified=True, is_me=False, key_changed=bool(waits_for)),
            view.Member(safe_name("carol"), 1, verified=False, is_me=False, key_changed=False),
        ),
        security=view.RoomSecurity(
            Safe("MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519"), 7, "00" * 8, all_verified=False
        ),
        unseen=unseen,
        waits_for=safe_name(waits_for),
    )


LINES: Sequence[view.Line] = (
    notice(1, "bob joined", view.Level.INFO),
    message(2, "bob", "Does anybody have the keys of the boat?"),
    message(3, "carol", "I left them with Erin.\nShe is back on Thursday.", 2),
    message(4, "alice", "Then I'll ask her.", 3),
    message(5, "bob", "Thanks! 🚣", 30),
)
ROOMS = (room(CREW, "friday crew"), room(LOBBY, "lobby", 2), room(PLAN, "the plan", has_alarm=True))
ONLINE = view.LinkState(is_online=True, server=Safe("here:1"), reason=NOTHING, retry_in=None)
AWAY = view.LinkState(is_online=False, server=Safe("here:1"), reason=Safe("gone"), retry_in=0.0)


def opened(lines: Sequence[view.Line] = LINES, read: int = 5, **what: object) -> view.News:
    page = view.Page(tuple(lines), has_older=False)
    return view.News(
        link=ONLINE, rooms=ROOMS, opened=view.OpenedRoom(details(**what), page, read), room_id=CREW
    )


class OneChat(App[object]):
    """An app that hears what the test says."""

    def __init__(self, *news: view.News) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = THEMES[0].name
        self.chat = ChatScreen()
        self.chat.take_settings(Settings(time_zone="UTC"))
        self.news = news
        self.posted: list[object] = []

    async def on_mount(self) -> None:
        await self.push_screen(self.chat)
        for news in self.news:
            self.chat.hear(news)

    def on_chat_screen_read(self, event: ChatScreen.Read) -> None:
        self.posted.append(event.position)

    def on_chat_screen_room_wanted(self, event: ChatScreen.RoomWanted) -> None:
        self.posted.append(event.room_id)

    def on_chat_screen_command_wanted(self, event: ChatScreen.CommandWanted) -> None:
        self.posted.append((event.name, event.argument))

    def on_chat_screen_thrown_out(self, event: ChatScreen.ThrownOut) -> None:
        self.posted.append(event.name)


async def test_the_main_view() -> None:
    await check_screen("chat", lambda: OneChat(opened()))


async def test_the_main_view_before_any_room_is_open() -> None:
    await check_screen("chat_empty", lambda: OneChat(view.News(link=ONLINE, rooms=ROOMS[1:])))


async def test_the_main_view_when_the_server_is_away() -> None:
    queued = message(view.QUEUED_FROM + 1, "alice", "On my way!", 31, view.Delivery.QUEUED)
    await check_screen(
        "chat_offline", lambda: OneChat(opened(), view.News(link=AWAY, room_id=CREW, lines=(queued,)))
    )


async def test_the_main_view_with_alarms() -> None:
    lines = (
        *LINES,
        notice(6, "2 messages are missing here. Ask for them again.", view.Level.WARNING, 31),
        notice(7, "The key of bob has changed.", view.Level.ALARM, 32),
    )
    await check_screen("chat_alarms", lambda: OneChat(opened(lines, 7, unseen=2, waits_for="bob")))


async def test_the_rooms_above_a_narrow_main_view() -> None:
    async def go(pilot: Pilot[object]) -> None:
        await pilot.press("f3")
        await pilot.pause()

    class Obeying(OneChat):
        def on_chat_screen_command_wanted(self, event: ChatScreen.CommandWanted) -> None:
            self.chat.toggle_rooms()

    await check_screen("chat_rooms", lambda: Obeying(opened()), go)


async def test_it_begins_as_the_settings_say() -> None:
    app = OneChat(opened())
    app.chat.take_settings(Settings(time_zone="Pacific/Kiritimati", clock=12, show_seconds=True, quiet=True))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        text = "\n".join(screen_lines(app))
        assert "carol  11:07:00 pm" in text
        assert "do not disturb" in text


async def test_what_is_read_is_told_once_and_only_while_somebody_looks() -> None:
    app = OneChat(opened(read=2))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert app.posted == [5]
        app.app_focus = False
        app.chat.hear(view.News(room_id=CREW, lines=(message(8, "bob", "Hello?", 40),)))
        await pilot.pause()
        assert app.posted == [5]
        app.app_focus = True
        app.chat.hear(view.News(room_id=CREW, details=details()))
        await pilot.pause()
        assert app.posted == [5, 8]


async def test_the_open_room_has_nothing_unread_while_somebody_reads_it() -> None:
    app = OneChat(opened())
    counted = (room(CREW, "friday crew", 7), *ROOMS[1:])
    async with app.run_test(size=(100, 30)) as pilot:
        app.chat.hear(view.News(rooms=counted))
        await pilot.pause()
        assert not any(re.search(r"> friday crew +7\b", line) for line in screen_lines(app))
        app.app_focus = False
        app.chat.hear(view.News(rooms=counted))
        await pilot.pause()
        assert any(re.search(r"> friday crew +7\b", line) for line in screen_lines(app))


async def test_a_message_draws_nothing_but_the_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many come in a second, and a key waits for what each of them draws."""
    app = OneChat(opened([message(number, "bob", "again") for number in range(2, 90)], 90))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        drawn: set[tuple[str, bool]] = set()
        refresh = Widget.refresh

        def note(widget: Widget, *regions: Region, layout: bool = False, **how: bool) -> Widget:
            drawn.add((type(widget).__name__, layout))
            return refresh(widget, *regions, layout=layout, **how)

        monkeypatch.setattr(Widget, "refresh", note)
        more = replace(details(), room=room(CREW, "friday crew", 1))
        lines = (message(90, "bob", "and again"),)
        app.chat.hear(view.News(rooms=(more.room, *ROOMS[1:]), details=more, room_id=CREW, lines=lines))
        await pilot.pause()
        assert drawn == {("Timeline", False), ("ScrollBar", False)}
        assert "and again" in "\n".join(screen_lines(app))


async def test_a_queued_message_takes_its_place_when_it_is_stored() -> None:
    queued = message(view.QUEUED_FROM + 9, "alice", "On my way!", 31, view.Delivery.QUEUED)
    stored = view.Message(
        9, 9, queued.at, queued.sender, queued.text, queued.is_mine, queued.verified, queued.message_id,
        view.Delivery.STORED,
    )  # fmt: skip
    app = OneChat(opened())
    async with app.run_test(size=(100, 30)) as pilot:
        app.chat.hear(view.News(room_id=CREW, lines=(queued,)))
        await pilot.pause()
        assert app.chat.timeline.lines[-1] == queued
        app.chat.hear(view.News(room_id=CREW, lines=(message(8, "bob", "Hello?", 40), stored)))
        await pilot.pause()
        assert [line.position for line in app.chat.timeline.lines][-3:] == [5, 8, 9]


async def test_lines_of_another_room_are_not_shown() -> None:
    app = OneChat(opened())
    async with app.run_test(size=(100, 30)) as pilot:
        app.chat.hear(view.News(room_id=PLAN, lines=(message(9, "bob", "elsewhere"),)))
        await pilot.pause()
        assert "elsewhere" not in "\n".join(screen_lines(app))


async def test_going_from_room_to_room() -> None:
    app = OneChat(opened())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        app.chat.step_room(1)
        app.chat.step_room(-1)
        app.chat.step_room(1, only_unread=True)
        await pilot.pause()
        assert app.posted == [LOBBY, PLAN, LOBBY]


async def test_a_room_that_is_gone_is_told_and_another_one_wanted() -> None:
    app = OneChat(opened())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        app.chat.hear(view.News(rooms=ROOMS[1:]))
        await pilot.pause()
        assert app.posted == ["friday crew", LOBBY]
        assert app.chat.room_id is None
        assert "friday crew" not in "\n".join(screen_lines(app))


async def test_keys_slashes_and_clicks_ask_for_the_same_commands() -> None:
    app = OneChat(opened())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        await pilot.press("f5", *"/verify bob", "enter")
        await pilot.click("#keys", offset=(2, 0))
        await pilot.click("#status", offset=(2, 0))
        await pilot.pause()
        assert app.posted == [("invite", ""), ("verify", "bob"), ("help", ""), ("security", "")]


async def test_esc_goes_from_writing_to_reading_and_back() -> None:
    app = OneChat(opened())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert app.chat.composer.has_focus_within
        await pilot.press("escape")
        assert app.chat.timeline.has_focus
        assert "Enter actions" in "\n".join(screen_lines(app))
        await pilot.press("escape")
        assert app.chat.composer.has_focus_within


async def test_every_size_from_tiny_on_is_survived() -> None:
    app = OneChat(opened())
    async with app.run_test(size=(160, 48)) as pilot:
        for width, height in ((10, 3), (1, 1), (40, 12), (79, 5), (120, 10), (3, 40), (80, 24)):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
        assert "Thanks!" in "\n".join(screen_lines(app))
