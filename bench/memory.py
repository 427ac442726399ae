"""What one group takes in the memory of a client: measured in a fresh process, by two methods.

As a program it reads frames from :func:`measured` and writes a JSON line. A group of two members is joined
first, so that code and tables the process needs anyway are not counted.
"""

from __future__ import annotations

import gc
import json
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.scene import CONFIG, NOW, Scene
from sottovoce.mls import Group, KeyPackageBundle

_COMMITS: Final = 4
"""As many as fill the epochs that a group keeps for late messages."""
_LENGTH: Final = struct.Struct(">I")


@dataclass(frozen=True)
class Footprint:
    """Bytes more than before the join, as one method counts them."""

    method: str
    after_join: int
    after_commits: int
    peak: int


@dataclass(frozen=True)
class Memory:
    """The footprint of one group: resident (RSS), and allocated through Python (tracemalloc)."""

    suite: int
    members: int
    resident: Footprint
    traced: Footprint


def measured(small: Scene, large: Scene, members: int) -> Memory:
    """Join ``large``, in which nobody has committed yet, and follow its first commits.

    This is done twice, in fresh processes that have joined ``small`` before.
    """
    commits = []
    for _ in range(_COMMITS):
        large.commit()
        commits.append(large.sent.pop())
    keys = [scene.receiver_bundle.to_bytes() for scene in (small, large)]
    frames = [small.welcome, *keys, large.welcome, *commits]
    return Memory(large.suite.id, members, _ask("resident", frames), _ask("traced", frames))


def _ask(method: str, frames: list[bytes]) -> Footprint:
    answer = subprocess.run(
        [sys.executable, "-m", "bench.memory", method],
        input=b"".join(_LENGTH.pack(len(frame)) + frame for frame in frames),
        capture_output=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    return Footprint(method, *json.loads(answer.stdout))


def _frames() -> Iterator[bytes]:
    while header := sys.stdin.buffer.read(_LENGTH.size):
        yield sys.stdin.buffer.read(*_LENGTH.unpack(header))


def _join(welcome: bytes, bundle: bytes) -> Group:
    return Group.join(welcome, KeyPackageBundle.from_bytes(bundle), config=CONFIG)


class _Resident:
    """Resident memory, now and at most, as the kernel counts it."""

    def now(self) -> int:
        gc.collect()
        return self._status("VmRSS")

    def peak(self) -> int:
        return self._status("VmHWM")

    def _status(self, name: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


class _Traced:
    """What is allocated through Python, now and at most."""

    def __init__(self) -> None:
        tracemalloc.start()

    def now(self) -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    def peak(self) -> int:
        return tracemalloc.get_traced_memory()[1]


def main(method: str) -> None:
    """Join, follow, and print three figures: after the join, after the commits, the highest in between."""
    frames = _frames()
    welcome, small_keys, keys = next(frames), next(frames), next(frames)
    small = _join(welcome, small_keys)
    meter = _Traced() if method == "traced" else _Resident()
    before = meter.now()
    # The Welcome is counted: it comes from the network, and what it leaves behind is the group's cost too.
    group = _join(next(frames), keys)
    joined = meter.now() - before
    for commit in frames:
        group.merge(group.process(commit, now=NOW))
    del commit
    followed = meter.now() - before
    print(json.dumps([joined, followed, meter.peak() - before]))
    del small, group


if __name__ == "__main__":
    main(sys.argv[1])
