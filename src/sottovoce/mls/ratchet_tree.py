"""The ratchet tree: public keys of the members and of the nodes between (RFC 9420 §4, §7).

A tree is two flat lists, nodes and cached hashes. Nodes never change, they are replaced; so
:meth:`RatchetTree.copy` is two list copies (a few microseconds for a thousand members) and a staged
state shares everything it did not touch. What is asked of a whole subtree is asked of a slice of the
list: the nodes under one node are neighbours in it, leaves at even places.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import compress
from operator import is_not
from typing import Final

from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls import tree_math
from sottovoce.mls.errors import DecodingError, ValidationError
from sottovoce.mls.nodes import LeafNode, Node, NodeType, ParentNode
from sottovoce.mls.presentation import Reader, decode, opaque, optional, uint8, uint32, variable_length
from sottovoce.mls.rules import ValidationRule
from sottovoce.mls.tree_math import LeafIndex, NodeIndex

_UNKNOWN: Final = b""
"""Stands for a hash that is yet to be computed."""
_LEAF: Final = uint8(NodeType.LEAF)
_PARENT: Final = uint8(NodeType.PARENT)
_BLANK: Final = optional(None)
_PRESENT: Final = b"\x01"


class RatchetTree:
    """A full binary tree of nodes, some of them blank.

    Whoever changes a tree changes its own :meth:`copy`: a tree inside an epoch's state is never changed.
    """

    __slots__ = ("_hashes", "_nodes", "_occupied")

    def __init__(
        self, nodes: list[Node | None], hashes: list[bytes] | None = None, occupied: int = 0
    ) -> None:
        self._nodes = nodes
        self._hashes: list[bytes] = [_UNKNOWN] * len(nodes) if hashes is None else hashes
        self._occupied = occupied
        """So many leaves from the left are known not to be blank: no place for a new member is there."""

    @classmethod
    def of_one(cls, leaf: LeafNode) -> RatchetTree:
        """Return the tree of a new group, whose only member is ``leaf``."""
        return cls([leaf])

    def copy(self) -> RatchetTree:
        """Return a tree that can be changed without changing this one."""
        return RatchetTree(self._nodes.copy(), self._hashes.copy(), self._occupied)

    def __repr__(self) -> str:
        return f"RatchetTree({len(self.leaves())} members, {self.leaf_count} leaves)"

    # -- reading -----------------------------------------------------------------------------------

    @property
    def leaf_count(self) -> int:
        """Number of leaves, blank ones too: a power of two."""
        return (len(self._nodes) + 1) // 2

    @property
    def root(self) -> NodeIndex:
        """Index of the root."""
        return tree_math.root(self.leaf_count)

    def node(self, index: NodeIndex) -> Node | None:
        """Return the node at ``index``, None where it is blank."""
        return self._nodes[index]

    def leaf(self, index: LeafIndex) -> LeafNode | None:
        """Return the leaf at ``index``, None where it is blank or beyond the tree."""
        at = 2 * index
        leaf = self._nodes[at] if 0 <= at < len(self._nodes) else None
        return leaf if isinstance(leaf, LeafNode) else None

    def parent_node(self, index: NodeIndex) -> ParentNode | None:
        """Return the parent node at ``index``, None where it is blank."""
        node = self._nodes[index]
        return node if isinstance(node, ParentNode) else None

    def leaves(self) -> list[LeafNode]:
        """Return the leaves that are not blank, from left to right."""
        return [leaf for leaf in self._nodes[::2] if isinstance(leaf, LeafNode)]

    def members(self) -> Iterator[tuple[LeafIndex, LeafNode]]:
        """Yield the leaves that are not blank and their indices, from left to right."""
        for index, leaf in enumerate(self._nodes[::2]):
            if isinstance(leaf, LeafNode):
                yield LeafIndex(index), leaf

    def parents(self) -> list[tuple[NodeIndex, ParentNode]]:
        """Return the parent nodes that are not blank and their indices, from left to right."""
        parents = enumerate(self._nodes[1::2])
        return [(NodeIndex(2 * at + 1), node) for at, node in parents if isinstance(node, ParentNode)]

    def encryption_keys(self, *, apart_from: LeafNode | None = None) -> list[bytes]:
        """Return the HPKE key of every node that is not blank, nor the very leaf ``apart_from``."""
        nodes = self._nodes
        return [node.encryption_key for node in nodes if node is not None and node is not apart_from]

    def direct_path(self, leaf: LeafIndex) -> list[NodeIndex]:
        """Return the nodes above a leaf, the root last."""
        return tree_math.direct_path(tree_math.leaf_node_index(leaf), self.leaf_count)

    def resolution(self, index: NodeIndex) -> list[NodeIndex]:
        """Return the fewest nodes that cover every member under ``index`` (RFC 9420 §4.1.1)."""
        node = self._nodes[index]
        if isinstance(node, ParentNode):
            return [index, *map(tree_math.leaf_node_index, node.unmerged_leaves)]
        if node is not None:
            return [index]
        below = tree_math.nodes_below(index)
        nodes = self._nodes[below.start : below.stop]
        # Where no parent is left, as after one commit that adds everybody, the leaves are all there is.
        if not any(nodes[1::2]):
            leaves = zip(below[::2], nodes[::2], strict=True)
            return [NodeIndex(at) for at, leaf in leaves if leaf is not None]
        return self.resolution(tree_math.left(index)) + self.resolution(tree_math.right(index))

    def filtered_direct_path(self, leaf: LeafIndex) -> list[tuple[NodeIndex, NodeIndex]]:
        """Return (node, its child off the path) for the nodes above a leaf that get new keys.

        RFC 9420 §4.1.2: without those whose child off the path has an empty resolution.
        """
        below = tree_math.leaf_node_index(leaf)
        path = []
        for node in self.direct_path(leaf):
            other = tree_math.sibling(below)
            beside = tree_math.nodes_below(other)
            if any(self._nodes[beside.start : beside.stop]):
                path.append((node, other))
            below = node
        return path

    def changed_from(self, base: RatchetTree) -> list[NodeIndex]:
        """Return which nodes are others than in ``base``, or that only one of the two trees has.

        Copies share their nodes, which never change: it is enough to compare which objects they are, some
        20 microseconds for a thousand members.
        """
        common = min(len(self._nodes), len(base._nodes))
        changed = [*compress(range(common), map(is_not, self._nodes, base._nodes))]
        beyond = (self._nodes if len(self._nodes) > common else base._nodes)[common:]
        changed += [at for at, node in enumerate(beyond, start=common) if node is not None]
        return [*map(NodeIndex, changed)]

    # -- changing ----------------------------------------------------------------------------------

    def put(self, index: NodeIndex, node: Node | None) -> None:
        """Replace one node and forget the hashes that depend on it."""
        self._nodes[index] = node
        if node is None and tree_math.is_leaf(index):
            self._occupied = min(self._occupied, index >> 1)
        self._hashes[index] = _UNKNOWN
        for above in tree_math.direct_path(index, self.leaf_count):
            self._hashes[above] = _UNKNOWN

    def blank_path(self, leaf: LeafIndex) -> None:
        """Blank every node above ``leaf``."""
        self._hashes[tree_math.leaf_node_index(leaf)] = _UNKNOWN
        for above in self.direct_path(leaf):
            self._nodes[above] = None
            self._hashes[above] = _UNKNOWN

    def add(self, leaf: LeafNode) -> LeafIndex:
        """Put ``leaf`` at the leftmost blank place, doubling a full tree (RFC 9420 §7.7)."""
        nodes, at = self._nodes, 2 * self._occupied
        while at < len(nodes) and nodes[at] is not None:
            at += 2
        if at > len(nodes):
            self._hashes += [_UNKNOWN] * (len(nodes) + 1)
            nodes += [None] * (len(nodes) + 1)
        index = LeafIndex(at >> 1)
        # §7.7: "For each non-blank intermediate node along the path from the leaf L to the root ..., add
        # L's leaf index to the unmerged_leaves list for the node".
        for above in self.direct_path(index):
            node = nodes[above]
            if isinstance(node, ParentNode):
                nodes[above] = node.with_unmerged(index)
        self.put(NodeIndex(at), leaf)
        self._occupied = index + 1
        return index

    def update(self, index: LeafIndex, leaf: LeafNode) -> None:
        """Replace a leaf and blank the nodes above it (RFC 9420 §12.1.2)."""
        self.blank_path(index)
        self.put(tree_math.leaf_node_index(index), leaf)

    def remove(self, index: LeafIndex) -> None:
        """Blank a leaf and the nodes above it, and halve the tree while its right half is empty (§7.7)."""
        self.blank_path(index)
        self.put(tree_math.leaf_node_index(index), None)
        while self.leaf_count > 1 and not any(self._nodes[self.leaf_count :: 2]):
            del self._nodes[self.leaf_count - 1 :]
            del self._hashes[len(self._nodes) :]

    # -- hashes ------------------------------------------------------------------------------------

    def tree_hash(self, suite: CipherSuite, index: NodeIndex | None = None) -> bytes:
        """Return the tree hash of the subtree under ``index``, of the whole tree by default (§7.8)."""
        at = self.root if index is None else index
        if not self._hashes[at]:
            self._compute_hashes(suite, at)
        return self._hashes[at]

    def _compute_hashes(self, suite: CipherSuite, top: NodeIndex) -> None:
        """Compute the hashes under ``top`` that are unknown, level by level from the leaves up."""
        nodes, hashes, digest = self._nodes, self._hashes, suite.hash
        layers: list[list[int]] = [[top]]
        for level in range(tree_math.level(top), 0, -1):
            half = 1 << (level - 1)
            children = (child for at in layers[-1] for child in (at - half, at + half))
            layers.append([child for child in children if not hashes[child]])
        for at in layers.pop():
            node = nodes[at]
            encoded = _BLANK if node is None else _PRESENT + node.encoded
            hashes[at] = digest(_LEAF + (at >> 1).to_bytes(4, "big") + encoded)
        length = variable_length(suite.hash_length)
        for level, layer in enumerate(reversed(layers)):
            half = 1 << level
            for at in layer:
                node = nodes[at]
                encoded = _BLANK if node is None else _PRESENT + node.encoded
                children_hashes = length + hashes[at - half] + length + hashes[at + half]
                hashes[at] = digest(_PARENT + encoded + children_hashes)

    def tree_hash_without(self, suite: CipherSuite, index: NodeIndex, absent: Collection[LeafIndex]) -> bytes:
        """Return the tree hash as it was before the ``absent`` leaves came: §7.9's original tree hash."""
        below = tree_math.leaves_below(index)
        missing = frozenset(leaf for leaf in absent if leaf in below)
        if not missing:
            return self.tree_hash(suite, index)
        if tree_math.is_leaf(index):
            return suite.hash(_LEAF + uint32(tree_math.node_leaf_index(index)) + _BLANK)
        node = self.parent_node(index)
        if node is not None:
            remaining = tuple(leaf for leaf in node.unmerged_leaves if leaf not in missing)
            node = ParentNode(node.encryption_key, node.parent_hash, remaining)
        left = self.tree_hash_without(suite, tree_math.left(index), missing)
        right = self.tree_hash_without(suite, tree_math.right(index), missing)
        encoded = optional(None if node is None else node.encoded)
        return suite.hash(_PARENT + encoded + opaque(left) + opaque(right))

    # -- coding ------------------------------------------------------------------------------------

    def encode(self) -> bytes:
        """Encode as ``optional<Node> ratchet_tree<V>``, blank nodes at the end left out (§12.4.3.3)."""
        nodes = self._nodes
        last = next(at for at in range(len(nodes) - 1, -1, -1) if nodes[at] is not None)
        kinds = (_PRESENT + _LEAF, _PRESENT + _PARENT)
        parts = [
            _BLANK if node is None else kinds[at & 1] + node.encoded
            for at, node in enumerate(nodes[: last + 1])
        ]
        return opaque(b"".join(parts))

    @classmethod
    def read(cls, reader: Reader) -> RatchetTree:
        """Read one; raises ``DecodingError``, or ``ValidationError`` T01 to T03 for its shape."""
        nodes: list[Node | None] = []
        inner = reader.nested()
        while not inner.at_end:
            nodes.append(_read_node(inner) if inner.presence() else None)
        if not nodes:
            raise ValidationError(ValidationRule.TREE_NOT_EMPTY)
        # §12.4.3.3: "the receiver MUST check that the last node in ratchet_tree is non-blank".
        # A parent cannot be last either: nodes above blank leaves only are blank (§7.7, §7.9.2).
        if nodes[-1] is None or len(nodes) % 2 == 0:
            raise ValidationError(ValidationRule.TREE_LAST_NODE)
        for at, node in enumerate(nodes):
            if node is not None and isinstance(node, LeafNode) is bool(at & 1):
                raise ValidationError(ValidationRule.TREE_NODE_KIND, f"node {at}")
        leaves = 1 << (len(nodes) // 2).bit_length()
        nodes += [None] * (tree_math.node_width(leaves) - len(nodes))
        return cls(nodes)

    @classmethod
    def decode(cls, data: bytes) -> RatchetTree:
        """Read exactly one tree from ``data``."""
        return decode(cls.read, data)


def _read_node(reader: Reader) -> Node:
    kind = reader.uint8()
    if kind == NodeType.LEAF:
        return LeafNode.read(reader)
    if kind == NodeType.PARENT:
        return ParentNode.read(reader)
    raise DecodingError(f"a node of a tree is of kind {kind}")
