"""Where the time of one operation of ours goes: ``python -m bench.profiles join --members 1000``."""

from __future__ import annotations

import argparse
import cProfile
import pstats
from collections.abc import Sequence

from bench.scene import CPU, OPERATIONS, Scene, bundle
from sottovoce.crypto.suites import cipher_suite


def main(arguments: Sequence[str] | None = None) -> None:
    """Do the operation often enough under the profiler and print its costliest functions, by CPU time."""
    parser = argparse.ArgumentParser(prog="python -m bench.profiles", description=__doc__)
    parser.add_argument("operation", choices=OPERATIONS)
    parser.add_argument("--suite", type=lambda text: int(text, 0), default=1, help="1, 83 or 0xF002")
    parser.add_argument("--members", type=int, default=1000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--lines", type=int, default=25)
    choices = parser.parse_args(arguments)
    suite = cipher_suite(choices.suite)
    packages = [bundle(suite, f"member {i}").message for i in range(choices.members - 2)]
    scene = Scene(suite, packages)
    for operation in OPERATIONS[: OPERATIONS.index(choices.operation)]:
        scene.run(operation, choices.times, CPU)
    profile = cProfile.Profile(CPU)
    profile.enable()
    scene.run(choices.operation, choices.times, CPU)
    profile.disable()
    pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(choices.lines)


if __name__ == "__main__":
    main()
