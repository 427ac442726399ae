"""B5: generation 0xffffffff is refused before any derivation."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import pytest
from mls_world import NOW, World, unchanged

from sottovoce.mls import GenerationTooFar, Group
from sottovoce.mls.framing import MLSMessage, WireFormat
from sottovoce.mls.protection import encrypt_content
from sottovoce.mls.sending import sign_own


def far_ahead(world: World, alice: Group, generation: int) -> bytes:
    signed = sign_own(alice._state, b"text", b"", WireFormat.PRIVATE_MESSAGE)
    step = replace(
        alice._epochs[alice.epoch].secret_tree.plan_next(alice.own_leaf_index, 1), generation=generation
    )
    private = encrypt_content(
        world.suite,
        signed,
        step,
        alice._state.secrets.sender_data_secret,
        reuse_guard=os.urandom(4),
        padded_length=lambda length: length,
    )
    return MLSMessage(private).encode()


@pytest.mark.parametrize("generation", [0xFFFFFFFF, 1001])
def test_refused_at_once(world: World, generation: int) -> None:
    alice, bob = world.group_of("alice", "bob")
    message = far_ahead(world, alice, generation)
    best = 1.0
    for _ in range(5):
        with unchanged(bob):
            start = time.perf_counter()
            with pytest.raises(GenerationTooFar):
                bob.process(message, now=NOW)
            best = min(best, time.perf_counter() - start)
    assert best < 0.005
