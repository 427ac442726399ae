"""The results as text, for people, and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from bench.floor import Primitives
from bench.memory import Memory
from bench.rounds import MESSAGES, Cell
from bench.storing import Stored

AIMS: Final = {"encrypt": 12, "decrypt": 5, "join": 6, "commit": 13, "process": 50}
"""How many times as fast as ts-mls each is to be in suite 1: messages at n = 2, the rest at n = 1,000."""
_HEADER: Final = (
    f"{'':9}{'n':>6}{'ours':>11}{'best':>11}{'ts-mls':>12}{'best':>12}{'ratio':>9}{'of best':>9}{'aim':>6}"
    f"{'floor':>11}{'ours/floor':>12}"
)


@dataclass(frozen=True)
class Report:
    """All that one run has measured."""

    versions: Mapping[str, str]
    cells: Sequence[Cell]
    primitives: Mapping[int, Primitives]
    stored: Sequence[Stored]
    memory: Sequence[Memory]
    seconds: float

    def as_json(self) -> dict[str, object]:
        """Return all of it; times in seconds, sizes in bytes."""
        return {
            "versions": dict(self.versions),
            "cells": [{**cell.as_json(), "floor": self._floor(cell)} for cell in self.cells],
            "primitives": {str(suite): asdict(one) for suite, one in self.primitives.items()},
            "stored": [asdict(one) for one in self.stored],
            "memory": [asdict(one) for one in self.memory],
            "seconds": self.seconds,
        }

    def lines(self) -> Iterator[str]:
        """Yield the tables."""
        yield ", ".join(f"{name} {version}" for name, version in self.versions.items())
        yield "ours, ts-mls: medians; ratio: how many times as long ts-mls takes; floor: the primitives alone"
        for suite, peer_suite in dict.fromkeys((cell.suite, cell.peer_suite) for cell in self.cells):
            yield ""
            yield f"{_name(suite)} against {_name(peer_suite)} of ts-mls"
            yield _HEADER
            yield from (_line(cell, self._floor(cell)) for cell in self.cells if cell.suite == suite)
        yield ""
        yield "primitives alone, best, µs: " + ", ".join(_PRIMITIVES)
        for suite, one in self.primitives.items():
            yield f"{_name(suite):18}" + "".join(f"{value * 1e6:10.1f}" for value in asdict(one).values())
        yield ""
        yield "storing one group's state (ours)"
        for stored in self.stored:
            yield (
                f"{_name(stored.suite):18}{stored.members:6} members, after {stored.after:10}"
                f"{stored.size:10} bytes {_time(stored.seconds)}"
            )
        yield ""
        yield "memory of one group (ours), MiB: after the join, after 4 commits, at most meanwhile"
        for memory in self.memory:
            for footprint in (memory.resident, memory.traced):
                figures = (footprint.after_join, footprint.after_commits, footprint.peak)
                yield f"{_name(memory.suite):18}{memory.members:6} members, {footprint.method:9}" + "".join(
                    f"{figure / (1 << 20):8.1f}" for figure in figures
                )
        yield ""
        yield f"{self.seconds:.0f} seconds"

    def _floor(self, cell: Cell) -> float:
        return self.primitives[cell.suite].floor(cell.operation, cell.members)


_PRIMITIVES: Final = tuple(name.replace("_", " ") for name in Primitives.__dataclass_fields__)


def _name(suite: int) -> str:
    return {1: "suite 1", 0xF002: "suite 0xF002", 83: "suite 83"}[suite]


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:8.0f} µs" if seconds < 0.01 else f"{seconds * 1e3:8.1f} ms"


def _line(cell: Cell, floor: float) -> str:
    ours = f"{_time(statistics.median(cell.ours))}{_time(min(cell.ours))}"
    end = f"{_time(floor)}{min(cell.ours) / floor:12.2f}"
    start = f"{cell.operation:9}{cell.members:6}{ours}"
    if cell.ratio is None or cell.best_ratio is None:
        return f"{start}  ts-mls: {cell.missing}  {end}"
    theirs = f" {_time(statistics.median(cell.theirs))} {_time(min(cell.theirs))}"
    wanted = cell.suite == 1 and cell.members == (2 if cell.operation in MESSAGES else 1000)
    aim = f"{AIMS[cell.operation]}x" if wanted else ""
    return f"{start}{theirs}{cell.ratio:8.1f}x{cell.best_ratio:8.1f}x{aim:>6}{end}"
