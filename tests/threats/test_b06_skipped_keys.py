"""B6: skipped keys and past epochs are capped, per sender, per epoch and per room."""

from __future__ import annotations

import os

import pytest
from mls_world import CONFIG, NOW, SUITE_1, World

from sottovoce.mls import GroupConfig, KeyConsumed
from sottovoce.mls.secret_tree import APPLICATION, RatchetLimits, SecretTree
from sottovoce.mls.tree_math import LeafIndex


def test_per_sender_and_epoch() -> None:
    tree = SecretTree(SUITE_1, 8, bytes(32), RatchetLimits(50, 20, 60))
    for leaf in range(8):
        for generation in range(40, 2000, 40):
            tree.apply(tree.plan(LeafIndex(leaf), APPLICATION, generation))
        assert tree.skipped_count <= min(20 * (leaf + 1), 60)
    with pytest.raises(KeyConsumed):
        tree.plan(LeafIndex(0), APPLICATION, 1)
    assert len(tree.records()) < 100
    step = tree.plan(LeafIndex(0), APPLICATION, 1959)
    tree.apply(step)
    with pytest.raises(KeyConsumed):
        tree.plan(LeafIndex(0), APPLICATION, 1959)


def test_past_epochs(world: World) -> None:
    world.config = GroupConfig(authentication=CONFIG.authentication, past_epochs=1)
    alice, bob = world.group_of("alice", "bob")
    sizes = []
    for _ in range(6):
        for _ in range(30):
            sent = alice.encrypt(b"x", random=os.urandom)
            alice.merge(sent)
        bob.merge(bob.process(sent.message, now=NOW))
        world.commit(alice)
        sizes.append(len(bob.records()))
    assert sizes[1:] == [sizes[1]] * 5
    assert len(bob._epochs) == 2
