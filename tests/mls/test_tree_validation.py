"""Ratchet trees that no honest group has."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mls_world import World

from sottovoce.mls import DecodingError, LeafIndex, ValidationError, ValidationRule, tree_math
from sottovoce.mls.nodes import Node, ParentNode
from sottovoce.mls.presentation import opaque, vector
from sottovoce.mls.ratchet_tree import RatchetTree
from sottovoce.mls.tree_math import NodeIndex
from sottovoce.mls.tree_validation import (
    validate_parent_hashes,
    validate_uniqueness,
    validate_unmerged_leaves,
)


@pytest.fixture
def tree(world: World) -> RatchetTree:
    groups = world.group_of("alice", "bob", "carol", "dave")
    for group in groups:
        world.commit(group)
    return groups[0]._state.tree.copy()


def refused(rule: ValidationRule, check: object, *arguments: object) -> None:
    with pytest.raises(ValidationError) as caught:
        check(*arguments)  # type: ignore[operator]
    assert caught.value.rule is rule


def test_shapes(tree: RatchetTree) -> None:
    leaf = tree.leaf(LeafIndex(0))
    parent = tree.parent_node(NodeIndex(3))
    assert leaf is not None
    assert parent is not None
    a_leaf, a_parent = b"\x01\x01" + leaf.encoded, b"\x01\x02" + parent.encoded
    refused(ValidationRule.TREE_NOT_EMPTY, RatchetTree.decode, vector([]))
    refused(ValidationRule.TREE_LAST_NODE, RatchetTree.decode, vector([a_leaf, b"\x00"]))
    refused(ValidationRule.TREE_LAST_NODE, RatchetTree.decode, vector([a_leaf, a_parent]))
    refused(ValidationRule.TREE_NODE_KIND, RatchetTree.decode, vector([a_parent]))
    refused(ValidationRule.TREE_NODE_KIND, RatchetTree.decode, vector([a_leaf, a_leaf, a_leaf]))
    with pytest.raises(DecodingError):
        RatchetTree.decode(vector([b"\x01\x03" + leaf.encoded]))
    assert "4 members" in repr(tree)


def test_unmerged_leaves_rise(tree: RatchetTree) -> None:
    from sottovoce.mls.presentation import decode, uint32

    for indices in ((1, 1), (2, 1)):
        encoded = opaque(b"key") + opaque(b"") + vector(map(uint32, indices))
        with pytest.raises(DecodingError):
            decode(ParentNode.read, encoded)


def put(tree: RatchetTree, at: int, **changes: object) -> None:
    node = tree.parent_node(NodeIndex(at))
    assert node is not None
    tree.put(NodeIndex(at), replace(node, **changes))  # type: ignore[arg-type]


def test_unmerged_leaf_elsewhere(tree: RatchetTree) -> None:
    put(tree, 1, unmerged_leaves=(LeafIndex(3),))
    refused(ValidationRule.TREE_UNMERGED, validate_unmerged_leaves, tree)


def test_unmerged_leaf_blank(tree: RatchetTree) -> None:
    tree.put(NodeIndex(6), None)
    put(tree, 3, unmerged_leaves=(LeafIndex(3),))
    refused(ValidationRule.TREE_UNMERGED, validate_unmerged_leaves, tree)


def test_unmerged_leaf_unknown_between(tree: RatchetTree) -> None:
    put(tree, 3, unmerged_leaves=(LeafIndex(3),))
    refused(ValidationRule.TREE_UNMERGED, validate_unmerged_leaves, tree)


@pytest.mark.parametrize(
    "changes",
    [
        {"encryption_key": b"k" * 32},
        {"parent_hash": b"h" * 32},
        {"unmerged_leaves": (LeafIndex(0),)},
    ],
)
@pytest.mark.parametrize("at", [1, 3, 5])
def test_any_flip_breaks_the_chain(
    world: World, tree: RatchetTree, at: int, changes: dict[str, object]
) -> None:
    validate_parent_hashes(tree, world.suite)
    put(tree, at, **changes)
    refused(ValidationRule.TREE_PARENT_HASH, validate_parent_hashes, tree, world.suite)


def test_keys_once(tree: RatchetTree) -> None:
    validate_uniqueness(tree)
    leaf = tree.leaf(LeafIndex(0))
    assert leaf is not None
    put(tree, 1, encryption_key=leaf.encryption_key)
    refused(ValidationRule.LEAF_ENCRYPTION_KEY_UNIQUE, validate_uniqueness, tree)
    tree.put(NodeIndex(2), replace(leaf, encryption_key=b"other"))
    refused(ValidationRule.LEAF_SIGNATURE_KEY_UNIQUE, validate_uniqueness, tree)


LEAF = World().bundle("somebody").key_package.leaf_node


@given(st.dictionaries(st.integers(0, 6), st.sets(st.integers(0, 7)), min_size=1), st.sets(st.integers(0, 7)))
def test_unmerged_leaves_as_the_rfc_says_it(lists: dict[int, set[int]], blank: set[int]) -> None:
    """RFC 9420 §12.4.3.1, word by word, on every tree of eight leaves and some parents."""
    nodes: list[Node | None] = [None] * 15
    nodes[::2] = [None if at in blank else LEAF for at in range(8)]
    for place, unmerged in lists.items():
        nodes[2 * place + 1] = ParentNode(b"", b"", tuple(map(LeafIndex, sorted(unmerged))))
    tree = RatchetTree(nodes)
    right = all(
        unmerged in tree_math.leaves_below(index)
        and tree.leaf(unmerged) is not None
        and all(
            unmerged in between.unmerged_leaves
            for at in tree.direct_path(unmerged)
            if tree_math.is_below(at, index) and (between := tree.parent_node(at)) is not None
        )
        for index, node in tree.parents()
        for unmerged in node.unmerged_leaves
    )
    if right:
        validate_unmerged_leaves(tree)
    else:
        refused(ValidationRule.TREE_UNMERGED, validate_unmerged_leaves, tree)
