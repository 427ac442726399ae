"""What a tree from somebody else must satisfy before anything is done with it (RFC 9420 §12.4.3.1)."""

from __future__ import annotations

from collections.abc import Iterable

from sottovoce.crypto.errors import InvalidPublicKey
from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls import tree_math
from sottovoce.mls.credentials import AuthenticationService
from sottovoce.mls.errors import ValidationError
from sottovoce.mls.extensions import Extensions, RequiredCapabilities
from sottovoce.mls.key_package import MLS10
from sottovoce.mls.nodes import LeafNode, ParentNode
from sottovoce.mls.presentation import opaque
from sottovoce.mls.ratchet_tree import RatchetTree
from sottovoce.mls.rules import ValidationRule
from sottovoce.mls.tree_math import LeafIndex, NodeIndex


def validate_tree(
    tree: RatchetTree,
    suite: CipherSuite,
    group_id: bytes,
    extensions: Extensions,
    authentication: AuthenticationService,
) -> None:
    """Check every node of a tree that came with a GroupInfo; raises ``ValidationError``.

    Lifetimes are not looked at: RFC 9420 §7.3 has a joiner ignore those of leaves already in a tree.
    """
    validate_unmerged_leaves(tree)
    validate_parent_hashes(tree, suite)
    validate_uniqueness(tree)
    validate_group_support(tree, suite, extensions)
    # Whether a key of the right length can be sealed to was checked by the members, when it came.
    nodes: list[LeafNode | ParentNode] = [node for _, node in tree.members()]
    nodes += [node for _, node in tree.parents()]
    if any(len(node.encryption_key) != suite.public_key_length for node in nodes):
        raise ValidationError(ValidationRule.LEAF_PUBLIC_KEY)
    for index, leaf in tree.members():
        # §7.3: "Verify that the signature on the LeafNode is valid".
        if not leaf.verify(suite, group_id, index):
            raise ValidationError(ValidationRule.LEAF_SIGNATURE, f"leaf {index}")
        validate_own_extensions(leaf)
        authentication.validate(leaf.credential, leaf.signature_key)


def validate_unmerged_leaves(tree: RatchetTree) -> None:
    """Check rule T04 for every parent node (§12.4.3.1)."""
    for index, node in tree.parents():
        below = tree_math.leaves_below(index)
        for leaf in node.unmerged_leaves:
            if leaf not in below or tree.leaf(leaf) is None:
                raise ValidationError(ValidationRule.TREE_UNMERGED, f"node {index}, leaf {leaf}")
            for between in tree.direct_path(leaf):
                if between == index:
                    break
                other = tree.parent_node(between)
                if other is not None and leaf not in other.unmerged_leaves:
                    raise ValidationError(ValidationRule.TREE_UNMERGED, f"node {between}, leaf {leaf}")


def parent_hash(suite: CipherSuite, node: ParentNode, original_sibling_tree_hash: bytes) -> bytes:
    """Return what the child on the path carries as its parent hash: Nh bytes (RFC 9420 §7.9)."""
    return suite.hash(
        opaque(node.encryption_key) + opaque(node.parent_hash) + opaque(original_sibling_tree_hash)
    )


def validate_parent_hashes(tree: RatchetTree, suite: CipherSuite) -> None:
    """Check rule T05: each parent node is covered by one chain of parent hashes (§7.9.2)."""
    for index, node in tree.parents():
        left, right = tree_math.left(index), tree_math.right(index)
        covering = _covers(tree, suite, node, left, right) + _covers(tree, suite, node, right, left)
        if covering != 1:
            raise ValidationError(ValidationRule.TREE_PARENT_HASH, f"node {index}")


def _covers(
    tree: RatchetTree, suite: CipherSuite, node: ParentNode, child: NodeIndex, other: NodeIndex
) -> bool:
    # §7.9.2: "D is in the resolution of C, and the intersection of P's unmerged_leaves with the subtree
    # under C is equal to the resolution of C with D removed".
    resolution = tree.resolution(child)
    unmerged = set(map(tree_math.leaf_node_index, node.unmerged_leaves))
    candidates = [at for at in resolution if at not in unmerged]
    below = [at for at in unmerged if tree_math.is_below(at, child)]
    if len(candidates) != 1 or len(below) != len(resolution) - 1:
        return False
    bottom = tree.node(candidates[0])
    if bottom is None or bottom.parent_hash is None:
        return False
    original = tree.tree_hash_without(suite, other, node.unmerged_leaves)
    return bottom.parent_hash == parent_hash(suite, node, original)


def validate_uniqueness(tree: RatchetTree) -> None:
    """Check rules L08 and L09: no key twice in one tree (§7.3, §12.4.3.1)."""
    leaves = [leaf for _, leaf in tree.members()]
    if len({leaf.signature_key for leaf in leaves}) != len(leaves):
        raise ValidationError(ValidationRule.LEAF_SIGNATURE_KEY_UNIQUE)
    keys = [leaf.encryption_key for leaf in leaves]
    keys += [node.encryption_key for _, node in tree.parents()]
    if len(set(keys)) != len(keys):
        raise ValidationError(ValidationRule.LEAF_ENCRYPTION_KEY_UNIQUE)


def validate_public_key(suite: CipherSuite, public_key: bytes) -> None:
    """Check rule L13 by sealing nothing to the key: else the next commit, ours perhaps, would fail on it."""
    try:
        suite.hpke_seal(public_key, b"", b"", b"")
    except InvalidPublicKey as error:
        raise ValidationError(ValidationRule.LEAF_PUBLIC_KEY) from error


def validate_own_extensions(leaf: LeafNode) -> None:
    """Check rule L06 (§7.3: "the extensions in the LeafNode are supported by checking …")."""
    for extension in leaf.extensions:
        if not leaf.supports_extension(extension.extension_type):
            raise ValidationError(ValidationRule.LEAF_EXTENSIONS, f"type {extension.extension_type:#06x}")


def validate_support(leaf: LeafNode, suite: CipherSuite, extensions: Extensions) -> None:
    """Check that one leaf can live in the group: rules L04, L07, L10 (§7.2, §7.3, §13.4)."""
    listed = leaf.capabilities
    if MLS10 not in listed.versions or suite.id not in listed.cipher_suites:
        raise ValidationError(ValidationRule.LEAF_VERSION_AND_SUITE)
    required = RequiredCapabilities.of(extensions)
    if (
        not all(map(leaf.supports_extension, required.extension_types))
        or not all(map(leaf.supports_proposal, required.proposal_types))
        or not set(required.credential_types) <= set(listed.credentials)
    ):
        raise ValidationError(ValidationRule.LEAF_REQUIRED_CAPABILITIES)
    for extension in extensions:
        if not leaf.supports_extension(extension.extension_type):
            raise ValidationError(
                ValidationRule.LEAF_GROUP_EXTENSIONS, f"type {extension.extension_type:#06x}"
            )


def validate_group_support(
    tree: RatchetTree, suite: CipherSuite, extensions: Extensions, changed: Iterable[LeafIndex] | None = None
) -> None:
    """Check :func:`validate_support` for the ``changed`` leaves, or for all, and rule L05 for everyone.

    §7.3: "Verify that the credential type is supported by all members of the group".
    """
    members = dict(tree.members())
    for index in members if changed is None else changed:
        validate_support(members[index], suite, extensions)
    in_use = {leaf.credential.credential_type for leaf in members.values()}
    for leaf in members.values():
        if not in_use.issubset(leaf.capabilities.credentials):
            raise ValidationError(ValidationRule.LEAF_CREDENTIALS)
