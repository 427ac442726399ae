"""Vectors of the ratchet tree: operations, validation and TreeKEM."""

from __future__ import annotations

from typing import Any

import pytest

from sottovoce.crypto.suites import cipher_suite
from sottovoce.mls import tree_math
from sottovoce.mls.group_info import GroupContext
from sottovoce.mls.key_package import MLS10
from sottovoce.mls.labels import derive_secret
from sottovoce.mls.presentation import decode
from sottovoce.mls.proposals import Add, Remove, Update, UpdatePath, read_proposal
from sottovoce.mls.ratchet_tree import RatchetTree
from sottovoce.mls.tree_math import LeafIndex, NodeIndex
from sottovoce.mls.tree_validation import validate_parent_hashes, validate_unmerged_leaves
from sottovoce.mls.treekem import new_path, open_path, receive_path

Vector = dict[str, Any]
hexadecimal = bytes.fromhex


@pytest.mark.mls_vectors("tree-operations")
def test_tree_operations(vector: Vector) -> None:
    suite = cipher_suite(vector["cipher_suite"])
    before = RatchetTree.decode(hexadecimal(vector["tree_before"]))
    assert before.tree_hash(suite) == hexadecimal(vector["tree_hash_before"])
    after = before.copy()
    match decode(read_proposal, hexadecimal(vector["proposal"])):
        case Add(package):
            after.add(package.leaf_node)
        case Update(leaf):
            after.update(LeafIndex(vector["proposal_sender"]), leaf)
        case Remove(removed):
            after.remove(removed)
    assert after.encode() == hexadecimal(vector["tree_after"])
    assert after.tree_hash(suite) == hexadecimal(vector["tree_hash_after"])
    assert before.encode() == hexadecimal(vector["tree_before"]), "the tree copied from is as it was"


@pytest.mark.mls_vectors("tree-validation")
def test_tree_validation(vector: Vector) -> None:
    suite = cipher_suite(vector["cipher_suite"])
    tree = RatchetTree.decode(hexadecimal(vector["tree"]))
    nodes = [NodeIndex(at) for at in range(len(vector["tree_hashes"]))]
    assert [tree.resolution(at) for at in nodes] == vector["resolutions"]
    assert [tree.tree_hash(suite, at).hex() for at in nodes] == vector["tree_hashes"]
    validate_unmerged_leaves(tree)
    validate_parent_hashes(tree, suite)
    for index, leaf in tree.members():
        assert leaf.verify(suite, hexadecimal(vector["group_id"]), index)


@pytest.mark.mls_vectors("treekem")
def test_treekem(vector: Vector) -> None:
    suite = cipher_suite(vector["cipher_suite"])
    group_id = hexadecimal(vector["group_id"])
    tree = RatchetTree.decode(hexadecimal(vector["ratchet_tree"]))
    private: dict[int, dict[NodeIndex, bytes]] = {}
    signature_keys: dict[int, bytes] = {}
    for one in vector["leaves_private"]:
        leaf = LeafIndex(one["index"])
        keys = {tree_math.leaf_node_index(leaf): hexadecimal(one["encryption_priv"])}
        for secret in one["path_secrets"]:
            node_secret = derive_secret(suite, hexadecimal(secret["path_secret"]), b"node")
            pair = suite.derive_key_pair(node_secret)
            at = NodeIndex(secret["node"])
            node = tree.node(at)
            assert node is not None
            assert pair.public == node.encryption_key
            keys[at] = pair.private
        private[leaf] = keys
        signature_keys[leaf] = hexadecimal(one["signature_priv"])

    def context_of(changed: RatchetTree) -> bytes:
        return GroupContext(
            MLS10,
            suite.id,
            group_id,
            vector["epoch"],
            changed.tree_hash(suite),
            hexadecimal(vector["confirmed_transcript_hash"]),
            (),
        ).encoded

    for one in vector["update_paths"]:
        sender = LeafIndex(one["sender"])
        path = decode(UpdatePath.read, hexadecimal(one["update_path"]))
        after = tree.copy()
        receive_path(suite, after, sender, path)
        assert path.leaf_node.verify(suite, group_id, sender)
        assert after.tree_hash(suite) == hexadecimal(one["tree_hash_after"])
        for leaf, keys in private.items():
            if leaf == sender:
                continue
            commit_secret, _ = open_path(
                suite,
                after,
                sender,
                path,
                own_leaf=LeafIndex(leaf),
                private_keys=keys,
                group_context=context_of(after),
                added=(),
            )
            assert commit_secret == hexadecimal(one["commit_secret"])
        # A path of our own for the same sender opens to one commit secret for everyone.
        again = tree.copy()
        old = tree.leaf(sender)
        assert old is not None
        made = new_path(
            suite,
            again,
            sender,
            old,
            encryption=suite.derive_key_pair(bytes(suite.secret_length)),
            path_secret=b"\x01" * suite.secret_length,
            group_id=group_id,
            signature_private_key=signature_keys[sender],
        )
        ours = made.encrypt(suite, again, context_of(again), ())
        for leaf, keys in private.items():
            if leaf != sender:
                secret, _ = open_path(
                    suite,
                    again,
                    sender,
                    ours,
                    own_leaf=LeafIndex(leaf),
                    private_keys=keys,
                    group_context=context_of(again),
                    added=(),
                )
                assert secret == made.secrets.commit_secret
