"""Threat A5, the pure part: reorder, drop and replay are never silent."""

import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.client.chain import (
    INITIAL_HASH,
    Duplicate,
    HistoryFork,
    LogChain,
    MissingMessages,
    SenderHistory,
)
from sottovoce.link.parts import EntryKind

entries = st.lists(st.tuples(st.sampled_from(EntryKind), st.binary(max_size=20)), min_size=1, max_size=8)


def head_of(log: list[tuple[EntryKind, bytes]]) -> LogChain:
    chain = LogChain()
    for kind, payload in log:
        chain = chain.advance(kind, payload)
    return chain


class TestLogChain:
    def test_the_formula(self) -> None:
        step = bytes(32) + b"\x02" + hashlib.sha256(b"payload").digest()
        assert LogChain().advance(EntryKind.MESSAGE, b"payload") == LogChain(1, hashlib.sha256(step).digest())

    @given(entries, entries)
    def test_two_logs_have_one_head_only_if_they_are_one_log(self, one: list, other: list) -> None:
        assert (head_of(one) == head_of(other)) == (one == other)


def sent(count: int) -> list[tuple[int, bytes, bytes]]:
    """Counter, previous hash and own hash of a device's first messages."""
    hashes = [INITIAL_HASH, *(hashlib.sha256(bytes([n])).digest() for n in range(1, count + 1))]
    return [(n, hashes[n - 1], hashes[n]) for n in range(1, count + 1)]


def findings(messages: list[tuple[int, bytes, bytes]]) -> list[object]:
    history, found = SenderHistory(), []
    for counter, previous, own in messages:
        history, finding = history.advance(counter, previous, own)
        if finding:
            found.append(finding)
    return found


class TestSenderHistory:
    def test_an_honest_log_is_quiet(self) -> None:
        assert findings(sent(20)) == []

    @pytest.mark.parametrize("order", [p for p in itertools.permutations(range(4)) if p != (0, 1, 2, 3)])
    def test_every_reordering_is_found(self, order: tuple[int, ...]) -> None:
        messages = sent(4)
        assert findings([messages[n] for n in order])

    @given(
        st.integers(2, 12).flatmap(
            lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 2), min_size=1))
        )
    )
    def test_every_drop_before_the_last_is_counted(self, case: tuple[int, set[int]]) -> None:
        count, dropped = case
        kept = [message for n, message in enumerate(sent(count)) if n not in dropped]
        found = findings(kept)
        assert all(isinstance(finding, MissingMessages) for finding in found)
        assert sum(finding.count for finding in found if isinstance(finding, MissingMessages)) == len(dropped)

    def test_a_replay_is_found_and_moves_nothing(self) -> None:
        messages = sent(3)
        assert findings([*messages, messages[1], messages[2]]) == [Duplicate(2), Duplicate(3)]

    def test_another_history_is_found(self) -> None:
        first, second = sent(2)
        assert findings([first, (second[0], b"\xff" * 32, second[2])]) == [HistoryFork(2)]
        assert findings([(1, b"\xff" * 32, first[2])]) == [HistoryFork(1)]

    def test_who_comes_later_begins_where_it_hears_first(self) -> None:
        history = SenderHistory.first_heard(7, b"\x07" * 32)
        assert history.advance(8, b"\x07" * 32, b"\x08" * 32) == (SenderHistory(8, b"\x08" * 32), None)
