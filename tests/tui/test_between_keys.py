"""What comes by itself waits for the next key, a little, while somebody types."""

from __future__ import annotations

import pytest

from sottovoce.tui.between_keys import AFTER_KEY, BREATH, LONGEST, PAUSE, BetweenKeys


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_nothing_waits_where_nobody_types() -> None:
    clock = Clock()
    between = BetweenKeys(clock)
    assert between.delay == 0
    between.note_key()
    clock.now += PAUSE
    assert between.delay == 0


def test_right_after_a_key_it_is_shown_as_soon_as_the_letter_is() -> None:
    clock = Clock()
    between = BetweenKeys(clock)
    between.note_key()
    assert between.delay == pytest.approx(AFTER_KEY)
    clock.now += AFTER_KEY
    assert between.delay == pytest.approx(0, abs=1e-9)


def test_when_the_next_key_may_come_any_moment_it_waits() -> None:
    clock = Clock()
    between = BetweenKeys(clock)
    between.note_key()
    clock.now += BREATH
    assert between.delay == LONGEST
