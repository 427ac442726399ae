"""Fuzz one target with atheris: ``python fuzz/one.py NAME CORPUS [libFuzzer's options]``.

The corpus folder is filled with the target's seeds first. Ends with libFuzzer's exit code: not 0 once an
input raised what is not documented.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris
from every_target import find_target


def main(name: str, corpus: str, *options: str) -> None:
    """Fuzz the target called ``name``; libFuzzer ends the process."""
    with atheris.instrument_imports(include=["sottovoce"]):
        target = find_target(name)
    for at, seed in enumerate(target.seeds):
        (Path(corpus) / f"seed-{at}").write_bytes(seed)

    def give(data: bytes) -> None:
        target.give(data)

    atheris.Setup([sys.argv[0], *options, corpus], give)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
