"""Measure the terminal app on a real terminal: ``python -m bench.terminal_app --help``."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.server import machine
from bench.terminal_app.keys import measure_typing
from bench.terminal_app.long_room import measure_long_room
from bench.terminal_app.place import a_place
from bench.terminal_app.report import Report


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table, write the JSON."""
    choices = _parser().parse_args(arguments)
    shares = {f"core {core}": machine.share_of(core) for core in (machine.cores()[0], *machine.cores()[1])}
    with tempfile.TemporaryDirectory(prefix="sottovoce-bench-") as folder, a_place(Path(folder)) as place:
        place.prepare(choices.lines)
        typing = measure_typing(place, choices.keys, choices.rate)
        room = measure_long_room(place, choices.lines, choices.starts, choices.steps)
    report = Report(shares, choices.lines, typing, room)
    choices.json.parent.mkdir(parents=True, exist_ok=True)
    choices.json.write_text(json.dumps(report.as_json(), indent=1) + "\n")
    print("\n".join(report.lines()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.terminal_app", description=__doc__)
    parser.add_argument("--keys", type=int, default=1200, help="keys that are typed into each program")
    parser.add_argument("--rate", type=float, default=200.0, help="messages a second of the second client")
    parser.add_argument("--lines", type=int, default=100_000, help="messages in the long room")
    parser.add_argument("--starts", type=int, default=5, help="how often the app is started")
    parser.add_argument("--steps", type=int, default=50, help="how often each thing is done in the long room")
    parser.add_argument("--json", type=Path, default=Path("build/bench-app.json"), help="file to write")
    return parser


if __name__ == "__main__":
    main()
