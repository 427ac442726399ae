from datetime import UTC, datetime

import pytest

from sottovoce.cli.timeline_text import event_text, happening_text, message_text
from sottovoce.client.events import (
    AccountRegistered,
    AccountTrouble,
    Connected,
    Disconnected,
    ForkAlarm,
    Gap,
    KeyChanged,
    MemberJoined,
    MemberLeft,
    ReceivedMessage,
    RoomAppeared,
    RoomRejoined,
    RoomTrouble,
    ServerTrusted,
    TimelineItem,
)

AT = datetime(2026, 1, 2, tzinfo=UTC)
EVIL = "x\x1b[2J"


def test_a_message_is_name_colon_text() -> None:
    message = ReceivedMessage(
        seq=1, at=AT, sender="Bob", text="Hi!", is_mine=False, device_id=b"", message_id=b"", verified=False
    )
    assert message_text(message) == "Bob: Hi!"


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (Gap(seq=7, at=AT, count=1, reason=EVIL), ["gap at #7", "1 message is", "/why"]),
        (Gap(seq=7, at=AT, count=3, reason=EVIL), ["3 messages are"]),
        (Gap(seq=7, at=AT, count=0, reason=EVIL), ["some messages are"]),
        (ForkAlarm(seq=7, at=AT, sender=EVIL, forked_seq=5, reason=EVIL), ["ALARM", "two histories", "/why"]),
        (KeyChanged(seq=7, at=AT, user=EVIL, was_verified=True), ["ALARM", "nothing is sent"]),
        (KeyChanged(seq=7, at=AT, user=EVIL, was_verified=False), ["ALARM", "has changed. /why"]),
        (MemberJoined(seq=7, at=AT, user=EVIL), ["x is in the room"]),
        (MemberLeft(seq=7, at=AT, user=EVIL), ["x left the room"]),
        (RoomRejoined(seq=7, at=AT, reason=EVIL), ["joined the room again"]),
    ],
)
def test_everything_that_happens_is_said_harmlessly(item: TimelineItem, words: list[str]) -> None:
    text = happening_text(item)
    assert text is not None
    assert all(word in text for word in words)
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Connected(EVIL), ["connected to x"]),
        (Disconnected(EVIL, 1.25), ["offline: x", "is kept"]),
        (ServerTrusted(EVIL, b"\xab" * 32), ["first contact", "abab"]),
        (AccountRegistered(EVIL), ["made the account x"]),
        (RoomAppeared(EVIL), ["added to the room x"]),
        (RoomTrouble(EVIL, EVIL), ["trouble in x"]),
        (AccountTrouble(EVIL), ["trouble with the account: x"]),
    ],
)
def test_every_event_of_the_connection_is_said_harmlessly(event: object, words: list[str]) -> None:
    text = event_text(event)
    assert text is not None
    assert all(word in text for word in words)
    assert "\x1b" not in text


def test_what_is_not_known_is_not_said() -> None:
    assert event_text(object()) is None
