"""Latencies as counts in buckets that grow by 2.2 %: small, and those of several processes can be added."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

_STEPS: Final = 32  # buckets for each doubling


def counted(nanoseconds: Iterable[int]) -> dict[int, int]:
    """Return how many fall into each bucket."""
    return dict(Counter(round(math.log2(max(1, one)) * _STEPS) for one in nanoseconds))


def added(several: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """Return the counts of several processes as one."""
    total: Counter[int] = Counter()
    for counts in several:
        total.update(counts)
    return dict(total)


def quantile(counts: Mapping[int, int], share: float) -> float:
    """Return the milliseconds that ``share`` of all took at most; NaN if there are none."""
    left = share * sum(counts.values())
    for bucket in sorted(counts):
        left -= counts[bucket]
        if left <= 0:
            return float(2 ** (bucket / _STEPS) / 1e6)
    return math.nan
