"""B11: a Welcome whose tree has one forged hash, key or unmerged list is refused (RFC 9420 §7.9)."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from mls_world import CONFIG, World

from sottovoce.mls import Credential, Group, LeafIndex, ValidationError, ValidationRule
from sottovoce.mls.tree_math import NodeIndex

CHANGES = [
    {"encryption_key": b"k" * 32},
    {"parent_hash": b"h" * 32},
    {"unmerged_leaves": (LeafIndex(0),)},
]


@pytest.mark.parametrize("at", [1, 3])
@pytest.mark.parametrize("changes", CHANGES, ids=["key", "hash", "unmerged"])
def test_join_refused(world: World, at: int, changes: dict[str, object]) -> None:
    alice, *_ = world.group_of("alice", "bob", "carol", "dave")
    tree = alice._state.tree.copy()
    node = tree.parent_node(NodeIndex(at))
    assert node is not None
    tree.put(NodeIndex(at), replace(node, **changes))  # type: ignore[arg-type]
    context = replace(alice._state.context, tree_hash=tree.tree_hash(world.suite))
    state = replace(alice._state, tree=tree, context=context)
    info = state.group_info_message((), with_tree=True, external=True)
    with pytest.raises(ValidationError) as caught:
        Group.join_externally(
            info,
            Credential.basic(b"eve"),
            world.keys(),
            suite=world.suite,
            config=CONFIG,
            random=os.urandom,
        )
    # An unmerged leaf that a node between does not know is caught by the rule before.
    assert caught.value.rule in (ValidationRule.TREE_PARENT_HASH, ValidationRule.TREE_UNMERGED)
