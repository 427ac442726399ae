from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from snapshots import check_screen, screen_lines
from textual.events import MouseScrollUp
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.selection import SELECT_ALL, Selection

sys.path.insert(0, str(Path(__file__).parent))

from timeline_samples import TimelineApp, message, notice, page, queued

from sottovoce.tui.view import Delivery, Level, Message, Page
from sottovoce.tui.widgets.timeline import WAY_BACK, Timeline

HUNDRED = page(*(message(position) for position in range(100)))


def shown(app: TimelineApp) -> list[str]:
    """The rows of the screen without the scroll bar's column."""
    return [row[:-1].rstrip() if len(row) == app.size.width else row for row in screen_lines(app)]


def texts(app: TimelineApp) -> list[str]:
    return [row.strip() for row in shown(app) if row.startswith("   ")]


async def test_it_opens_at_the_end_and_follows_it() -> None:
    app = TimelineApp(HUNDRED)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        assert texts(app)[-1] == "message 99"
        app.timeline.append([message(100), message(101)])
        await pilot.pause()
        assert texts(app)[-1] == "message 101"
        assert app.said(Timeline.EndSeen) == [Timeline.EndSeen(99), Timeline.EndSeen(101)]
        assert app.timeline.place is None


async def test_who_has_scrolled_up_stays_there_and_hears_of_new_messages() -> None:
    app = TimelineApp(HUNDRED)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("pageup")
        await pilot.pause()
        before = shown(app)
        app.timeline.append([message(100), notice(101, "Bob left"), message(102)])
        await pilot.pause()
        assert shown(app)[:-1] == before[:-1]
        assert shown(app)[-1].strip() == "2 new below · End"
        await pilot.press("end")
        await pilot.pause()
        assert texts(app)[-1] == "message 102"
        app.timeline.append([message(103)])
        await pilot.pause()
        assert texts(app)[-1] == "message 103"


async def test_the_marker_can_be_clicked() -> None:
    app = TimelineApp(HUNDRED)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("home")
        app.timeline.append([message(100)])
        await pilot.pause()
        await pilot.click(Timeline, offset=(20, 9))
        await pilot.pause()
        assert texts(app)[-1] == "message 100"


async def test_older_lines_come_above_what_is_on_the_screen() -> None:
    app = TimelineApp(page(*(message(position) for position in range(50, 100)), has_older=True))
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        assert app.said(Timeline.OlderWanted) == []
        await pilot.press("home")
        await pilot.pause()
        assert app.said(Timeline.OlderWanted) == [Timeline.OlderWanted(50)]
        before = shown(app)
        assert "older messages come up" in before[0]
        app.timeline.prepend(page(*(message(position) for position in range(50))))
        await pilot.pause()
        assert shown(app)[3:] == before[3:]  # the three rows above the first text were the beginning's
        await pilot.press("home")
        await pilot.pause()
        assert "the room begins here" in shown(app)[0]
        assert texts(app)[0] == "message 0"
        assert len(app.said(Timeline.OlderWanted)) == 1


def messages(start: int, end: int, *, has_older: bool = True) -> Page:
    return page(*(message(position) for position in range(start, end)), has_older=has_older)


async def test_on_the_way_to_the_very_first_line_all_are_loaded() -> None:
    app = TimelineApp(messages(500, 600))
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("ctrl+home")
        await pilot.pause()
        assert app.said(Timeline.OlderWanted)[-1] == Timeline.OlderWanted(500, WAY_BACK)
        app.timeline.prepend(messages(300, 500))
        await pilot.pause()
        assert texts(app)[0] == "message 300"
        assert app.said(Timeline.OlderWanted)[-1] == Timeline.OlderWanted(300, WAY_BACK)
        app.timeline.prepend(messages(0, 300, has_older=False))
        await pilot.pause()
        assert "the room begins here" in shown(app)[0]
        assert texts(app)[0] == "message 0"
        assert len(app.timeline.lines) == 600
        asked = len(app.said(Timeline.OlderWanted))
        await pilot.press("end", "ctrl+home")
        await pilot.pause()
        assert texts(app)[0] == "message 0"
        assert len(app.said(Timeline.OlderWanted)) == asked


@pytest.mark.parametrize("key", ["pagedown", "end", "up"])
async def test_who_goes_elsewhere_on_the_way_to_the_first_line_stays_there(key: str) -> None:
    app = TimelineApp(messages(500, 600))
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("ctrl+home", key)
        await pilot.pause()
        before = shown(app)
        app.timeline.prepend(messages(400, 500))
        await pilot.pause()
        assert shown(app)[3:] == before[3:]
        app.timeline.prepend(messages(300, 400))
        await pilot.pause()
        assert shown(app)[3:] == before[3:]


async def test_a_message_of_ones_own_ends_the_way_to_the_first_line() -> None:
    app = TimelineApp(messages(500, 600))
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("ctrl+home")
        app.timeline.append([queued(0, "here I am", 700, minutes=700)])
        app.timeline.prepend(messages(400, 500))
        await pilot.pause()
        assert "here I am" in texts(app)[-1]


async def test_a_resize_keeps_the_line_at_the_top() -> None:
    long = " ".join(f"word{number}" for number in range(30))
    app = TimelineApp(page(*(message(position, f"number {position} {long}") for position in range(100))))
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.press("pageup", "pageup", "pageup")
        await pilot.pause()
        place = app.timeline.place
        assert place is not None
        for width in (40, 60, 120, 80):
            await pilot.resize_terminal(width, 20)
            await pilot.pause()
            assert app.timeline.place is not None
            assert app.timeline.place[0] == place[0]
        await pilot.press("end")
        await pilot.resize_terminal(50, 12)
        await pilot.pause()
        assert texts(app)[-1].endswith("word29")
        assert app.timeline.place is None


async def test_a_queued_message_is_marked_and_then_takes_its_place() -> None:
    app = TimelineApp(page(message(1), message(2)))
    async with app.run_test(size=(40, 12)) as pilot:
        app.timeline.append([queued(1, "first", 7, minutes=3), queued(2, "second", 8, minutes=3)])
        await pilot.pause()
        assert texts(app)[-2:] == ["first  …", "second  …"]
        stored = replace(
            queued(1, "first", 7, minutes=4), position=4, seq=4, delivery=Delivery.STORED, verified=True
        )
        app.timeline.append([message(3)])
        app.timeline.settle(stored)
        await pilot.pause()
        assert [line.position for line in app.timeline.lines[:-1]] == [1, 2, 3, 4]
        assert texts(app)[-2:] == ["first  ✓", "second  …"]
        app.timeline.settle(stored)
        assert len(app.timeline.lines) == 5


async def test_sending_goes_to_the_end() -> None:
    app = TimelineApp(HUNDRED)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("home")
        app.timeline.append([queued(1, "mine", 777, minutes=100)])
        await pilot.pause()
        assert texts(app)[-1].startswith("mine")


async def test_unread_messages_that_do_not_fit_are_shown_from_the_first() -> None:
    app = TimelineApp(HUNDRED, unread_from=50)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        assert shown(app)[0].strip("─ ") == "new"
        assert texts(app)[0] == "message 50"
        app.timeline.mark_unread_from(None)
        await pilot.pause()
        assert texts(app)[0] == "message 50"
        assert "new" not in "".join(shown(app))


async def test_unread_messages_that_fit_are_at_the_end() -> None:
    app = TimelineApp(HUNDRED, unread_from=98)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        assert texts(app)[-1] == "message 99"
        assert sum(row.strip("─ ") == "new" for row in shown(app)) == 1


async def test_a_place_is_found_again() -> None:
    app = TimelineApp(HUNDRED)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("pageup", "pageup")
        await pilot.pause()
        place, before = app.timeline.place, shown(app)
        app.timeline.show(page(message(1)))
        await pilot.pause()
        app.timeline.show(HUNDRED, place=place)
        await pilot.pause()
        assert shown(app) == before


async def test_the_cursor_goes_from_message_to_message() -> None:
    lines = [message(1), notice(2, "Eve is in the room"), notice(3, "a gap", Level.WARNING), message(4)]
    app = TimelineApp(page(*lines))
    async with app.run_test(size=(40, 24)) as pilot:
        chosen = []
        for _ in range(4):
            await pilot.press("up")
            chosen.append(app.timeline.chosen)
        assert chosen == [lines[3], lines[2], lines[0], lines[0]]
        assert sum(row.startswith("▌") for row in shown(app)) == 2  # name and text of the first message
        await pilot.press("down", "enter", "down", "f2", "down")
        await pilot.pause()
        assert app.said(Timeline.Chosen) == [Timeline.Chosen(lines[2])]
        assert app.said(Timeline.XRayWanted) == [Timeline.XRayWanted(lines[3])]
        assert app.timeline.chosen is None


async def test_the_cursor_pulls_the_view_along() -> None:
    app = TimelineApp(HUNDRED)
    async with app.run_test(size=(40, 10)) as pilot:
        for position in reversed(range(60, 100)):
            await pilot.press("up")
            assert app.timeline.chosen == message(position)
            assert f"message {position}" in "\n".join(shown(app))
        for position in range(61, 100):
            await pilot.press("j")
            assert f"message {position}" in "\n".join(shown(app))


async def test_a_message_that_is_higher_than_the_screen_is_read_bit_by_bit() -> None:
    tall = message(2, "\n".join(f"row {number}" for number in range(30)))
    app = TimelineApp(page(message(1), tall, message(3)))
    async with app.run_test(size=(40, 10)) as pilot:
        seen: set[str] = set()
        await pilot.press("up")
        while app.timeline.chosen != message(1):
            await pilot.press("up")
            await pilot.pause()
            seen |= set(texts(app)) | {row[1:].strip() for row in shown(app) if row.startswith("▌")}
        assert {f"row {number}" for number in range(30)} <= seen


async def test_of_a_very_long_message_the_beginning_is_shown_first() -> None:
    text = "\n".join(f"row {number}" for number in range(500))
    app = TimelineApp(page(message(1, text, minutes=0), message(2, "next", minutes=1)))
    async with app.run_test(size=(60, 80)) as pilot:
        await pilot.pause()
        assert texts(app)[-3:] == ["row 39", f"… Space shows all of it ({len(text)} characters)", "next"]
        await pilot.press("up", "up", "space")
        await pilot.pause()
        assert app.timeline.virtual_size.height > 500
        assert "row 40" in "\n".join(shown(app))
        await pilot.press("y")
        assert app.clipboard == text
        await pilot.press("space")
        await pilot.pause()
        assert texts(app)[-1] == "next"
        hint = next(number for number, row in enumerate(shown(app)) if "Space shows" in row)
        await pilot.click(Timeline, offset=(10, hint))
        await pilot.pause()
        assert app.timeline.virtual_size.height > 500
        assert app.said(Timeline.Chosen) == []


async def test_scrolling_by_textual_itself_is_followed() -> None:
    app = TimelineApp(HUNDRED)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        app.timeline.scroll_y -= 5  # as when one selects beyond the upper edge
        await pilot.pause()
        before = shown(app)
        assert app.timeline.place is not None
        app.timeline.append([notice(100, "Bob left")])
        await pilot.pause()
        assert shown(app) == before


async def test_the_chosen_message_is_copied_whole() -> None:
    text = "first line\n" + "words that wrap " * 10
    app = TimelineApp(page(message(1, text)))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("up", "y")
        await pilot.pause()
        assert app.clipboard == text


async def test_links_are_asked_for_one_after_the_other() -> None:
    app = TimelineApp(page(message(1, "https://a.example and https://b.example/path."), message(2, "none")))
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.press("up", "o", "up", "o", "o", "o")
        await pilot.pause()
        asked = [event.url for event in app.said(Timeline.LinkChosen)]
        assert asked == ["https://a.example", "https://b.example/path", "https://a.example"]


async def test_a_click_on_any_row_of_a_link_asks_for_all_of_it() -> None:
    url = "https://example.org/" + "path/" * 20
    app = TimelineApp(page(message(1, f"你好 {url} end")))
    async with app.run_test(size=(40, 12)) as pilot:
        rows = [number for number, row in enumerate(shown(app)) if "path" in row]
        assert len(rows) > 2
        for row in rows:
            await pilot.click(Timeline, offset=(5, row))
        await pilot.pause()
        assert [event.url for event in app.said(Timeline.LinkChosen)] == [url] * len(rows)
        await pilot.click(Timeline, offset=(38, rows[0]))
        await pilot.pause()
        assert len(app.said(Timeline.LinkChosen)) == len(rows)


async def test_a_click_chooses_and_a_second_one_asks_for_actions() -> None:
    app = TimelineApp(page(message(1), message(2)))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.click(Timeline, offset=(5, 10))
        assert app.timeline.chosen == message(1)
        await pilot.click(Timeline, offset=(5, 10), times=2)
        await pilot.pause()
        assert app.said(Timeline.Chosen) == [Timeline.Chosen(message(1))]
        assert not app.screen.selections


async def drag(pilot: Pilot[None], start: tuple[int, int], end: tuple[int, int]) -> str | None:
    await pilot.mouse_down(Timeline, offset=start)
    await pilot.hover(Timeline, offset=end)
    await pilot.mouse_up(Timeline, offset=end)
    await pilot.pause()
    return pilot.app.screen.get_selected_text()


async def test_the_mouse_selects_text_as_it_was_written() -> None:
    text = "one two three four five six seven eight nine\n\n  indented 你好"
    app = TimelineApp(page(message(1, text), message(2, "the other", "Alice")))
    async with app.run_test(size=(31, 14)) as pilot:
        await pilot.pause()
        top = next(number for number, row in enumerate(shown(app)) if "one" in row)
        assert await drag(pilot, (3, top), (5, top)) == "one"
        assert await drag(pilot, (7, top), (9, top + 1)) == text[4 : text.index("six") + 7]
        assert await drag(pilot, (3, top), (20, top + 3)) == text
        everything = app.timeline.get_selection(SELECT_ALL)
        assert everything is not None
        assert text in everything[0]
        assert "Alice  09:02\nthe other" in everything[0]
        assert app.said(Timeline.Chosen) == []


async def test_a_selection_stays_on_its_text_when_older_lines_come() -> None:
    app = TimelineApp(page(*(message(position) for position in range(50, 60)), has_older=True))
    async with app.run_test(size=(40, 8)) as pilot:
        await pilot.press("home")
        await pilot.pause()
        top = next(number for number, row in enumerate(shown(app)) if "message 52" in row)
        assert await drag(pilot, (3, top), (12, top)) == "message 52"
        app.timeline.prepend(page(*(message(position, "two\nrows") for position in range(50))))
        await pilot.pause()
        assert app.screen.get_selected_text() == "message 52"
        selected = [
            segment.text
            for y in range(8)
            for segment in app.timeline.render_line(y)
            if segment.style is not None
            and segment.style.bgcolor == app.screen.get_component_rich_style("screen--selection").bgcolor
        ]
        assert "".join(selected) == "message 52"


async def test_without_messages_it_says_so() -> None:
    app = TimelineApp(page())
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("up", "down", "home", "end", "pageup", "enter", "y", "o", "f2")
        await pilot.click(Timeline, offset=(5, 5))
        await pilot.pause()
        assert [row.strip() for row in shown(app) if row.strip()] == ["No messages yet."]
        assert app.timeline.get_selection(Selection(Offset(0, 0), Offset(3, 3))) is None
        assert app.events == []


async def test_the_wheel_scrolls() -> None:
    app = TimelineApp(HUNDRED)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        end = app.timeline.scroll_offset.y
        for _ in range(3):
            await pilot._post_mouse_events([MouseScrollUp], Timeline, (5, 5))
        assert app.timeline.scroll_offset.y < end
        assert app.timeline.place is not None


@pytest.mark.parametrize("name", ["\u05d0" * 64, "name" * 16])
async def test_a_long_name_leaves_room_for_the_time(name: str) -> None:
    app = TimelineApp(page(message(1, sender=name, verified=True)))
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        header = next(row for row in shown(app) if "09:01" in row)
        assert "…" in header
        assert header.count("\N{FIRST STRONG ISOLATE}") == header.count("\N{POP DIRECTIONAL ISOLATE}")


LOOKS: list[Message] = [
    message(1, "Good morning! Who is there?", "Alice", minutes=0, verified=True),
    message(
        2, "The plan is at https://example.org/plan?day=1, please read it.", "Alice", minutes=1, verified=True
    ),
    message(3, "I am", "Bob", minutes=2),
    message(4, "[b]no markup[/b] [link=https://evil.example]here[/link]", "Bob", minutes=3),
    message(5, "Ĩ̇̃ 👩\u200d👩\u200d👧 你好 世界 שלום", "Carolina", minutes=9),
    message(6, "Two lines\n    and an indented one", "Me", minutes=10, is_mine=True),
]


async def test_what_it_looks_like() -> None:
    lines = [
        *LOOKS,
        notice(7, "Dora is in the room", minutes=11),
        notice(8, "3 messages are missing here.", Level.WARNING, minutes=12),
        message(9, "Next day", "Alice", minutes=1440, verified=True),
        notice(10, "Bob and you were shown two histories of this room.", Level.ALARM, minutes=1441),
        queued(1, "On its way", 99, minutes=1442),
    ]

    async def choose(pilot: Pilot[object]) -> None:
        await pilot.press("up")

    await check_screen("timeline", lambda: TimelineApp(page(*lines), unread_from=9), choose)
