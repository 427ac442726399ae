"""A7: the length on the wire is that of the padding bucket, whatever the text is; nothing is compressed."""

from __future__ import annotations

import os
import string
from itertools import pairwise

from room_world import Person, talking

from sottovoce.client.content import MAX_TEXT_LENGTH


def wire_length(person: Person, text: str) -> int:
    person.type(text)
    person.send()
    person.read()
    return len(person.log.entries[-1].payload)


def noise(length: int) -> str:
    letters = string.ascii_letters + string.digits
    return "".join(letters[octet % len(letters)] for octet in os.urandom(length))


def test_only_the_bucket_shows() -> None:
    alice, _ = talking("alice", "bob")
    buckets: dict[int, list[int]] = {}
    for length in (0, 1, 2, 10, 30, 150, 300, 500, 700, 1500, 2500, 6000, 9000, 12_000, 20_000, 32_000):
        of_one_letter, of_noise = wire_length(alice, "a" * length), wire_length(alice, noise(length))
        assert of_one_letter == of_noise, "a text that compresses well is as long as one that does not"
        buckets.setdefault(of_noise, []).append(length)
    assert len(buckets) <= 5
    assert all(max(one) < min(other) for one, other in pairwise(buckets.values()))
    assert wire_length(alice, "x" * MAX_TEXT_LENGTH) == max(buckets)
    assert {wire_length(alice, text) for text in ("yes", "no", "perhaps later", "")} == {min(buckets)}


def test_every_length_inside_a_bucket_is_the_same() -> None:
    alice, _ = talking("alice", "bob")
    lengths = [wire_length(alice, "x" * length) for length in range(400)]
    assert lengths == sorted(lengths)
    assert len(set(lengths)) == 2
