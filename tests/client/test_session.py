"""Backoff: soon at first, never in step with others, never far away."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sottovoce.client.session import FIRST_DELAY, LONG_AFTER, LONG_CAP, SHORT_CAP, backoff


def test_the_bound_doubles_up_to_its_cap() -> None:
    bounds = [backoff(attempt, 0.0) for attempt in range(12)]
    assert bounds[0] == FIRST_DELAY
    assert all(later in (2 * earlier, SHORT_CAP) for earlier, later in pairwise(bounds))
    assert bounds[-1] == SHORT_CAP


def test_a_server_long_gone_is_asked_less_often() -> None:
    assert backoff(12, LONG_AFTER - 1) == SHORT_CAP
    assert backoff(12, LONG_AFTER) == LONG_CAP


@given(st.integers(0, 10**9), st.floats(0, 1e9))
def test_it_is_always_within_bounds(attempt: int, away: float) -> None:
    assert FIRST_DELAY <= backoff(attempt, away) <= LONG_CAP
