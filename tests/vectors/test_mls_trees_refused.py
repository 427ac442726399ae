"""The vectors of ratchet trees, each with one thing spoilt: refused by its rule."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from official_vectors import Refusals
from spoiling import flipped

from sottovoce.crypto.suites import CipherSuite, cipher_suite
from sottovoce.mls import (
    AnyBasicCredential,
    DecodingError,
    Extension,
    RequiredCapabilities,
    UndecryptableMessage,
    ValidationRule,
    presentation,
    tree_math,
)
from sottovoce.mls.group_info import GroupContext
from sottovoce.mls.key_package import MLS10
from sottovoce.mls.labels import derive_secret, encrypt_with_label
from sottovoce.mls.nodes import LeafNode, LeafNodeSource, ParentNode
from sottovoce.mls.presentation import decode, opaque, optional, uint8, uint32
from sottovoce.mls.proposals import Add, Remove, Update, UpdatePath, read_proposal
from sottovoce.mls.ratchet_tree import RatchetTree
from sottovoce.mls.tree_math import LeafIndex, NodeIndex
from sottovoce.mls.tree_validation import (
    validate_group_support,
    validate_leaf_alone,
    validate_parent_hashes,
    validate_tree,
    validate_uniqueness,
    validate_unmerged_leaves,
)
from sottovoce.mls.treekem import open_path, receive_path

Vector = dict[str, Any]
hexadecimal = bytes.fromhex
UNKNOWN = 0x7A7A
SOME = 3
"""Of how many nodes of a tree each is spoilt."""


def encoded_nodes(tree: RatchetTree) -> list[bytes]:
    """Return the nodes as they stand in an encoded tree."""
    width = tree_math.node_width(tree.leaf_count)
    nodes = [tree.node(NodeIndex(at)) for at in range(width)]
    while nodes[-1] is None:
        nodes.pop()
    return [
        optional(None if node is None else uint8(1 if isinstance(node, LeafNode) else 2) + node.encoded)
        for node in nodes
    ]


def spoilt_shapes(tree: RatchetTree, refusals: Refusals) -> None:
    """Encode the tree in each form that the codec refuses (§12.4.3.3, §7.1)."""
    nodes = encoded_nodes(tree)
    assert presentation.vector(nodes) == tree.encode()
    _, leaf = next(tree.members())
    parent = optional(uint8(2) + ParentNode(leaf.encryption_key, b"").encoded)
    whole = optional(uint8(1) + leaf.encoded)
    unsorted = opaque(leaf.encryption_key) + opaque(b"") + presentation.vector([uint32(1), uint32(0)])
    doubled = opaque(leaf.encryption_key) + opaque(b"") + presentation.vector([uint32(1), uint32(1)])
    for why, spoilt in (
        (ValidationRule.TREE_NOT_EMPTY, []),
        (ValidationRule.TREE_LAST_NODE, [*nodes, optional(None)]),
        (ValidationRule.TREE_LAST_NODE, [*nodes, optional(None), optional(None)]),
        (ValidationRule.TREE_NODE_KIND, [parent, *nodes[1:]]),
        (ValidationRule.TREE_NODE_KIND, [whole, whole, whole]),
        (DecodingError, [optional(uint8(3) + leaf.encoded), *nodes[1:]]),
        (DecodingError, [b"\x02", *nodes[1:]]),
        (DecodingError, [whole, optional(uint8(2) + unsorted), whole]),
        (DecodingError, [whole, optional(uint8(2) + doubled), whole]),
    ):
        refusals.expect(why, lambda spoilt=spoilt: RatchetTree.decode(presentation.vector(spoilt)))


@pytest.mark.mls_vectors("tree-operations")
def test_tree_operations_refused(vector: Vector, refusals: Refusals) -> None:
    suite = cipher_suite(vector["cipher_suite"])
    for name in ("tree_before", "tree_after"):
        spoilt_shapes(RatchetTree.decode(hexadecimal(vector[name])), refusals)
    before = RatchetTree.decode(hexadecimal(vector["tree_before"]))
    expected = hexadecimal(vector["tree_hash_after"])
    refusals.differs(before.tree_hash(suite), expected)
    # The proposal upon another leaf than the one it names leads to another tree.
    match decode(read_proposal, hexadecimal(vector["proposal"])):
        case Add(package):
            before.add(replace(package.leaf_node, signature=flipped(package.leaf_node.signature)))
        case Update(leaf):
            before.update(LeafIndex((vector["proposal_sender"] + 1) % before.leaf_count), leaf)
        case Remove(removed):
            others = [index for index, _ in before.members() if index != removed]
            before.remove(others[0])
    refusals.differs(before.tree_hash(suite), expected)


def with_node(tree: RatchetTree, at: NodeIndex, **changes: Any) -> RatchetTree:
    """Return the tree with these changes to one of its nodes."""
    changed, node = tree.copy(), tree.node(at)
    assert node is not None
    changed.put(at, replace(node, **changes))
    return changed


def spoilt_parents(tree: RatchetTree, suite: CipherSuite, refusals: Refusals) -> None:
    """Break the chain of parent hashes, and the lists of unmerged leaves (§7.9.2, §12.4.3.1)."""
    beyond = LeafIndex(tree.leaf_count)
    for at, node in tree.parents()[:SOME]:
        # Also a root's own parent hash, which names nothing above it, goes into what is below it.
        parent_hash = flipped(node.parent_hash) if node.parent_hash else b"x"
        for broken in (
            with_node(tree, at, parent_hash=parent_hash),
            with_node(tree, at, encryption_key=flipped(node.encryption_key)),
        ):
            rule = ValidationRule.TREE_PARENT_HASH
            refusals.expect(rule, lambda broken=broken: validate_parent_hashes(broken, suite))
        member = next(leaf for leaf, _ in tree.members() if leaf in tree_math.leaves_below(at))
        absent = with_node(tree, at, unmerged_leaves=tuple(sorted({*node.unmerged_leaves, member})))
        absent.put(tree_math.leaf_node_index(member), None)
        outside = with_node(tree, at, unmerged_leaves=(*node.unmerged_leaves, beyond))
        for wrong in (absent, outside):
            rule = ValidationRule.TREE_UNMERGED
            refusals.expect(rule, lambda wrong=wrong: validate_unmerged_leaves(wrong))


def spoilt_leaves(tree: RatchetTree, suite: CipherSuite, group_id: bytes, refusals: Refusals) -> None:
    """Give leaves the keys of others, extensions they do not list, and other places (§7.3)."""
    members = list(tree.members())
    unlisted = (Extension(UNKNOWN, b""),)
    for (_, one), (second, _) in pairwise(members[: SOME + 1]):
        for rule, name in (
            (ValidationRule.LEAF_SIGNATURE_KEY_UNIQUE, "signature_key"),
            (ValidationRule.LEAF_ENCRYPTION_KEY_UNIQUE, "encryption_key"),
        ):
            doubled = with_node(tree, tree_math.leaf_node_index(second), **{name: getattr(one, name)})
            refusals.expect(rule, lambda doubled=doubled: validate_uniqueness(doubled))
    for index, leaf in members[:SOME]:
        spoilt = with_node(tree, tree_math.leaf_node_index(index), signature=flipped(leaf.signature))
        refusals.differs(spoilt.tree_hash(suite), tree.tree_hash(suite))
        refusals.differs(
            replace(leaf, signature=flipped(leaf.signature)).verify(suite, group_id, index), True
        )
        carries = replace(leaf, extensions=unlisted)
        refusals.differs(carries.verify(suite, group_id, index), True)
        refusals.expect(ValidationRule.LEAF_EXTENSIONS, lambda leaf=carries: validate_leaf_alone(leaf, None))
        if leaf.source is not LeafNodeSource.KEY_PACKAGE:
            refusals.differs(leaf.verify(suite, group_id, LeafIndex(index + 1)), True)
            refusals.differs(leaf.verify(suite, flipped(group_id), index), True)


@pytest.mark.mls_vectors("tree-validation")
def test_tree_validation_refused(vector: Vector, refusals: Refusals) -> None:
    suite, group_id = cipher_suite(vector["cipher_suite"]), hexadecimal(vector["group_id"])
    tree = RatchetTree.decode(hexadecimal(vector["tree"]))
    spoilt_shapes(tree, refusals)

    spoilt_parents(tree, suite, refusals)
    spoilt_leaves(tree, suite, group_id, refusals)
    members = list(tree.members())
    placed = any(leaf.source is not LeafNodeSource.KEY_PACKAGE for _, leaf in members)
    if placed:
        refusals.expect(
            ValidationRule.LEAF_SIGNATURE,
            lambda: validate_tree(tree, suite, flipped(group_id), (), AnyBasicCredential()),
        )
    other = cipher_suite(2 if suite.id == 1 else 1)
    required = RequiredCapabilities((UNKNOWN,)).extension()
    unlisted = tree.copy()
    at, leaf = members[-1]
    listed = replace(leaf.capabilities, cipher_suites=(other.id,))
    unlisted.put(tree_math.leaf_node_index(at), replace(leaf, capabilities=listed))
    for rule, judged, extensions in (
        (ValidationRule.LEAF_REQUIRED_CAPABILITIES, tree, (required,)),
        (ValidationRule.LEAF_GROUP_EXTENSIONS, tree, (Extension(UNKNOWN, b""),)),
        (ValidationRule.LEAF_VERSION_AND_SUITE, unlisted, ()),
    ):
        refusals.expect(
            rule,
            lambda judged=judged, extensions=extensions: validate_group_support(judged, suite, extensions),
        )


@pytest.mark.mls_vectors("treekem")
def test_treekem_refused(vector: Vector, refusals: Refusals) -> None:
    suite, group_id = cipher_suite(vector["cipher_suite"]), hexadecimal(vector["group_id"])
    tree = RatchetTree.decode(hexadecimal(vector["ratchet_tree"]))
    one = vector["update_paths"][0]
    sender, path = LeafIndex(one["sender"]), decode(UpdatePath.read, hexadecimal(one["update_path"]))
    leaf, nodes = path.leaf_node, path.nodes
    hash_flipped = replace(leaf, parent_hash=flipped(leaf.parent_hash or b"\0"))
    key_flipped = replace(nodes[0], encryption_key=flipped(nodes[0].encryption_key))
    for rule, spoilt in (
        (ValidationRule.PATH_LENGTH, replace(path, nodes=nodes[:-1])),
        (ValidationRule.PATH_LENGTH, replace(path, nodes=(*nodes, nodes[-1]))),
        (ValidationRule.PATH_PARENT_HASH, replace(path, leaf_node=hash_flipped)),
        (ValidationRule.PATH_PARENT_HASH, replace(path, nodes=(key_flipped, *nodes[1:]))),
    ):
        refusals.expect(rule, lambda spoilt=spoilt: receive_path(suite, tree.copy(), sender, spoilt))
    refusals.differs(leaf.verify(suite, flipped(group_id), sender), True)
    refusals.differs(leaf.verify(suite, group_id, LeafIndex(sender + 1)), True)
    after = tree.copy()
    receive_path(suite, after, sender, path)
    context = GroupContext(
        MLS10,
        suite.id,
        group_id,
        vector["epoch"],
        after.tree_hash(suite),
        hexadecimal(vector["confirmed_transcript_hash"]),
        (),
    ).encoded
    receiver = next(entry for entry in vector["leaves_private"] if entry["index"] != sender)
    own = LeafIndex(receiver["index"])
    private = {tree_math.leaf_node_index(own): hexadecimal(receiver["encryption_priv"])}
    for secret in receiver["path_secrets"]:
        node_secret = derive_secret(suite, hexadecimal(secret["path_secret"]), b"node")
        private[NodeIndex(secret["node"])] = suite.derive_key_pair(node_secret).private

    def opened(spoilt: UpdatePath, group_context: bytes = context) -> object:
        return open_path(
            suite,
            after,
            sender,
            spoilt,
            own_leaf=own,
            private_keys=private,
            group_context=group_context,
            added=(),
        )

    opened(path)
    filtered = after.filtered_direct_path(sender)
    bottom = tree_math.leaf_node_index(own)
    start = next(at for at, (_, other) in enumerate(filtered) if tree_math.is_below(bottom, other))
    resolution = after.resolution(filtered[start][1])
    position, index = next((at, node) for at, node in enumerate(resolution) if node in private)
    ciphertexts = list(nodes[start].encrypted_path_secret)
    kem_output, ciphertext = ciphertexts[position]
    above_us = after.node(index)
    assert above_us is not None

    def resealed(secret: bytes) -> tuple[bytes, bytes]:
        return encrypt_with_label(suite, above_us.encryption_key, b"UpdatePathNode", context, secret)

    def with_sealed(sealed: tuple[bytes, bytes] | None) -> UpdatePath:
        pairs = [*ciphertexts[:position], *([sealed] if sealed else []), *ciphertexts[position + 1 :]]
        node = replace(nodes[start], encrypted_path_secret=tuple(pairs))
        return replace(path, nodes=(*nodes[:start], node, *nodes[start + 1 :]))

    refusals.expect(UndecryptableMessage, lambda: opened(path, flipped(context)))
    for why, sealed in (
        (UndecryptableMessage, (kem_output, flipped(ciphertext))),
        (UndecryptableMessage, (kem_output, b"")),
        (UndecryptableMessage, (flipped(kem_output), ciphertext)),
        (UndecryptableMessage, (kem_output[:-1], ciphertext)),
        (ValidationRule.PATH_CIPHERTEXTS, None),
        (ValidationRule.PATH_SECRET, resealed(b"s" * (suite.secret_length - 1))),
        (ValidationRule.PATH_SECRET, resealed(b"")),
        (ValidationRule.PATH_KEYS, resealed(b"s" * suite.secret_length)),
    ):
        refusals.expect(why, lambda sealed=sealed: opened(with_sealed(sealed)))
