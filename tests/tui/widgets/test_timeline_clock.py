from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from sottovoce.tui.widgets.timeline_clock import Clock

LATE = datetime(2026, 11, 22, 23, 5, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hour", "hours", "expected"),
    [(0, 24, "00:05"), (14, 24, "14:05"), (0, 12, "12:05 am"), (12, 12, "12:05 pm"), (23, 12, "11:05 pm")],
)
def test_times_are_written_in_24_or_12_hours(hour: int, hours: int, expected: str) -> None:
    assert Clock(UTC, hours).time_text(LATE.replace(hour=hour)) == expected


def test_seconds_are_shown_if_wanted() -> None:
    assert Clock(UTC, 24, shows_seconds=True).time_text(LATE) == "23:05:07"
    assert Clock(UTC, 12, shows_seconds=True).time_text(LATE) == "11:05:07 pm"


def test_the_day_is_that_of_the_time_zone() -> None:
    east = Clock(timezone(timedelta(hours=1)))
    assert Clock(UTC).day(LATE) == date(2026, 11, 22)
    assert east.day(LATE) == date(2026, 11, 23)
    assert east.time_text(LATE) == "00:05"
    assert east.day_text(LATE).split()[1:] == ["23", f"{date(2026, 11, 23):%B}", "2026"]
