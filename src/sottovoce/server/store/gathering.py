"""How long a transaction that could begin waits for more work: under overload, more and more shares it."""

from __future__ import annotations

from typing import Final

LONGEST_GATHERING: Final = 0.05
"""Seconds for which a transaction waits at most while more work keeps coming."""

_TIMES_THE_COST: Final = 3.0


class Gathering:
    """The wait before one transaction after another. Has no clock: ``now`` and all durations are in seconds.

    As long as each look finds more pieces of work than the last, and fewer than ``most``, the transaction
    waits, some multiple of what the last one cost the event loop: running it, and telling its outcomes.
    """

    __slots__ = ("_cost", "_most", "_pieces", "_since", "is_under_way")

    def __init__(self, most: int) -> None:
        self._most = most
        self._cost = 0.0
        self._pieces = 0
        self._since = 0.0
        self.is_under_way = False
        """Whether a transaction is to come that has not begun."""

    def begin(self) -> None:
        """There is work for a transaction."""
        self.is_under_way = True
        self._pieces = 0

    def goes_on(self, pieces: int, now: float) -> bool:
        """Look: ``pieces`` have gathered so far. Returns whether to look again instead of beginning."""
        if self._pieces == 0:
            self._since = now
        longest = min(_TIMES_THE_COST * self._cost, LONGEST_GATHERING)
        if pieces == self._pieces or now - self._since >= longest or pieces >= self._most:
            return False
        self._pieces = pieces
        return True

    def end(self) -> None:
        """The transaction begins."""
        self.is_under_way = False

    def ran(self, cost: float) -> None:
        """The transaction has taken so long on the event loop."""
        self._cost = cost

    def told(self, cost: float) -> None:
        """To tell its outcomes has taken so long, besides."""
        self._cost += cost
