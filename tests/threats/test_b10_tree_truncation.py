"""B10: a truncated tree, or a sender outside the tree, is refused."""

from __future__ import annotations

import pytest
from mls_world import World

from sottovoce.errors import PeerError
from sottovoce.mls import LeafIndex, MLSPeerError
from sottovoce.mls.ratchet_tree import RatchetTree


def test_every_truncation(world: World) -> None:
    groups = world.group_of("alice", "bob", "carol")
    encoded = groups[0]._state.tree.encode()
    for length in range(len(encoded)):
        with pytest.raises(MLSPeerError):
            RatchetTree.decode(encoded[:length])


def test_leaves_outside(world: World) -> None:
    (alice,) = world.group_of("alice")
    for index in (1, 2, 0xFFFFFFFF):
        assert alice.member(LeafIndex(index)) is None
    assert issubclass(MLSPeerError, PeerError)
