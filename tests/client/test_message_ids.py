"""Message ids: told apart by chance, in the order of time."""

from __future__ import annotations

import os
import time

import pytest

from sottovoce.client.message_ids import new_message_id


@pytest.mark.parametrize(
    ("now_ms", "octets"),
    [(0, bytes(6)), (1_790_000_000_000, bytes.fromhex("01a0c4506c00")), (1 << 48, bytes(6))],
)
def test_an_id_is_the_time_and_ten_random_bytes(monkeypatch, now_ms, octets):
    monkeypatch.setattr(time, "time_ns", lambda: now_ms * 1_000_000 + 999_999)
    asked = []

    def random(count):
        asked.append(count)
        return b"r" * count

    assert new_message_id(random) == octets + b"r" * 10
    assert asked == [10]


def test_ids_of_one_moment_differ_and_later_ones_are_greater(monkeypatch):
    monkeypatch.setattr(time, "time_ns", lambda: 5_000_000)
    now = {new_message_id(os.urandom) for _ in range(100)}
    assert len(now) == 100
    monkeypatch.setattr(time, "time_ns", lambda: 6_000_000)
    assert new_message_id(os.urandom) > max(now)
