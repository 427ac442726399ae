"""When Python looks through all objects for garbage: while nobody types or scrolls.

A full collection visits every object there is. After the start of the app that takes about 50 ms, with a
long history on the screen some hundreds: as a pause between a key and its letter one feels it. While messages
pour in, Python would also look through the objects of the last moments again seven times a second, 5 to 9 ms
each. What stays are the collections of the newest objects, each of which is looked at once.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Final

IDLE: Final = 2.0
"""Seconds without a key or the mouse."""

YOUNG: Final = 1_000
"""New objects after which these, and only these, are looked through: about two milliseconds."""

DUE: Final = 200
"""So many times after which all are to be."""

OVERDUE: Final = 4_000
"""So many times after which older objects are while somebody types: garbage does not grow for ever."""


class IdleCollection:
    """Holds collections of older objects back until :meth:`tick` finds that nobody is there.

    For the whole process.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_input = clock()
        self._thresholds = gc.get_threshold()

    def begin(self) -> None:
        """Hold collections back from now on; what there is now, modules for the most part, stays."""
        self._thresholds = gc.get_threshold()
        gc.set_threshold(YOUNG, OVERDUE, self._thresholds[2])
        gc.freeze()

    def end(self) -> None:
        """Leave it to Python again."""
        gc.unfreeze()
        gc.set_threshold(*self._thresholds)

    def note_input(self) -> None:
        """Somebody is there."""
        self._last_input = self._clock()

    def tick(self) -> None:
        """Collect if it is due and nobody is there. To be called every second or so."""
        if self._clock() - self._last_input >= IDLE and gc.get_count()[1] >= DUE:
            gc.collect()
