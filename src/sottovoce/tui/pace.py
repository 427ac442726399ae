"""How soon the next news may come: at once while little happens, a few times a second while much does."""

from __future__ import annotations

from typing import Final

AT_LEAST: Final = 0.03
"""Seconds from one telling to the next, whatever happens."""

WHEN_MUCH_HAPPENS: Final = 0.1
"""Seconds from one to the next in the long run: nobody reads faster, and each costs a frame that a key waits
for.
"""

IN_A_ROW: Final = 5.0
"""Tellings that may follow one another quickly: what a person does and its echoes."""


class Pace:
    """Counts tellings: each uses up one of a store that fills again with time."""

    def __init__(self) -> None:
        self._left = IN_A_ROW
        self._told_at = 0.0

    def told(self, now: float) -> float:
        """Something was told at ``now``, in seconds; return the seconds until the next telling may come."""
        self._left = min(self._left + (now - self._told_at) / WHEN_MUCH_HAPPENS, IN_A_ROW) - 1
        self._told_at = now
        return max(AT_LEAST, -self._left * WHEN_MUCH_HAPPENS)
