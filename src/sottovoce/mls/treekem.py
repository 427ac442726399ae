"""TreeKEM: a new path of keys, and its secrets for everyone else (RFC 9420 §7.4 to §7.6)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sottovoce.crypto.errors import DecryptionError
from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.signatures import Signer
from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls import tree_math
from sottovoce.mls.errors import UndecryptableMessage, ValidationError
from sottovoce.mls.labels import decrypt_with_label, derive_secret, sealer_with_label
from sottovoce.mls.nodes import LeafNode, LeafNodeSource, ParentNode
from sottovoce.mls.proposals import PathNode, UpdatePath
from sottovoce.mls.ratchet_tree import RatchetTree
from sottovoce.mls.rules import ValidationRule
from sottovoce.mls.tree_math import LeafIndex, NodeIndex
from sottovoce.mls.tree_validation import parent_hash

PrivateKeys = Mapping[NodeIndex, bytes]
"""HPKE private keys a member holds: its leaf's, and those of nodes above it."""


@dataclass(frozen=True)
class PathSecrets:
    """The secrets along a filtered direct path, lowest first, and what follows the root's (§7.4)."""

    path_secrets: tuple[bytes, ...] = field(repr=False)
    key_pairs: tuple[KeyPair, ...]
    commit_secret: bytes = field(repr=False)

    @classmethod
    def derive(cls, suite: CipherSuite, path_secret: bytes, length: int) -> PathSecrets:
        """Derive ``length`` nodes' secrets, the first of which is ``path_secret``."""
        secrets, pairs = [], []
        for _ in range(length):
            secrets.append(path_secret)
            pairs.append(suite.derive_key_pair(derive_secret(suite, path_secret, b"node")))
            path_secret = derive_secret(suite, path_secret, b"path")
        return cls(tuple(secrets), tuple(pairs), path_secret)


def put_path(suite: CipherSuite, tree: RatchetTree, sender: LeafIndex, public_keys: Sequence[bytes]) -> bytes:
    """Give the sender's filtered direct path its new keys; returns the parent hash of its leaf (§7.5).

    Raises ``ValidationError`` U01 unless there is one key for each node.
    """
    path = tree.filtered_direct_path(sender)
    if len(path) != len(public_keys):
        raise ValidationError(ValidationRule.PATH_LENGTH, f"{len(public_keys)} nodes for {len(path)}")
    tree.blank_path(sender)
    above = b""
    for (index, other), key in reversed(list(zip(path, public_keys, strict=True))):
        node = ParentNode(key, above)
        tree.put(index, node)
        above = parent_hash(suite, node, tree.tree_hash(suite, other))
    return above


@dataclass(frozen=True)
class NewPath:
    """A path just put into a tree, its secrets not yet encrypted: that needs the new tree's hash."""

    leaf_node: LeafNode
    secrets: PathSecrets
    filtered: tuple[tuple[NodeIndex, NodeIndex], ...]
    private_keys: PrivateKeys = field(repr=False)

    def secret_for(self, leaf: LeafIndex) -> bytes | None:
        """Return the secret of the lowest node on the path above ``leaf``, if there is one."""
        at = tree_math.leaf_node_index(leaf)
        for (index, _), secret in zip(self.filtered, self.secrets.path_secrets, strict=True):
            if tree_math.is_below(at, index):
                return secret
        return None

    def encrypt(
        self, suite: CipherSuite, tree: RatchetTree, group_context: bytes, added: Collection[LeafIndex]
    ) -> UpdatePath:
        """Encrypt each secret to the copath's resolution without the leaves just ``added`` (§7.5)."""
        new = set(map(tree_math.leaf_node_index, added))
        nodes = []
        sealer = sealer_with_label(suite, b"UpdatePathNode", group_context)
        pairs = zip(self.filtered, self.secrets.path_secrets, self.secrets.key_pairs, strict=True)
        for (_, other), secret, key_pair in pairs:
            recipients = [tree.node(at) for at in tree.resolution(other) if at not in new]
            keys = [node.encryption_key for node in recipients if node is not None]
            sealed = tuple(sealer.seal(key, secret) for key in keys)
            nodes.append(PathNode(key_pair.public, sealed))
        return UpdatePath(self.leaf_node, tuple(nodes))


def new_path(
    suite: CipherSuite,
    tree: RatchetTree,
    sender: LeafIndex,
    leaf: LeafNode,
    *,
    encryption: KeyPair,
    path_secret: bytes,
    group_id: bytes,
    signature_private_key: bytes | Signer,
) -> NewPath:
    """Put a new path for ``sender`` into ``tree``, from the random ``path_secret`` (§7.5).

    ``leaf`` gives the sender's credential, capabilities and extensions; ``encryption`` is its leaf's
    fresh key pair.
    """
    filtered = tuple(tree.filtered_direct_path(sender))
    secrets = PathSecrets.derive(suite, path_secret, len(filtered))
    above = put_path(suite, tree, sender, [pair.public for pair in secrets.key_pairs])
    leaf = replace(
        leaf,
        encryption_key=encryption.public,
        source=LeafNodeSource.COMMIT,
        lifetime=None,
        parent_hash=above,
    ).signed(suite, signature_private_key, group_id, sender)
    tree.put(tree_math.leaf_node_index(sender), leaf)
    private = {tree_math.leaf_node_index(sender): encryption.private}
    private |= {index: pair.private for (index, _), pair in zip(filtered, secrets.key_pairs, strict=True)}
    return NewPath(leaf, secrets, filtered, private)


def receive_path(suite: CipherSuite, tree: RatchetTree, sender: LeafIndex, path: UpdatePath) -> None:
    """Put a received path into ``tree``; raises ``ValidationError`` U01 or U04 (§7.5, §12.4.2)."""
    above = put_path(suite, tree, sender, [node.encryption_key for node in path.nodes])
    # §7.3 and §12.4.2: a commit's leaf names the hash of the path it comes with.
    if path.leaf_node.parent_hash != above:
        raise ValidationError(ValidationRule.PATH_PARENT_HASH)
    tree.put(tree_math.leaf_node_index(sender), path.leaf_node)


def open_path(
    suite: CipherSuite,
    tree: RatchetTree,
    sender: LeafIndex,
    path: UpdatePath,
    *,
    own_leaf: LeafIndex,
    private_keys: PrivateKeys,
    group_context: bytes,
    added: Collection[LeafIndex],
) -> tuple[bytes, PrivateKeys]:
    """Open the path secret meant for us; returns (commit secret, private keys after) (§7.5, §12.4.2).

    ``tree`` holds the path already. Raises ``ValidationError`` U02, U03 or U05, or
    ``UndecryptableMessage``.
    """
    filtered = tree.filtered_direct_path(sender)
    own = tree_math.leaf_node_index(own_leaf)
    new = set(map(tree_math.leaf_node_index, added))
    resolutions = [[at for at in tree.resolution(other) if at not in new] for _, other in filtered]
    # §7.5: "one encryption of the path secret to each public key in the resolution".
    for resolution, node in zip(resolutions, path.nodes, strict=True):
        if len(resolution) != len(node.encrypted_path_secret):
            raise ValidationError(ValidationRule.PATH_CIPHERTEXTS)
    # The sender is another member, so exactly one node of its path has us below its child off the path.
    start = next(at for at, (_, other) in enumerate(filtered) if tree_math.is_below(own, other))
    # By the tree's invariant (§4.2) we have the key of one node of that child's resolution.
    position, index = next((p, at) for p, at in enumerate(resolutions[start]) if at in private_keys)
    sealed = path.nodes[start].encrypted_path_secret[position]
    try:
        secret = decrypt_with_label(suite, private_keys[index], b"UpdatePathNode", group_context, sealed)
    except DecryptionError as error:
        raise UndecryptableMessage("the path secret for this member does not open") from error
    if len(secret) != suite.secret_length:
        raise ValidationError(ValidationRule.PATH_SECRET)
    secrets = PathSecrets.derive(suite, secret, len(filtered) - start)
    # §7.5: "Verify that the derived public keys are the same as the corresponding public keys sent".
    for pair, node in zip(secrets.key_pairs, path.nodes[start:], strict=True):
        if pair.public != node.encryption_key:
            raise ValidationError(ValidationRule.PATH_KEYS, "a node's key does not follow from its secret")
    changed = set(tree.direct_path(sender))
    kept = {at: key for at, key in private_keys.items() if at not in changed}
    new_pairs = zip(filtered[start:], secrets.key_pairs, strict=True)
    return secrets.commit_secret, kept | {at: pair.private for (at, _), pair in new_pairs}
