"""Times and days as the person in front of the screen counts and writes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Final

from sottovoce.tui.safe_text import Safe, safe


@dataclass(frozen=True, slots=True)
class Clock:
    """``zone``: None is the machine's; ``hours``: 24 or 12. Names of days come from the process's locale."""

    zone: tzinfo | None = None
    hours: int = 24
    shows_seconds: bool = False

    def day(self, at: datetime) -> date:
        """Return the day on which ``at`` (aware) fell here."""
        return at.astimezone(self.zone).date()

    def time_text(self, at: datetime) -> Safe:
        """Return ``14:03``, ``14:03:59`` or ``2:03 pm``."""
        here = at.astimezone(self.zone)
        seconds = f":{here.second:02}" if self.shows_seconds else ""
        if self.hours == 24:
            return Safe(f"{here.hour:02}:{here.minute:02}{seconds}")
        half = "am" if here.hour < 12 else "pm"
        return Safe(f"{here.hour % 12 or 12}:{here.minute:02}{seconds} {half}")

    def day_text(self, at: datetime) -> Safe:
        """Return ``Sunday 22 November 2026``."""
        here = at.astimezone(self.zone)
        return safe(f"{here:%A} {here.day} {here:%B %Y}")


MACHINE_CLOCK: Final = Clock()
