"""The time a server gives an entry: shown whatever it is, and believed within reason."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest
from room_world import NOW

from sottovoce.client.calendar import LAST_TIME, time_of
from sottovoce.client.log_reader import MAX_AGE, MAX_CLOCK_DIFFERENCE, time_to_judge_by
from sottovoce.link.parts import Entry, EntryKind


@pytest.mark.parametrize(
    ("at", "judged_at"),
    [
        (NOW - 5, NOW - 5),
        (NOW - MAX_AGE, NOW - MAX_AGE),
        (0, NOW - MAX_AGE),
        (NOW + 60, NOW + 60),
        (2**40, NOW + MAX_CLOCK_DIFFERENCE),
    ],
)
def test_all_judge_by_the_time_of_the_entry_within_reason(at: int, judged_at: int) -> None:
    entry = Entry(1, EntryKind.COMMIT, 1, b"", at * 1000 + 999)
    assert time_to_judge_by(entry, NOW) == judged_at


@pytest.mark.parametrize("at", [0, LAST_TIME.timestamp() * 1000, 2**63 - 1])
@pytest.mark.parametrize("hours", [-12, 14])
def test_every_time_a_server_can_give_can_be_shown_everywhere(at: float, hours: int) -> None:
    entry = Entry(1, EntryKind.MESSAGE, 1, b"", int(at))
    here = timezone(timedelta(hours=hours))
    assert time_of(entry).astimezone(here).utcoffset() == timedelta(hours=hours)
