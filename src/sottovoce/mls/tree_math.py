"""Indices of nodes in the array form of a balanced binary tree (RFC 9420 §4.1 and Appendix C).

Leaf ``i`` is node ``2 i``; a parent of level ``k`` has ``k`` low one bits. Trees are full: the number
of leaves is a power of two.
"""

from __future__ import annotations

from typing import NewType

LeafIndex = NewType("LeafIndex", int)
"""Which leaf, counted from the left: what MLS messages carry."""
NodeIndex = NewType("NodeIndex", int)
"""Which node of the array, leaves at even places."""


def leaf_node_index(leaf: LeafIndex) -> NodeIndex:
    """Return the node that leaf ``leaf`` is."""
    return NodeIndex(2 * leaf)


def node_leaf_index(node: NodeIndex) -> LeafIndex:
    """Return which leaf the even-numbered ``node`` is."""
    return LeafIndex(node >> 1)


def node_width(leaves: int) -> int:
    """Return the number of nodes of a tree of ``leaves`` leaves."""
    return 2 * leaves - 1 if leaves else 0


def level(node: NodeIndex) -> int:
    """Return the height of ``node`` above the leaves: its trailing one bits."""
    return (~node & (node + 1)).bit_length() - 1


def is_leaf(node: NodeIndex) -> bool:
    """Whether ``node`` is a leaf."""
    return not node & 1


def root(leaves: int) -> NodeIndex:
    """Return the root of a tree of ``leaves`` leaves (a power of two)."""
    return NodeIndex(leaves - 1)


def left(node: NodeIndex) -> NodeIndex:
    """Return the left child of a parent node."""
    return NodeIndex(node ^ (1 << (level(node) - 1)))


def right(node: NodeIndex) -> NodeIndex:
    """Return the right child of a parent node."""
    return NodeIndex(node ^ (3 << (level(node) - 1)))


def parent(node: NodeIndex) -> NodeIndex:
    """Return the parent of ``node``; of a root, the root of the tree twice as large."""
    k = level(node)
    return NodeIndex((node | (1 << k)) & ~(1 << (k + 1)))


def sibling(node: NodeIndex) -> NodeIndex:
    """Return the other child of the parent of ``node``."""
    above = parent(node)
    return right(above) if node < above else left(above)


def direct_path(node: NodeIndex, leaves: int) -> list[NodeIndex]:
    """Return the nodes above ``node``, its parent first and the root last; of the root, nothing."""
    at, path = int(node), []
    for above in range(level(node), leaves.bit_length() - 1):
        at = (at | (1 << above)) & ~(1 << (above + 1))
        path.append(NodeIndex(at))
    return path


def is_below(node: NodeIndex, ancestor: NodeIndex) -> bool:
    """Whether ``node`` is ``ancestor`` or in the subtree under it."""
    reach = (1 << level(ancestor)) - 1
    return ancestor - reach <= node <= ancestor + reach


def nodes_below(node: NodeIndex) -> range:
    """Return the indices of the nodes in the subtree under ``node``, itself among them."""
    reach = (1 << level(node)) - 1
    return range(node - reach, node + reach + 1)


def leaves_below(node: NodeIndex) -> range:
    """Return the indices of the leaves in the subtree under ``node``."""
    reach = (1 << level(node)) - 1
    return range((node - reach) >> 1, ((node + reach) >> 1) + 1)
