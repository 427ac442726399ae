"""What a tree from somebody else must satisfy before anything is done with it (RFC 9420 §12.4.3.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sottovoce.crypto.errors import InvalidPublicKey
from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls import tree_math
from sottovoce.mls.credentials import AuthenticationService
from sottovoce.mls.errors import ValidationError
from sottovoce.mls.extensions import Extensions, RequiredCapabilities
from sottovoce.mls.key_package import MLS10
from sottovoce.mls.nodes import Capabilities, LeafLimits, LeafNode, ParentNode
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
    *,
    limits: LeafLimits | None = None,
) -> None:
    """Check every node of a tree that came with a GroupInfo; raises ``ValidationError``.

    Whether a lifetime is over is not looked at, which RFC 9420 §7.3 leaves open for leaves of a tree.
    """
    validate_unmerged_leaves(tree)
    validate_parent_hashes(tree, suite)
    validate_uniqueness(tree)
    validate_group_support(tree, suite, extensions)
    # Whether a key of the right length can be sealed to was checked by the members, when it came.
    if {*map(len, tree.encryption_keys())} != {suite.public_key_length}:
        raise ValidationError(ValidationRule.LEAF_PUBLIC_KEY)
    for index, leaf in tree.members():
        # §7.3: "Verify that the signature on the LeafNode is valid".
        if not leaf.verify(suite, group_id, index):
            raise ValidationError(ValidationRule.LEAF_SIGNATURE, f"leaf {index}")
        validate_leaf_alone(leaf, limits)
        authentication.validate(leaf.credential, leaf.signature_key)


def validate_unmerged_leaves(tree: RatchetTree) -> None:
    """Check rule T04 for every parent node (§12.4.3.1)."""
    parents = tree.parents()
    unmerged = {index: frozenset(node.unmerged_leaves) for index, node in parents if node.unmerged_leaves}
    for index, leaves in unmerged.items():
        below = tree_math.leaves_below(index)
        for leaf in leaves:
            if leaf not in below or tree.leaf(leaf) is None:
                raise ValidationError(ValidationRule.TREE_UNMERGED, f"node {index}, leaf {leaf}")
            between = _next_parent(tree, index, leaf)
            # What is between that node and the leaf is judged when it is that node's turn.
            if between is not None and leaf not in unmerged.get(between, ()):
                raise ValidationError(ValidationRule.TREE_UNMERGED, f"node {between}, leaf {leaf}")


def _next_parent(tree: RatchetTree, above: NodeIndex, leaf: LeafIndex) -> NodeIndex | None:
    """Return the highest parent node that is not blank between ``above`` and a leaf under it."""
    bottom = tree_math.leaf_node_index(leaf)
    at = above
    while True:
        at = tree_math.left(at) if bottom < at else tree_math.right(at)
        if at == bottom:
            return None
        if tree.node(at) is not None:
            return at


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
    leaves = tree.leaves()
    if len({leaf.signature_key for leaf in leaves}) != len(leaves):
        raise ValidationError(ValidationRule.LEAF_SIGNATURE_KEY_UNIQUE)
    keys = tree.encryption_keys()
    if len(set(keys)) != len(keys):
        raise ValidationError(ValidationRule.LEAF_ENCRYPTION_KEY_UNIQUE)


def validate_public_key(suite: CipherSuite, public_key: bytes) -> None:
    """Check rule L13, that the key can be sealed to: else the next commit, ours perhaps, would fail on it."""
    try:
        suite.validate_public_key(public_key)
    except InvalidPublicKey as error:
        raise ValidationError(ValidationRule.LEAF_PUBLIC_KEY) from error


def validate_leaf_alone(leaf: LeafNode, limits: LeafLimits | None) -> None:
    """Check what a leaf is wherever it stands: rules L06, and L14 and L15 unless there are no ``limits``."""
    if limits is not None:
        # §16.11: every member carries every leaf. Large ones would fill a tree that others cannot send then.
        if len(leaf.encoded) > limits.max_size:
            raise ValidationError(ValidationRule.LEAF_SIZE, f"{len(leaf.encoded)} bytes")
        # §7.2: an application is to "reject any LeafNode where the total lifetime is longer".
        if leaf.lifetime is not None and leaf.lifetime.total > limits.max_lifetime:
            raise ValidationError(ValidationRule.LEAF_TOTAL_LIFETIME, f"{leaf.lifetime.total} seconds")
    # §7.3: "Verify that the extensions in the LeafNode are supported".
    for extension in leaf.extensions:
        if not leaf.capabilities.supports_extension(extension.extension_type):
            raise ValidationError(ValidationRule.LEAF_EXTENSIONS, f"type {extension.extension_type:#06x}")


@dataclass(frozen=True)
class GroupRequirements:
    """What a group asks of each member's capabilities (§7.2, §7.3, §11.1, §13.4)."""

    suite: CipherSuite
    required: RequiredCapabilities
    extension_types: tuple[int, ...]
    """Types of the GroupContext's extensions."""

    @classmethod
    def of(cls, suite: CipherSuite, extensions: Extensions) -> GroupRequirements:
        """Return what a group with this suite and these extensions asks."""
        types = tuple(extension.extension_type for extension in extensions)
        return cls(suite, RequiredCapabilities.of(extensions), types)

    def validate(self, listed: Capabilities) -> None:
        """Check that a member who lists this can live in the group: rules L04, L07, L10."""
        if MLS10 not in listed.versions or self.suite.id not in listed.cipher_suites:
            raise ValidationError(ValidationRule.LEAF_VERSION_AND_SUITE)
        required = self.required
        if (
            not all(map(listed.supports_extension, required.extension_types))
            or not all(map(listed.supports_proposal, required.proposal_types))
            or not set(required.credential_types) <= set(listed.credentials)
        ):
            raise ValidationError(ValidationRule.LEAF_REQUIRED_CAPABILITIES)
        for number in self.extension_types:
            if not listed.supports_extension(number):
                raise ValidationError(ValidationRule.LEAF_GROUP_EXTENSIONS, f"type {number:#06x}")


def _distinct(leaves: Iterable[LeafNode]) -> Iterable[Capabilities]:
    """Return the capabilities of the leaves, those that are one object once."""
    return {id(leaf.capabilities): leaf.capabilities for leaf in leaves}.values()


def validate_group_support(
    tree: RatchetTree, suite: CipherSuite, extensions: Extensions, changed: Iterable[LeafIndex] | None = None
) -> None:
    """Check :class:`GroupRequirements` for the ``changed`` leaves, or for all, and rule L05 for everyone.

    §7.3: "Verify that the credential type is supported by all members of the group".
    """
    leaves = tree.leaves()
    judged = leaves
    if changed is not None:
        judged = [leaf for leaf in map(tree.leaf, changed) if leaf is not None]
    requirements = GroupRequirements.of(suite, extensions)
    for capabilities in _distinct(judged):
        requirements.validate(capabilities)
    in_use = {leaf.credential.credential_type for leaf in leaves}
    for capabilities in _distinct(leaves):
        if not in_use.issubset(capabilities.credentials):
            raise ValidationError(ValidationRule.LEAF_CREDENTIALS)
