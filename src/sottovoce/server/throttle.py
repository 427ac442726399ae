"""Limits in time: token buckets, and a wait that grows with failures. Memory is bounded; no own clock."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

MAX_KEYS: Final = 10_000
"""Keys remembered at one time; the one not seen for longest is forgotten first."""


class TokenBuckets:
    """One bucket for each key: ``burst`` at once, then ``rate`` a second. Times are in seconds."""

    def __init__(self, *, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable, now: float, amount: float = 1.0) -> float:
        """Take ``amount`` and return 0, or take nothing and return the seconds until there is enough."""
        level = self._level(key, now)
        if level < amount:
            return (amount - level) / self._rate
        self._store(key, level - amount, now)
        return 0.0

    def owe(self, key: Hashable, now: float, amount: float) -> float:
        """Take ``amount`` in any case; return the seconds until the bucket is out of debt, 0 if it is not."""
        level = self._level(key, now) - amount
        self._store(key, level, now)
        return max(0.0, -level / self._rate)

    def give_back(self, key: Hashable, now: float, amount: float = 1.0) -> None:
        """Undo a :meth:`take`."""
        self._store(key, min(self._burst, self._level(key, now) + amount), now)

    def _level(self, key: Hashable, now: float) -> float:
        level, since = self._buckets.get(key, (self._burst, now))
        return min(self._burst, level + (now - since) * self._rate)

    def _store(self, key: Hashable, level: float, now: float) -> None:
        self._buckets[key] = (level, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > MAX_KEYS:
            self._buckets.popitem(last=False)


class Backoff:
    """After ``free`` failures each further one doubles the wait, from ``first`` seconds to ``longest``.

    A key is never locked: its wait ends. Its failures are forgotten at a success, or ``forget_after`` seconds
    after the last of them.
    """

    def __init__(self, *, free: int, first: float, longest: float, forget_after: float) -> None:
        self._free = free
        self._first = first
        self._longest = longest
        self._forget_after = forget_after
        self._failures: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()

    def wait(self, key: Hashable, now: float) -> float:
        """Seconds until another try is allowed; 0: now."""
        failures, last = self._recent(key, now)
        if failures < self._free:
            return 0.0
        length = min(self._longest, self._first * 2.0 ** min(failures - self._free, 30))
        return max(0.0, last + length - now)

    def failed(self, key: Hashable, now: float) -> None:
        """Count a failure."""
        failures, _ = self._recent(key, now)
        self._failures[key] = (failures + 1, now)
        self._failures.move_to_end(key)
        if len(self._failures) > MAX_KEYS:
            self._failures.popitem(last=False)

    def forgive(self, key: Hashable) -> None:
        """Forget a key's failures."""
        self._failures.pop(key, None)

    def _recent(self, key: Hashable, now: float) -> tuple[int, float]:
        failures, last = self._failures.get(key, (0, now))
        return (0, now) if now - last > self._forget_after else (failures, last)
