"""When to draw what comes by itself: right after a key, if keys come.

Nobody presses the next key within hundredths of a second. What is drawn then makes no letter wait, and what
is drawn at any other time may.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

AFTER_KEY: Final = 0.01
"""Seconds from a key until its letter is drawn, and it is the turn of other things."""

BREATH: Final = 0.025
"""Seconds from a key to the next at the very least."""

PAUSE: Final = 0.5
"""Seconds without a key after which nobody is taken to be typing."""

LONGEST: Final = 0.1
"""Seconds that something waits for the next key."""


class BetweenKeys:
    """Knows when the last key was pressed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock: Final = clock
        self._last_key = -PAUSE

    def note_key(self) -> None:
        """A key was pressed."""
        self._last_key = self._clock()

    @property
    def delay(self) -> float:
        """Seconds that something which comes now has to wait, unless a key is pressed before."""
        since = self._clock() - self._last_key
        if since < BREATH:
            return max(AFTER_KEY - since, 0.0)
        return LONGEST if since < PAUSE else 0.0
