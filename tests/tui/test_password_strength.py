"""The verdict on a password is zxcvbn's, in words."""

from __future__ import annotations

import pytest

from sottovoce.tui.password_strength import BEST, WEAK, estimate


@pytest.mark.parametrize(
    "password", ["password", "qwertyuiop", "aaaaaaaaaaaa", "2026-11-22", "P@ssw0rd", "x"]
)
def test_what_is_guessed_first_is_weak_and_comes_with_advice(password: str) -> None:
    strength = estimate(password)
    assert strength.score <= WEAK
    assert "weak" in strength.word
    assert strength.advice


def test_what_is_known_of_a_person_counts_against_a_password() -> None:
    assert estimate("kyrilonga77", ["kyrilonga"]).score < estimate("kyrilonga77").score


def test_a_good_one_needs_no_advice() -> None:
    strength = estimate("seven tall cranes at dawn")
    assert (strength.score, strength.word, strength.advice) == (BEST, "strong", "")


def test_one_longer_than_can_be_judged_is_judged_by_its_beginning() -> None:
    assert estimate("seven tall cranes at dawn " * 40).score == BEST
    assert estimate("a" * 5000).score <= WEAK + 1


def test_what_was_typed_is_not_in_the_verdict() -> None:
    assert "hunter2" not in repr(estimate("hunter2"))
