"""What a tree remembers equals what follows from its nodes alone, whatever was done to it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from mls_world import SUITE_1, World

from sottovoce.mls import tree_math
from sottovoce.mls.nodes import LeafNode, ParentNode
from sottovoce.mls.presentation import opaque, optional, uint8, uint32
from sottovoce.mls.ratchet_tree import RatchetTree
from sottovoce.mls.tree_math import LeafIndex, NodeIndex

LEAF = World().bundle("somebody").key_package.leaf_node

Operation = tuple[str, int]
OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["add", "add", "add", "remove", "update", "commit"]), st.integers(0, 40)),
    max_size=60,
)


def leaf_number(number: int) -> LeafNode:
    return replace(LEAF, encryption_key=number.to_bytes(32, "big"))


def apply(tree: RatchetTree, operation: Operation, number: int) -> None:
    """Do to a tree what a proposal or a path would, without its cryptography."""
    kind, choice = operation
    members = [index for index, _ in tree.members()]
    index = members[choice % len(members)]
    if kind == "add":
        blank = [at for at in range(tree.leaf_count) if tree.leaf(LeafIndex(at)) is None]
        assert tree.add(leaf_number(number)) == (blank[0] if blank else tree.leaf_count // 2)
    elif kind == "remove" and len(members) > 1:
        tree.remove(index)
    elif kind == "update":
        tree.update(index, leaf_number(number))
    elif kind == "commit":
        for at, _ in tree.filtered_direct_path(index):
            tree.put(at, ParentNode(number.to_bytes(32, "big"), b"above"))


def plain_hash(tree: RatchetTree, at: NodeIndex) -> bytes:
    """RFC 9420 §7.8, word by word."""
    node = tree.node(at)
    encoded = optional(None if node is None else node.encoded)
    if tree_math.is_leaf(at):
        return hashlib.sha256(uint8(1) + uint32(at // 2) + encoded).digest()
    left, right = plain_hash(tree, tree_math.left(at)), plain_hash(tree, tree_math.right(at))
    return hashlib.sha256(uint8(2) + encoded + opaque(left) + opaque(right)).digest()


def plain_resolution(tree: RatchetTree, at: NodeIndex) -> list[int]:
    """RFC 9420 §4.1.1, word by word."""
    node = tree.node(at)
    if node is not None:
        return [at, *(2 * leaf for leaf in node.unmerged_leaves)] if isinstance(node, ParentNode) else [at]
    if tree_math.is_leaf(at):
        return []
    return plain_resolution(tree, tree_math.left(at)) + plain_resolution(tree, tree_math.right(at))


@settings(max_examples=60, deadline=None)
@given(OPERATIONS)
def test_what_is_remembered_follows_from_the_nodes(operations: list[Operation]) -> None:
    tree = RatchetTree.of_one(leaf_number(0))
    for number, operation in enumerate(operations, 1):
        before = tree.copy()
        encoded, root_hash = before.encode(), before.tree_hash(SUITE_1)
        apply(tree, operation, number)
        assert (before.encode(), before.tree_hash(SUITE_1)) == (encoded, root_hash)
    nodes = [NodeIndex(at) for at in range(tree_math.node_width(tree.leaf_count))]
    for at in nodes:
        assert tree.resolution(at) == plain_resolution(tree, at)
        assert tree.tree_hash(SUITE_1, at) == plain_hash(tree, at)
    for index, _ in tree.members():
        below = [tree_math.leaf_node_index(index), *tree.direct_path(index)]
        path = [(above, tree_math.sibling(at)) for at, above in pairwise(below)]
        assert tree.filtered_direct_path(index) == [pair for pair in path if plain_resolution(tree, pair[1])]
    again = RatchetTree.decode(tree.encode())
    assert again.encode() == tree.encode()
    assert [again.node(at) for at in nodes] == [tree.node(at) for at in nodes]


@settings(max_examples=40, deadline=None)
@given(OPERATIONS, st.sets(st.integers(0, 40)))
def test_the_original_tree_hash(operations: list[Operation], chosen: set[int]) -> None:
    """Without its unmerged leaves a tree has the hash of one from which they were never there."""
    tree = RatchetTree.of_one(leaf_number(0))
    for number, operation in enumerate(operations, 1):
        apply(tree, operation, number)
    absent = tuple(index for index, _ in tree.members() if index in chosen)
    without = tree.copy()
    for index in absent:
        without.put(tree_math.leaf_node_index(index), None)
    for at, node in tree.parents():
        remaining = tuple(leaf for leaf in node.unmerged_leaves if leaf not in absent)
        without.put(at, replace(node, unmerged_leaves=remaining))
    assert tree.tree_hash_without(SUITE_1, tree.root, absent) == plain_hash(without, without.root)


def test_members_are_leaves(world: World) -> None:
    tree = world.group_of("alice", "bob", "carol")[0]._state.tree
    assert [leaf for _, leaf in tree.members()] == tree.leaves()
    assert all(isinstance(leaf, LeafNode) for leaf in tree.leaves())
    nodes = [*tree.leaves(), *(node for _, node in tree.parents())]
    assert sorted(tree.encryption_keys()) == sorted(node.encryption_key for node in nodes)
    first = tree.leaves()[0]
    assert first.encryption_key not in tree.encryption_keys(apart_from=first)
