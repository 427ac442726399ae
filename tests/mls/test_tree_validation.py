"""Ratchet trees that no honest group has."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mls_world import CONFIG, NOW, SUITE_1, World, commit_of, insider, taken_apart
from mls_world import refused as member_refuses

from sottovoce.mls import (
    Add,
    Commit,
    Credential,
    DecodingError,
    Extension,
    Group,
    KeyPackage,
    LeafIndex,
    LeafNodeSource,
    Lifetime,
    ProposalReference,
    Update,
    ValidationError,
    ValidationRule,
    default_capabilities,
    generate_key_package,
    tree_math,
)
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


class TestSize:
    """Every member carries every leaf: whoever brings a large one takes the room for the others' commits."""

    large = Extension(0xFF01, bytes(CONFIG.max_leaf_size))
    able = default_capabilities(SUITE_1, [0xFF01])

    def package(self, world: World) -> KeyPackage:
        return generate_key_package(
            world.suite,
            Credential.basic(b"carol"),
            world.keys(),
            lifetime=Lifetime(NOW - 10, NOW + 10),
            capabilities=self.able,
            leaf_extensions=(self.large,),
            random=os.urandom,
        ).key_package

    def test_of_who_is_added(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        member_refuses(bob, insider(alice, commit_of(Add(self.package(world)))), ValidationRule.LEAF_SIZE)

    def test_of_who_updates(self, world: World) -> None:
        alice, bob, carol = world.group_of("alice", "bob", "carol")
        old, state = bob._state.tree.leaf(bob.own_leaf_index), bob._state
        assert old is not None
        leaf = replace(
            old,
            encryption_key=world.suite.derive_key_pair(os.urandom(32)).public,
            source=LeafNodeSource.UPDATE,
            lifetime=None,
            parent_hash=None,
            capabilities=self.able,
            extensions=(self.large,),
        ).signed(world.suite, state.signature_key_pair.private, bob.group_id, bob.own_leaf_index)
        carol.merge(carol.process(insider(bob, Update(leaf)), now=NOW))
        (reference,) = carol._pending
        path = taken_apart(alice).path
        commit = Commit((ProposalReference(reference),), path)
        member_refuses(carol, insider(alice, commit), ValidationRule.LEAF_SIZE)

    def test_of_who_joins(self, world: World) -> None:
        alice, _ = world.group_of("alice", "bob")
        join = Group.join_externally(
            alice.group_info(),
            Credential.basic(b"dave"),
            world.keys(),
            suite=world.suite,
            capabilities=self.able,
            leaf_extensions=(self.large,),
            config=CONFIG,
            random=os.urandom,
        )
        member_refuses(alice, join.commit, ValidationRule.LEAF_SIZE)

    def test_of_who_founds(self, world: World) -> None:
        with pytest.raises(ValidationError) as caught:
            Group.create(
                world.suite,
                b"room",
                Credential.basic(b"alice"),
                world.keys(),
                capabilities=self.able,
                leaf_extensions=(self.large,),
                config=CONFIG,
                random=os.urandom,
                now=NOW,
            )
        assert caught.value.rule is ValidationRule.LEAF_SIZE

    def test_of_who_is_there(self, world: World) -> None:
        world.config = replace(CONFIG, max_leaf_size=1 << 20)
        (alice,) = world.group_of("alice")
        alice.merge(alice.commit(add=[self.package(world)], random=os.urandom, now=NOW))
        bundle = world.bundle("bob")
        welcome = alice.commit(add=[bundle.message], random=os.urandom, now=NOW).welcome or b""
        with pytest.raises(ValidationError) as caught:
            Group.join(welcome, bundle, config=CONFIG)
        assert caught.value.rule is ValidationRule.LEAF_SIZE
        assert Group.join(welcome, bundle, config=world.config).epoch == 2
