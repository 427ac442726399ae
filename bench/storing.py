"""What keeping a group's state costs after one message and after a commit: bytes and seconds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
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
    """Receive messages, then commits, and take what is to be written each time."""
    return [
        _taken(scene, members, "a message", scene.encrypt),
        _taken(scene, members, "a commit", scene.commit),
    ]


def _taken(scene: Scene, members: int, after: str, send: Callable[[], None]) -> Stored:
    group = scene.receiver
    sizes, seconds = [], []
    for _ in range(_REPETITIONS):
        send()
        scene.receive()
        start = time.perf_counter()
        changes = group.take_changes()
        seconds.append(time.perf_counter() - start)
        sizes.append(sum(len(key) + len(value or b"") for key, value in changes.items()))
    return Stored(scene.suite.id, members, after, int(statistics.median(sizes)), statistics.median(seconds))
