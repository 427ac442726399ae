"""Run the benchmark: ``python -m bench --help``."""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

from bench import memory, storing
from bench.floor import Primitives
from bench.peer import PeerFailed, TsMls
from bench.rounds import Cell, Contest
from bench.scene import CPU, WALL, Scene, bundle
from bench.table import Report
from sottovoce.crypto.suites import CipherSuite, cipher_suite

_CONTESTS = {1: (1,), 83: (0xF002, 83)}
"""For each suite of ts-mls those of ours against it; our default hybrid has no other match there."""
_ROUNDS = {2: 8, 100: 6}
_SMALL = 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the tables and write the JSON."""
    choices = _parser().parse_args(arguments)
    report = _report(choices)
    choices.json.parent.mkdir(parents=True, exist_ok=True)
    choices.json.write_text(json.dumps(report.as_json(), indent=1) + "\n")
    print("\n".join(report.lines()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="groups of 2 and 100 only")
    parser.add_argument("--members", type=int, nargs="+", help="sizes of the groups, 2 at least")
    parser.add_argument(
        "--suite", type=int, nargs="+", choices=_CONTESTS, default=_CONTESTS, help="suites of ts-mls"
    )
    parser.add_argument("--rounds", type=int, default=0, help="rounds for each size")
    parser.add_argument("--cpu", action="store_true", help="count CPU time: others use this machine")
    parser.add_argument("--ts-mls", type=Path, default=Path("interop"), help="folder with ts-mls installed")
    parser.add_argument("--json", type=Path, default=Path("build/bench-mls.json"), help="file to write")
    return parser


def _report(choices: argparse.Namespace) -> Report:
    start = time.monotonic()
    members: list[int] = choices.members or ([2, 100] if choices.quick else [2, 100, 1000])
    contests = {number: _CONTESTS[number] for number in choices.suite}
    suites = {number: cipher_suite(number) for numbers in contests.values() for number in numbers}
    clock = CPU if choices.cpu else WALL
    primitives = {number: Primitives.of(number) for number in suites}
    versions = {
        "python": platform.python_version(),
        "cryptography": version("cryptography"),
        "machine": platform.machine(),
        "clock": "CPU time" if choices.cpu else "wall clock",
    }
    peer, missing = None, ""
    cells: list[Cell] = []
    with ExitStack() as stack:
        try:
            peer = stack.enter_context(TsMls(choices.ts_mls))
            versions |= peer.ask("versions")
        except PeerFailed as error:
            peer, missing = None, str(error)
        for peer_suite, numbers in contests.items():
            ours = [suites[number] for number in numbers]
            for size in members:
                contest = Contest(ours, peer_suite, size, choices.rounds or _ROUNDS.get(size, 5), clock)
                cells += contest.held(peer, missing)
    # Measured before and after: what disturbs one of the two disturbs no floor.
    primitives = {number: one.or_better(Primitives.of(number)) for number, one in primitives.items()}
    stored, footprints = _costs_of_keeping(suites, members)
    return Report(versions, cells, primitives, stored, footprints, time.monotonic() - start)


def _costs_of_keeping(
    suites: Mapping[int, CipherSuite], members: Sequence[int]
) -> tuple[list[storing.Stored], list[memory.Memory]]:
    stored: list[storing.Stored] = []
    footprints: list[memory.Memory] = []
    for suite in suites.values():
        small = Scene(suite, [])
        for size in members:
            packages = [bundle(suite, f"member {i}").message for i in range(size - _SMALL)]
            stored += storing.stored(Scene(suite, packages), size)
            if size == max(members):
                footprints.append(memory.measured(small, Scene(suite, packages), size))
    return stored, footprints


if __name__ == "__main__":
    main()
