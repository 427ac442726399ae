"""The rounds of one contest: ours, theirs, ours, theirs, until each operation has its samples."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from bench.peer import PeerFailed, TheirScene, TsMls
from bench.scene import OPERATIONS, Clock, Scene, bundle
from sottovoce.crypto.suites import CipherSuite

MESSAGES: Final = ("encrypt", "decrypt")
_MESSAGES_A_ROUND: Final = 30
_WARMED_UP: Final = 100
"""Up to this size of a group, a first round is not counted; above, building the group has warmed up."""
_ENOUGH_ROUNDS: Final = 3
_PATIENCE: Final = 60.0
"""Seconds after which a contest that has three rounds needs no more."""


class Side(Protocol):
    """A group on either side."""

    def run(self, operation: str, times: int, clock: Clock) -> list[float]:
        """Do it that often; returns how many seconds each took."""

    def agrees(self) -> bool:
        """Whether creator and receiver are in one epoch."""


@dataclass
class Cell:
    """The samples of one operation, in seconds; ``missing`` says why theirs are not there."""

    suite: int
    peer_suite: int
    members: int
    operation: str
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    missing: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times as long theirs takes, by the medians."""
        return statistics.median(self.theirs) / statistics.median(self.ours) if self.theirs else None

    @property
    def best_ratio(self) -> float | None:
        """The same by the best times, which other work on the machine disturbs least."""
        return min(self.theirs) / min(self.ours) if self.theirs else None

    def as_json(self) -> dict[str, object]:
        """Return all of it; times in seconds."""
        return {
            "suite": self.suite,
            "peer_suite": self.peer_suite,
            "members": self.members,
            "operation": self.operation,
            "ours": _summary(self.ours),
            "ts_mls": _summary(self.theirs) if self.theirs else {"missing": self.missing},
            "ratio": self.ratio,
            "best_ratio": self.best_ratio,
        }


@dataclass(frozen=True)
class Contest:
    """Suites of ours against one of ts-mls, in groups of one size."""

    ours: Sequence[CipherSuite]
    peer_suite: int
    members: int
    rounds: int
    clock: Clock

    def held(self, peer: TsMls | None, missing: str) -> list[Cell]:
        """Run the rounds; returns a cell for each of our suites and each operation."""
        cells = [
            Cell(suite.id, self.peer_suite, self.members, operation, missing=missing)
            for suite in self.ours
            for operation in OPERATIONS
        ]
        packages = {
            suite.id: [bundle(suite, f"member {i}").message for i in range(self.members - 2)]
            for suite in self.ours
        }
        scenes: dict[int, Side] = {suite.id: Scene(suite, packages[suite.id]) for suite in self.ours}
        theirs: Side | None = None
        if peer is not None:
            try:
                peer.ask("forget")
                theirs = TheirScene(peer, self.peer_suite, packages[self.peer_suite])
            except PeerFailed as error:
                _say(cells, str(error))
        if self.members <= _WARMED_UP:
            self._round([replace(cell, ours=[], theirs=[]) for cell in cells], scenes, theirs)
        start = time.monotonic()
        for done in range(self.rounds):
            if done < _ENOUGH_ROUNDS or time.monotonic() - start < _PATIENCE:
                self._round(cells, scenes, theirs)
        if not all(scene.agrees() for scene in scenes.values()):
            raise RuntimeError("creator and receiver do not agree")
        if theirs is not None and not theirs.agrees():
            _say(cells, "creator and receiver do not agree")
        return cells

    def _round(self, cells: Sequence[Cell], scenes: Mapping[int, Side], theirs: Side | None) -> None:
        for operation in OPERATIONS:
            turn = [cell for cell in cells if cell.operation == operation]
            times = _MESSAGES_A_ROUND if operation in MESSAGES else max(1, 20 // self.members)
            for cell in turn:
                cell.ours += scenes[cell.suite].run(operation, times, self.clock)
            if theirs is None:
                continue
            try:
                samples = theirs.run(operation, times, self.clock)
            except PeerFailed as error:
                _say(turn, str(error))
                continue
            for cell in turn:
                cell.theirs += samples


def _say(cells: Sequence[Cell], missing: str) -> None:
    for cell in cells:
        cell.missing = cell.missing or missing


def _summary(seconds: Sequence[float]) -> dict[str, object]:
    return {"median": statistics.median(seconds), "best": min(seconds), "samples": list(seconds)}
