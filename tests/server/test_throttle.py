"""Token buckets and backoff, with a clock of the test's own."""

from __future__ import annotations

import pytest

from sottovoce.server import throttle
from sottovoce.server.throttle import Backoff, TokenBuckets


def test_a_bucket_gives_its_burst_then_its_rate():
    buckets = TokenBuckets(rate=2.0, burst=3)
    assert [buckets.take("a", 0.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("b", 0.0) == 0, "each key has its own"
    assert buckets.take("a", 0.5) == 0
    assert buckets.take("a", 0.5) == 0.5
    buckets.give_back("a", 0.5)
    assert buckets.take("a", 0.5) == 0
    assert [buckets.take("a", 100.0) for _ in range(4)][:3] == [0, 0, 0], (
        "it fills up to its burst and no more"
    )
    assert buckets.take("a", 100.0) > 0


def test_a_debt_is_told_in_seconds():
    buckets = TokenBuckets(rate=10.0, burst=10)
    assert buckets.owe("a", 0.0, 10) == 0
    assert buckets.owe("a", 0.0, 5) == 0.5
    assert buckets.owe("a", 0.5, 0) == 0


def test_backoff_doubles_ends_and_forgives():
    backoff = Backoff(free=2, first=1.0, longest=5.0, forget_after=100.0)
    waits = []
    for _ in range(6):
        waits.append(backoff.wait("a", 0.0))
        backoff.failed("a", 0.0)
    assert waits == [0, 0, 1, 2, 4, 5]
    assert backoff.wait("a", 4.0) == 1.0
    assert backoff.wait("a", 5.0) == 0.0, "a wait ends: nobody is locked out"
    assert backoff.wait("b", 0.0) == 0.0
    assert backoff.wait("a", 101.0) == 0.0
    backoff.forgive("a")
    assert backoff.wait("a", 0.0) == 0.0


@pytest.mark.parametrize("kind", ["buckets", "backoff"])
def test_memory_is_bounded(monkeypatch, kind):
    monkeypatch.setattr(throttle, "MAX_KEYS", 10)
    buckets = TokenBuckets(rate=1, burst=1)
    backoff = Backoff(free=1, first=1, longest=1, forget_after=1)
    for key in range(100):
        buckets.take(key, 0.0)
        backoff.failed(key, 0.0)
    assert len(buckets._buckets) == len(backoff._failures) == 10
