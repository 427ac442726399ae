"""Two hundred operations on a group of twelve, half of them ts-mls, and nobody disagrees."""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random

from member import Member, Side
from node_process import NodeProcess
from walk import OPERATIONS, WEIGHTS, Walk

SEED = int(os.environ.get("SOTTOVOCE_SEED", "9420"))
SUITE = 1


def test_a_random_walk_ends_in_agreement(
    meet: Callable[[str, Side, int], Member],
    ts_mls: NodeProcess,
    record_property: Callable[[str, object], None],
) -> None:
    print(f"SOTTOVOCE_SEED={SEED}")
    sides: list[Side] = ["ours", "theirs"] * 6
    people = [meet(f"{side} {at}", side, SUITE) for at, side in enumerate(sides)]
    walk = Walk(Random(SEED), people, ts_mls)
    walk.run()
    print(dict(walk.seen))
    assert walk.done == WEIGHTS
    assert {one.side for one in walk.inside} == {"ours", "theirs"}
    record_property(f"walk operations (seed {SEED})", OPERATIONS)
