"""The ratchet tree: public keys of the members and of the nodes between (RFC 9420 §4, §7).

A tree is two flat lists, nodes and cached hashes. Nodes never change, they are replaced; so
:meth:`RatchetTree.copy` is two list copies (a few microseconds for a thousand members) and a staged
state shares everything it did not touch.
"""

from __future__ import annotations

from collections.abc import Iterator

from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls import tree_math
from sottovoce.mls.errors import DecodingError, ValidationError
from sottovoce.mls.nodes import LeafNode, Node, NodeType, ParentNode
from sottovoce.mls.presentation import Reader, decode, opaque, optional, uint8, uint32, vector
from sottovoce.mls.rules import ValidationRule
from sottovoce.mls.tree_math import LeafIndex, NodeIndex


class RatchetTree:
    """A full binary tree of nodes, some of them blank.

    Whoever changes a tree changes its own :meth:`copy`: a tree inside an epoch's state is never changed.
    """

    __slots__ = ("_hashes", "_nodes")

    def __init__(self, nodes: list[Node | None], hashes: list[bytes | None] | None = None) -> None:
        self._nodes = nodes
        self._hashes: list[bytes | None] = [None] * len(nodes) if hashes is None else hashes

    @classmethod
    def of_one(cls, leaf: LeafNode) -> RatchetTree:
        """Return the tree of a new group, whose only member is ``leaf``."""
        return cls([leaf])

    def copy(self) -> RatchetTree:
        """Return a tree that can be changed without changing this one."""
        return RatchetTree(self._nodes.copy(), self._hashes.copy())

    def __repr__(self) -> str:
        return f"RatchetTree({sum(1 for _ in self.members())} members, {self.leaf_count} leaves)"

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

    def members(self) -> Iterator[tuple[LeafIndex, LeafNode]]:
        """Yield the leaves that are not blank, from left to right."""
        for at in range(0, len(self._nodes), 2):
            leaf = self._nodes[at]
            if isinstance(leaf, LeafNode):
                yield LeafIndex(at >> 1), leaf

    def parents(self) -> Iterator[tuple[NodeIndex, ParentNode]]:
        """Yield the parent nodes that are not blank, from left to right."""
        for at in range(1, len(self._nodes), 2):
            node = self._nodes[at]
            if isinstance(node, ParentNode):
                yield NodeIndex(at), node

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
        if tree_math.is_leaf(index):
            return []
        return self.resolution(tree_math.left(index)) + self.resolution(tree_math.right(index))

    def filtered_direct_path(self, leaf: LeafIndex) -> list[tuple[NodeIndex, NodeIndex]]:
        """Return (node, its child off the path) for the nodes above a leaf that get new keys.

        RFC 9420 §4.1.2: without those whose child off the path has an empty resolution.
        """
        below = tree_math.leaf_node_index(leaf)
        path = []
        for node in self.direct_path(leaf):
            other = tree_math.sibling(below)
            if self._has_member(other):
                path.append((node, other))
            below = node
        return path

    def _has_member(self, index: NodeIndex) -> bool:
        if self._nodes[index] is not None:
            return True
        if tree_math.is_leaf(index):
            return False
        return self._has_member(tree_math.left(index)) or self._has_member(tree_math.right(index))

    # -- changing ----------------------------------------------------------------------------------

    def put(self, index: NodeIndex, node: Node | None) -> None:
        """Replace one node and forget the hashes that depend on it."""
        self._nodes[index] = node
        self._forget_hashes(index)

    def blank_path(self, leaf: LeafIndex) -> None:
        """Blank every node above ``leaf``."""
        for index in self.direct_path(leaf):
            self._nodes[index] = None
        self._forget_hashes(tree_math.leaf_node_index(leaf))

    def add(self, leaf: LeafNode) -> LeafIndex:
        """Put ``leaf`` at the leftmost blank place, doubling a full tree (RFC 9420 §7.7)."""
        blanks = (at >> 1 for at in range(0, len(self._nodes), 2) if self._nodes[at] is None)
        index = LeafIndex(next(blanks, self.leaf_count))
        if index == self.leaf_count:
            blank: list[None] = [None] * (len(self._nodes) + 1)
            self._nodes += blank
            self._hashes += blank
        # §7.7: "For each non-blank intermediate node along the path from the leaf L to the root ..., add
        # L's leaf index to the unmerged_leaves list for the node".
        for above in self.direct_path(index):
            node = self._nodes[above]
            if isinstance(node, ParentNode):
                self._nodes[above] = node.with_unmerged(index)
        self.put(tree_math.leaf_node_index(index), leaf)
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

    def _forget_hashes(self, index: NodeIndex) -> None:
        self._hashes[index] = None
        while index != self.root:
            index = tree_math.parent(index)
            self._hashes[index] = None

    # -- hashes ------------------------------------------------------------------------------------

    def tree_hash(self, suite: CipherSuite, index: NodeIndex | None = None) -> bytes:
        """Return the tree hash of the subtree under ``index``, of the whole tree by default (§7.8)."""
        at = self.root if index is None else index
        cached = self._hashes[at]
        if cached is None:
            cached = self._hashes[at] = self._compute_hash(suite, at, frozenset())
        return cached

    def tree_hash_without(self, suite: CipherSuite, index: NodeIndex, absent: tuple[LeafIndex, ...]) -> bytes:
        """Return the tree hash as it was before the ``absent`` leaves came: §7.9's original tree hash."""
        below = tree_math.leaves_below(index)
        missing = frozenset(leaf for leaf in absent if leaf in below)
        return self._compute_hash(suite, index, missing) if missing else self.tree_hash(suite, index)

    def _compute_hash(self, suite: CipherSuite, index: NodeIndex, absent: frozenset[LeafIndex]) -> bytes:
        node = self._nodes[index]
        if tree_math.is_leaf(index):
            leaf = tree_math.node_leaf_index(index)
            encoded = None if node is None or leaf in absent else node.encoded
            return suite.hash(uint8(NodeType.LEAF) + uint32(leaf) + optional(encoded))
        if absent and isinstance(node, ParentNode):
            remaining = tuple(leaf for leaf in node.unmerged_leaves if leaf not in absent)
            node = ParentNode(node.encryption_key, node.parent_hash, remaining)
        hashes = b""
        for child in (tree_math.left(index), tree_math.right(index)):
            hashes += opaque(self.tree_hash_without(suite, child, tuple(absent)))
        return suite.hash(uint8(NodeType.PARENT) + optional(None if node is None else node.encoded) + hashes)

    # -- coding ------------------------------------------------------------------------------------

    def encode(self) -> bytes:
        """Encode as ``optional<Node> ratchet_tree<V>``, blank nodes at the end left out (§12.4.3.3)."""
        last = max(at for at, node in enumerate(self._nodes) if node is not None)
        return vector(
            optional(None if node is None else uint8(2 if at & 1 else 1) + node.encoded)
            for at, node in enumerate(self._nodes[: last + 1])
        )

    @classmethod
    def read(cls, reader: Reader) -> RatchetTree:
        """Read one; raises ``DecodingError``, or ``ValidationError`` T01 to T03 for its shape."""
        nodes: list[Node | None] = reader.vector(lambda r: r.optional(_read_node))
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
