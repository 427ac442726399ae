"""Measure the server under load: ``python -m bench.server --help``."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.server import durability, machine, processes, startup, together, workloads
from bench.server.connection import LoadFailed
from bench.server.processes import BenchFailed
from bench.server.scene import Result
from bench.server.sizes import DEFAULT, LONG_SOAK, MANY_KILLS, QUICK, TINY, Sizes
from bench.server.table import Run

_WORKLOADS: Final[Mapping[str, Callable[[Sizes], Result]]] = {
    "W1": workloads.w1,
    "W2": workloads.w2,
    "W3": workloads.w3,
    "W4": workloads.w4,
    "W5": workloads.w5,
    "fixed": workloads.fixed,
    "W6": durability.w6,
    "storm": together.storm,
    "backlog": together.backlog,
    "startup": startup.startup,
    "soak": together.soak,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table and write the JSON; returns 1 if a workload failed."""
    choices = _parser().parse_args(arguments)
    sizes = _sizes(choices)
    machine.raise_file_limit()
    began = time.monotonic()
    versions = processes.versions()
    results = []
    for name in choices.only or _meant_by(choices):
        print(f"{name}: {_WORKLOADS[name].__doc__}", file=sys.stderr, flush=True)
        results.append(_measured(name, sizes))
    run = Run(versions, results, time.monotonic() - began)
    choices.json.parent.mkdir(parents=True, exist_ok=True)
    choices.json.write_text(json.dumps(run.as_json(), indent=1) + "\n")
    text = "\n".join(run.lines())
    choices.json.with_suffix(".md").write_text(text + "\n")
    print(text)
    return int(any(result.failure for result in results))


def _meant_by(choices: argparse.Namespace) -> Iterable[str]:
    if choices.soak:
        return ["soak"]
    return ["W6"] if choices.kills else _WORKLOADS


def _measured(name: str, sizes: Sizes) -> Result:
    began = time.monotonic()
    try:
        result = _WORKLOADS[name](sizes)
    except (BenchFailed, LoadFailed, OSError) as error:
        result = Result(name, failure=" ".join(str(error).split()))
    result.seconds = time.monotonic() - began
    return result


def _sizes(choices: argparse.Namespace) -> Sizes:
    chosen = (
        (choices.quick, QUICK),
        (choices.tiny, TINY),
        (choices.soak, LONG_SOAK),
        (choices.kills, MANY_KILLS),
    )
    return next((sizes for is_chosen, sizes in chosen if is_chosen), DEFAULT)


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in _WORKLOADS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"no workload {', '.join(unknown)}; there are {', '.join(_WORKLOADS)}"
        )
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.server", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="smaller and shorter: about a minute and a half")
    size.add_argument(
        "--tiny", action="store_true", help="to test the bench itself; the figures mean nothing"
    )
    size.add_argument(
        "--soak", action="store_true", help="only churn: 10,000 connections, 1,000 rooms, ten minutes"
    )
    size.add_argument(
        "--kills", action="store_true", help="only W6: twenty kills at full load, over a million messages"
    )
    parser.add_argument("--only", type=_names, help=f"some of {','.join(_WORKLOADS)}")
    parser.add_argument(
        "--json", type=Path, default=Path("build/bench-server.json"), help="file to write; a .md beside it"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
