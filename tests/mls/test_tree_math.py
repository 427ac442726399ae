"""Relations between node indices that hold in every tree."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sottovoce.mls import tree_math
from sottovoce.mls.tree_math import LeafIndex, NodeIndex


@given(st.integers(0, 10).flatmap(lambda k: st.tuples(st.just(1 << k), st.integers(0, (1 << k) - 1))))
def test_paths(case: tuple[int, int]) -> None:
    leaves, leaf = case
    at = tree_math.leaf_node_index(LeafIndex(leaf))
    assert tree_math.node_leaf_index(at) == leaf
    path = tree_math.direct_path(at, leaves)
    beside = [tree_math.sibling(node) for node in [at, *path][:-1]]
    assert len(path) == len(beside) == leaves.bit_length() - 1
    covered = sorted([leaf, *(one for node in beside for one in tree_math.leaves_below(node))])
    assert covered == list(range(leaves))
    for above in path:
        assert tree_math.is_below(at, above)
        assert not tree_math.is_leaf(above)
        assert leaf in tree_math.leaves_below(above)
    for node in beside:
        assert not tree_math.is_below(at, node)
        assert tree_math.sibling(tree_math.sibling(node)) == node


@given(st.integers(0, 5000))
def test_children(index: int) -> None:
    node = NodeIndex(2 * index + 1)
    for child in (tree_math.left(node), tree_math.right(node)):
        assert tree_math.parent(child) == node
        assert tree_math.level(child) == tree_math.level(node) - 1


def test_nothing() -> None:
    assert tree_math.node_width(0) == 0
