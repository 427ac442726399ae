"""How long a transaction waits for more work."""

from __future__ import annotations

import pytest

from sottovoce.server.store.gathering import LONGEST_GATHERING, Gathering

MOST = 100


@pytest.fixture
def gathering() -> Gathering:
    """One under way, after a transaction that cost so much that the longest wait is the limit."""
    gathering = Gathering(MOST)
    gathering.ran(1.0)
    gathering.begin()
    return gathering


def test_it_is_under_way_until_the_transaction_begins(gathering):
    assert gathering.is_under_way
    gathering.end()
    assert not gathering.is_under_way


def test_it_goes_on_while_each_look_finds_more(gathering):
    assert [gathering.goes_on(pieces, 0.0) for pieces in (1, 2, 5, 5)] == [True, True, True, False]


def test_it_ends_when_there_is_enough(gathering):
    assert gathering.goes_on(MOST - 1, 0.0)
    assert not gathering.goes_on(MOST, 0.0)


def test_it_ends_when_the_longest_wait_is_over(gathering):
    assert gathering.goes_on(1, 7.0), "counted from the first look"
    assert gathering.goes_on(2, 7.0 + LONGEST_GATHERING * 0.99)
    assert not gathering.goes_on(3, 7.0 + LONGEST_GATHERING * 1.01)


def test_what_running_and_telling_cost_is_added_and_replaced_by_the_next(gathering):
    cost = LONGEST_GATHERING / 100
    gathering.ran(cost)
    gathering.told(cost)
    assert gathering.goes_on(1, 0.0)
    assert gathering.goes_on(2, 5.9 * cost)
    assert not gathering.goes_on(3, 6.1 * cost)
    gathering.ran(cost)
    gathering.begin()
    assert gathering.goes_on(1, 0.0)
    assert not gathering.goes_on(2, 3.1 * cost)


def test_where_a_transaction_costs_nothing_none_waits():
    gathering = Gathering(MOST)
    gathering.begin()
    assert not gathering.goes_on(1, 0.0)


def test_each_transaction_begins_to_count_anew(gathering):
    assert gathering.goes_on(3, 0.0)
    gathering.end()
    gathering.begin()
    assert gathering.goes_on(3, 10.0)
