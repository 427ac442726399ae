"""The secret tree: what is used is deleted, what is planned changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mls_world import SUITE_1

from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls import DamagedSnapshot, KeyConsumed, MisuseError, StaleStaging, secret_tree
from sottovoce.mls.labels import derive_tree_secret
from sottovoce.mls.secret_tree import APPLICATION, HANDSHAKE, RatchetLimits, SecretTree
from sottovoce.mls.tree_math import LeafIndex

LIMITS = RatchetLimits()


def tree_of(leaves: int = 8) -> SecretTree:
    return SecretTree(SUITE_1, leaves, b"s" * 32, LIMITS)


@given(
    st.lists(
        st.tuples(st.integers(0, 7), st.sampled_from([HANDSHAKE, APPLICATION]), st.integers(0, 30)),
        max_size=40,
    )
)
@settings(max_examples=60, deadline=None)
def test_any_order(uses: list[tuple[int, int, int]]) -> None:
    tree, seen, stored = tree_of(), set(), {}
    for leaf, kind, generation in uses:
        before = tree.records()
        if (leaf, kind, generation) in seen:
            with pytest.raises(KeyConsumed):
                tree.plan(LeafIndex(leaf), kind, generation)
            continue
        step = tree.plan(LeafIndex(leaf), kind, generation)
        assert tree.records() == before
        fresh = tree_of().plan(LeafIndex(leaf), kind, generation)
        assert step.message_key == fresh.message_key
        tree.apply(step)
        seen.add((leaf, kind, generation))
        stored.update(tree.take_changes())
        assert {key: value for key, value in stored.items() if value is not None} == tree.records()
        again = SecretTree.restore(SUITE_1, 8, tree.records(), LIMITS)
        assert again.records() == tree.records()
        assert again.skipped_count == tree.skipped_count
        assert not any(step.message_key.key in value for value in tree.records().values())


def test_a_large_tree_opens_one_way() -> None:
    tree = SecretTree(SUITE_1, 1024, b"s" * 32, LIMITS)
    tree.take_changes()
    tree.apply(tree.plan_next(LeafIndex(5), APPLICATION))
    assert len(tree.take_changes()) == 1 + 10 + 2
    tree.apply(tree.plan_next(LeafIndex(5), APPLICATION))
    assert len(tree.take_changes()) == 1


def test_steps_of_two_leaves_planned_from_the_root() -> None:
    tree = tree_of()
    steps = [tree.plan_next(LeafIndex(leaf), APPLICATION) for leaf in (0, 1, 7)]
    for step in steps:
        tree.apply(step)
        assert tree.is_applied(step)
    with pytest.raises(StaleStaging):
        tree.apply(steps[0])


def test_outside_and_the_end() -> None:
    tree = tree_of(2)
    with pytest.raises(KeyConsumed):
        tree.plan_next(LeafIndex(2), APPLICATION)
    empty = SecretTree(SUITE_1, 2, None, LIMITS)
    with pytest.raises(KeyConsumed):
        empty.plan_next(LeafIndex(0), APPLICATION)
    tree.apply(tree.plan_next(LeafIndex(0), APPLICATION))
    tree._ratchets[LeafIndex(0), APPLICATION].generation = 2**32
    with pytest.raises(MisuseError):
        tree.plan_next(LeafIndex(0), APPLICATION)


def test_keys_passed_over_are_derived_when_they_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """An insider can name a generation far ahead in a message that opens with no key, again and again."""
    derived: list[bytes] = []

    def counted(suite: CipherSuite, secret: bytes, label: bytes, generation: int, length: int) -> bytes:
        derived.append(label)
        return derive_tree_secret(suite, secret, label, generation, length)

    monkeypatch.setattr(secret_tree, "derive_tree_secret", counted)
    tree = tree_of()
    step = tree.plan(LeafIndex(0), APPLICATION, 1000)
    assert derived.count(b"secret") <= 1001
    assert derived.count(b"key") == derived.count(b"nonce") == 1
    tree.apply(step)
    assert derived.count(b"key") == tree.skipped_count + 1 == 1001


@pytest.mark.parametrize("records", [{b"R": b""}, {b"S\0\0\0\0\0\0\0\0\0": b"\0\0"}, {b"N": b""}])
def test_damaged(records: dict[bytes, bytes]) -> None:
    with pytest.raises(DamagedSnapshot):
        SecretTree.restore(SUITE_1, 2, records, LIMITS)
    assert "8 leaves" in repr(tree_of())
