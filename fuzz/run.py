"""Fuzz every target: ``python fuzz/run.py [--runs N] [--seed N] [--steps N] [NAME ...]``.

``--runs`` inputs in all go to the decoders, divided by their weights, and ``--steps`` more to whole protocol
steps (:mod:`protocol_steps`). Each target has a process of its own, one for each processor at a time. Prints
inputs, coverage (libFuzzer's edges and features) and seconds of each, and ends with 1 if an input raised
anything but a documented error, took over ten seconds, or filled the memory; the input is printed.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from every_target import every_target
from target import Target

ONE = Path(__file__).with_name("one.py")
SECONDS = 10
"""libFuzzer's limit for one input, a generous one: ``tests/fuzz`` holds each to a quarter second."""
MEBIBYTES = 1024
"""Of memory, atheris and the coverage counters included."""


@dataclass(frozen=True)
class Outcome:
    """What came of fuzzing one target."""

    target: Target
    inputs: int
    coverage: str
    seconds: float
    failure: str
    """Empty, or what is to be known of the input that failed."""

    def line(self) -> str:
        """Return one line of the table."""
        return f"{self.target.name:28} {self.inputs:>9,} {self.coverage:>18} {self.seconds:>7.1f} s"


def fuzz(target: Target, runs: int, seed: int) -> Outcome:
    """Fuzz one target in a process of its own."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        corpus, findings = Path(folder, "corpus"), Path(folder, "finding-")
        corpus.mkdir()
        options = {
            "runs": runs,
            "seed": seed,
            "timeout": SECONDS,
            "rss_limit_mb": MEBIBYTES,
            "print_final_stats": 1,
            "artifact_prefix": findings,
        }
        arguments = [f"-{name}={value}" for name, value in options.items()]
        command = [sys.executable, str(ONE), target.name, str(corpus), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        inputs = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
        coverage = re.findall(r"cov: (\d+) ft: (\d+)", done.stderr)
        failure = ""
        if done.returncode or inputs is None:
            found = [f"input {path.read_bytes().hex()}" for path in Path(folder).glob("finding-*")]
            failure = "\n".join([*found, done.stdout, done.stderr[-6000:]])
    return Outcome(
        target,
        int(inputs[1]) if inputs else 0,
        " / ".join(coverage[-1]) if coverage else "",
        time.monotonic() - started,
        failure,
    )


def shares(targets: list[Target], runs: int) -> dict[str, int]:
    """Divide ``runs`` by weight, rounded up."""
    whole = sum(target.weight for target in targets)
    return {target.name: -(-runs * target.weight // whole) for target in targets}


def main() -> int:
    """Fuzz what was asked for; returns the exit code."""
    parser = argparse.ArgumentParser(description="Fuzz the decoders and protocol steps.")
    parser.add_argument("--runs", type=int, default=1_000_000, help="inputs for the decoders in all")
    parser.add_argument("--steps", type=int, default=100_000, help="inputs for protocol steps in all")
    parser.add_argument("--seed", type=int, default=9420)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a target; all by default")
    arguments = parser.parse_args()
    known = every_target()
    if unknown := set(arguments.names) - set(known):
        parser.error(f"no such target: {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    chosen = [known[name] for name in arguments.names or known]
    decoders = [target for target in chosen if target.is_decoder]
    steps = [target for target in chosen if not target.is_decoder]
    runs = shares(decoders, arguments.runs) | shares(steps, arguments.steps)
    started, outcomes = time.monotonic(), []
    print(f"{'target':28} {'inputs':>9} {'edges / features':>18} {'time':>9}")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # The longest first, so that no processor is left with one of them at the end.
        in_turn = sorted(chosen, key=lambda target: (target.is_decoder, -target.weight))
        for outcome in pool.map(
            lambda target: fuzz(target, runs[target.name], arguments.seed + chosen.index(target)), in_turn
        ):
            print(outcome.line(), flush=True)
            outcomes.append(outcome)
    failed = [outcome for outcome in outcomes if outcome.failure]
    for outcome in failed:
        print(f"\n{outcome.target.name}: FAILED\n{outcome.failure}")
    of_decoders = sum(outcome.inputs for outcome in outcomes if outcome.target.is_decoder)
    of_steps = sum(outcome.inputs for outcome in outcomes) - of_decoders
    print(
        f"{of_decoders:,} inputs to {len(decoders)} decoders, {of_steps:,} to {len(steps)} protocol steps, "
        f"in {time.monotonic() - started:.0f} s: {len(failed) or 'none'} raised what is not documented"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
