"""The words that stand for bytes can be told apart, and stay what they are."""

from __future__ import annotations

import hashlib

from sottovoce.tui.code_words import WORDS, code_words


def test_a_word_for_each_byte_told_apart_by_three_letters() -> None:
    assert len(WORDS) == 256
    assert len({word[:3] for word in WORDS}) == 256
    assert all(word.isascii() and word.islower() and 3 <= len(word) <= 8 for word in WORDS)


def test_the_list_is_the_same_in_every_version() -> None:
    digest = hashlib.sha256(" ".join(WORDS).encode()).hexdigest()
    assert digest == "c333051faddcc4ddc490cb743c695d260925a3afabe6d92cbdfb1755c0964ca4"


def test_bytes_become_words_in_order() -> None:
    assert code_words(bytes([0, 255, 1])) == (WORDS[0], WORDS[255], WORDS[1])
