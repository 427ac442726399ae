"""What keeping a member's state costs after it has joined, after a message and after a commit."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.scene import Scene

_REPETITIONS = 5


@dataclass(frozen=True)
class Stored:
    """The medians for one group."""

    suite: int
    members: int
    after: str
    size: int
    seconds: float


def stored(scene: Scene, members: int) -> list[Stored]:
    """Take what is to be written after the join, then after each of some messages and commits."""
    return [
        _taken(scene, members, "the join", [lambda: None]),
        _taken(scene, members, "a message", [scene.encrypt, scene.receive] * _REPETITIONS),
        _taken(scene, members, "a commit", [scene.commit, scene.receive] * _REPETITIONS),
    ]


def _taken(scene: Scene, members: int, after: str, steps: Sequence[Callable[[], None]]) -> Stored:
    sizes, seconds = [], []
    for step in steps:
        step()
        start = time.perf_counter()
        changes = scene.receiver.take_changes()
        if changes:
            seconds.append(time.perf_counter() - start)
            sizes.append(sum(len(key) + len(value or b"") for key, value in changes.items()))
    return Stored(scene.suite.id, members, after, int(statistics.median(sizes)), statistics.median(seconds))
