"""What is rare is told at once, and what never ends a few times a second."""

from __future__ import annotations

import pytest

from sottovoce.tui.pace import AT_LEAST, IN_A_ROW, WHEN_MUCH_HAPPENS, Pace


def test_the_first_tellings_follow_one_another_quickly() -> None:
    pace = Pace()
    assert [pace.told(1000.0) for _ in range(int(IN_A_ROW))] == [AT_LEAST] * int(IN_A_ROW)
    assert pace.told(1000.0) == pytest.approx(WHEN_MUCH_HAPPENS)


def test_in_the_long_run_there_are_ten_a_second() -> None:
    pace, now, told = Pace(), 1000.0, 0
    while now < 1100.0:
        now += pace.told(now)
        told += 1
    assert told == pytest.approx(100.0 / WHEN_MUCH_HAPPENS + IN_A_ROW, abs=3)


def test_a_rest_lets_it_be_quick_again() -> None:
    pace = Pace()
    for _ in range(50):
        pace.told(1000.0)
    assert pace.told(1000.0) > 1
    assert pace.told(1100.0) == AT_LEAST
