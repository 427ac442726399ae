from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.tui.notices import (
    ALARM_SPAN,
    COUNT_PAUSE,
    DESKTOP_LENGTH,
    MOST_ALARMS,
    MOST_NOTES,
    NOTE_SPAN,
    PAUSE,
    PREVIEW_LENGTH,
    Attention,
    Notices,
    desktop_sequence,
)
from sottovoce.tui.safe_text import Safe, safe, safe_lines, safe_name
from sottovoce.tui.settings import Settings
from sottovoce.tui.view import Delivery, Level, Line, Message, Note, Notice, Room

AT = datetime(2026, 1, 1, tzinfo=UTC)
TEAM = Room(b"t" * 16, safe_name("team"), 0, "invite", True, False)
CALM, LOUD = Settings(), Settings(bell=True, desktop=True)
QUIET = Settings(bell=True, desktop=True, quiet=True)
ALARM = Notice(1, 1, AT, safe("The key of Bob has changed."), Level.ALARM)
JOINED = Notice(1, 1, AT, safe("Bob is in the room"), Level.INFO)


def wrote(text: str, sender: str = "Bob", *, is_mine: bool = False) -> Message:
    return Message(1, 1, AT, safe_name(sender), safe_lines(text), is_mine, True, bytes(32), Delivery.STORED)


@pytest.fixture
def notices() -> Notices:
    return Notices("Alice")


def take(
    notices: Notices,
    *lines: Line,
    settings: Settings = CALM,
    now: float = 0,
    is_open: bool = False,
    has_keys: bool = True,
) -> Attention | None:
    return notices.take(TEAM, lines, settings, now, is_open=is_open, has_keys=has_keys)


def told(notices: Notices, *lines: Line, settings: Settings = CALM, now: float = 0) -> Attention:
    found = take(notices, *lines, settings=settings, now=now)
    assert found is not None
    return found


def test_a_message_in_another_room_is_shown_and_nothing_else(notices: Notices) -> None:
    expected = Attention(safe("Bob wrote in team"), safe("hi there"), Level.INFO, True, False, Safe(""))
    assert take(notices, wrote("hi\nthere")) == expected


@pytest.mark.parametrize(
    ("line", "settings", "where"),
    [
        (wrote("hi"), LOUD, {"is_open": True}),
        (wrote("hi"), CALM, {"is_open": True, "has_keys": False}),
        (wrote("hi", is_mine=True), LOUD, {}),
        (JOINED, LOUD, {}),
        (wrote("Alice!"), QUIET, {}),
        (wrote("hi"), Settings(notifications=False), {}),
        (ALARM, LOUD, {"is_open": True}),
    ],
)
def test_what_draws_no_attention(
    notices: Notices, line: Line, settings: Settings, where: dict[str, bool]
) -> None:
    assert take(notices, line, settings=settings, **where) is None


def test_bell_and_desktop_are_for_those_who_want_them(notices: Notices) -> None:
    found = take(notices, wrote("the secret plan"), settings=LOUD, is_open=True, has_keys=False)
    assert found is not None
    assert (found.is_shown, found.rings, found.desktop) == (False, True, "Sottovoce: Bob wrote in team")


def test_an_alarm_is_shown_whatever_the_settings_but_without_a_sound(notices: Notices) -> None:
    settings = Settings(notifications=False, bell=True, desktop=True, quiet=True)
    found = told(notices, wrote("hi"), ALARM, settings=settings)
    assert found == Attention(safe("Alarm in team"), ALARM.text, Level.ALARM, True, False, Safe(""))


def test_many_messages_draw_attention_once(notices: Notices) -> None:
    assert told(notices, wrote("1"), wrote("2")).title == "2 new messages in team"
    assert take(notices, wrote("3"), now=1) is None
    assert take(notices, wrote("4"), wrote("5"), now=PAUSE - 0.1) is None
    later = told(notices, wrote("6", "Eve"), now=PAUSE)
    assert (later.title, later.text) == ("4 new messages in team", "Eve: 6")
    assert told(notices, wrote("7"), now=3 * PAUSE).title == "Bob wrote in team"


def test_a_mention_does_not_wait(notices: Notices) -> None:
    take(notices, wrote("1"))
    found = told(notices, wrote("2"), wrote("ask Alice", "Eve"), wrote("3"), now=1)
    assert (found.title, found.text) == ("Eve mentioned you in team", "ask Alice")


def test_a_name_written_again_and_again_disturbs_once_in_a_while(notices: Notices) -> None:
    times = [step / 100 for step in range(300)]
    attention = [take(notices, wrote("Alice!"), settings=LOUD, now=now) for now in times]
    assert len([one for one in attention if one is not None]) == 3


def test_of_a_flood_of_notes_a_few_are_said_and_that_there_are_more(notices: Notices) -> None:
    flood = [Note(safe(f"You were added to room {number}."), Level.INFO) for number in range(1000)]
    said = [note for at, note in enumerate(flood) for note in notices.notes([note], at / 1000)]
    assert said[:MOST_NOTES] == flood[:MOST_NOTES]
    assert [note.level for note in said[MOST_NOTES:]] == [Level.WARNING]
    assert notices.notes(flood[:1], NOTE_SPAN) == flood[:1]


def test_of_a_flood_of_alarms_a_few_are_shown_and_the_others_counted(notices: Notices) -> None:
    """Threats E: a member who sends what forks, or a server, cannot pour toasts over the screen."""
    shown, counted = [], []
    for step in range(100 * 60):  # a minute, a hundred a second
        now = step / 100
        shown.append(take(notices, ALARM, settings=LOUD, now=now))
        counted.append(notices.overdue(now))
    assert [one.title for one in shown if one is not None] == ["Alarm in team"] * MOST_ALARMS
    told = [one for one in counted if one is not None]
    assert len(told) == 60 / COUNT_PAUSE
    assert (told[0].title, told[0].level, told[0].is_shown) == ("1 more alarm", Level.ALARM, True)
    assert told[1].title == f"{COUNT_PAUSE * 100:.0f} more alarms"
    assert not any(one.rings or one.desktop for one in told)
    assert take(notices, ALARM, now=ALARM_SPAN) is not None


def test_of_alarms_that_come_at_once_the_first_is_shown_and_the_others_are_counted(notices: Notices) -> None:
    assert notices.overdue(0) is None
    told(notices, ALARM, ALARM, ALARM)
    found = notices.overdue(0)
    assert found is not None
    assert found.title == "2 more alarms"
    assert notices.overdue(COUNT_PAUSE) is None


def test_alarms_of_the_open_room_are_on_the_screen_and_not_counted(notices: Notices) -> None:
    for _ in range(5):
        take(notices, ALARM, ALARM, settings=LOUD, is_open=True, has_keys=False)
    assert notices.overdue(0) is None


def test_what_was_looked_at_is_not_counted(notices: Notices) -> None:
    take(notices, wrote("1"))
    take(notices, wrote("2"), now=1)
    take(notices, wrote("3"), now=2, is_open=True)
    assert told(notices, wrote("4"), now=PAUSE).title == "Bob wrote in team"


def test_a_room_that_was_opened_begins_anew(notices: Notices) -> None:
    take(notices, wrote("1"))
    take(notices, wrote("2"), now=1)
    notices.seen(TEAM.room_id)
    assert told(notices, wrote("3"), now=PAUSE).title == "Bob wrote in team"


def test_after_do_not_disturb_it_is_told_how_many_there_were(notices: Notices) -> None:
    take(notices, wrote("1"), wrote("2"), settings=QUIET)
    assert told(notices, wrote("3")).title == "3 new messages in team"


@pytest.mark.parametrize(
    ("text", "is_mention"),
    [
        ("Alice", True),
        ("@alice: hi", True),
        ("so, ALICE.", True),
        ("(Alice)", True),
        ("Alice's", True),
        ("Malice", False),
        ("Alices", False),
        ("alice.b is somebody else", False),
        ("al-alice", False),
        ("alice_2", False),
        ("", False),
    ],
)
def test_a_name_is_a_mention_as_a_word(notices: Notices, text: str, is_mention: bool) -> None:
    assert notices.mentions_me(text) == is_mention


def test_dots_in_a_name_are_dots() -> None:
    assert Notices("a.b").mentions_me("hello @a.b!")
    assert not Notices("a.b").mentions_me("hello acb")


def test_texts_are_cut(notices: Notices) -> None:
    found = told(notices, wrote("x" * 500, "Bob"), settings=LOUD)
    assert len(found.text) == PREVIEW_LENGTH
    assert found.text.endswith("…")


def test_the_desktop_hears_of_a_room_with_a_long_name_in_short() -> None:
    room = Room(b"r" * 16, Safe("r" * 300), 0, "open", True, False)
    found = Notices("Alice").take(room, [wrote("hi")], LOUD, 0, is_open=False, has_keys=True)
    assert found is not None
    assert len(found.desktop) == DESKTOP_LENGTH


@pytest.mark.parametrize(
    ("environment", "sequence"),
    [
        ({"TERM": "xterm-256color"}, "\x1b]9;Sottovoce: Bob wrote in a;b\x1b\\"),
        ({"TERM": "foot"}, "\x1b]777;notify;Sottovoce;Bob wrote in a,b\x1b\\"),
        (
            {"TERM": "xterm-256color", "VTE_VERSION": "7600"},
            "\x1b]777;notify;Sottovoce;Bob wrote in a,b\x1b\\",
        ),
        ({}, "\x1b]9;Sottovoce: Bob wrote in a;b\x1b\\"),
    ],
)
def test_the_terminal_is_asked_in_its_own_way(environment: dict[str, str], sequence: str) -> None:
    assert desktop_sequence(safe("Sottovoce: Bob wrote in a;b"), environment) == sequence


@given(st.text(), st.sampled_from(["foot", "xterm"]))
def test_words_can_neither_end_the_sequence_nor_steer_the_terminal(text: str, term: str) -> None:
    sequence = desktop_sequence(Safe(text), {"TERM": term})
    assert re.fullmatch(
        r"\x1b\](9;(?![0-9;])|777;notify;[^;]*;(?!.*;))[^\x00-\x1f\x7f-\x9f]*\x1b\\", sequence
    )
    assert len(sequence) <= DESKTOP_LENGTH + len("\x1b]777;notify;;\x1b\\")
