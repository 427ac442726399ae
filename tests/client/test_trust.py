"""Threat A2, the pure part: what a pinned and a verified key decide."""

import re

from sottovoce.client.trust import PinDecision, PinnedContact, decide, fingerprint, safety_number

ALICE, BOB, MALLORY = b"a" * 32, b"b" * 32, b"m" * 32


class TestSafetyNumber:
    def test_both_read_the_same_sixty_digits(self) -> None:
        number = safety_number("alice", ALICE, "bob", BOB)
        assert number == safety_number("Bob", BOB, "Alice", ALICE)
        assert re.fullmatch(r"(\d{5} ){11}\d{5}", number)

    def test_any_other_key_or_name_gives_another(self) -> None:
        numbers = {
            safety_number("alice", ALICE, "bob", BOB),
            safety_number("alice", ALICE, "bob", MALLORY),
            safety_number("alice", MALLORY, "bob", BOB),
            safety_number("alice", ALICE, "eve", BOB),
            safety_number("alice", BOB, "bob", ALICE),
        }
        assert len(numbers) == 5

    def test_it_stays_what_two_people_once_compared(self) -> None:
        assert safety_number("a", bytes(32), "b", b"1" * 32) == (
            "29233 93449 64985 95410 62387 26358 48048 53125 42935 14452 89636 89771"
        )


class TestPin:
    def test_first_contact_same_and_changed(self) -> None:
        assert decide(None, ALICE) is PinDecision.FIRST_CONTACT
        assert decide(PinnedContact("alice", ALICE), ALICE) is PinDecision.SAME
        assert decide(PinnedContact("alice", ALICE), MALLORY) is PinDecision.CHANGED


def test_a_fingerprint_is_of_one_key() -> None:
    assert len(fingerprint(ALICE)) == 32
    assert fingerprint(ALICE) not in (fingerprint(BOB), ALICE)
