"""The times that others name, as times that every clock can show."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sottovoce.link.parts import Entry

LAST_TIME: Final = datetime(9999, 12, 30, tzinfo=UTC)
"""In every time zone it is within the calendar, so whoever shows it by the clock here can."""


def calendar_time(seconds: float) -> datetime:
    """Return the time of ``seconds`` since 1970, in UTC; one beyond :data:`LAST_TIME` becomes that."""
    return datetime.fromtimestamp(min(seconds, LAST_TIME.timestamp()), UTC)


def time_of(entry: Entry) -> datetime:
    """Return when the server says that it stored the entry, as :func:`calendar_time` shows it."""
    return calendar_time(entry.at / 1000)
