"""Draws ``demo.svg`` from what ``sottovoce demo`` prints: ``make pictures``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from rich.cells import cell_len
from screen_svg import Frame, Run, drawing

WIDTH: Final = 110
COLOUR: Final = "#d6dae3"
GROUND: Final = "#16181d"


def main() -> None:
    """Run the demo without a terminal and write the picture beside this file."""
    shown = subprocess.run(
        [sys.executable, "-m", "sottovoce.cli.main", "demo"],
        env={**os.environ, "COLUMNS": str(WIDTH)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    frame = Frame(tuple(map(row, shown.splitlines())))
    picture = drawing([frame], "make demo: three people talk, and what the server stored of it")
    Path(__file__).with_name("demo.svg").write_text(picture, encoding="utf-8")


def row(line: str) -> tuple[Run, ...]:
    """Return one line, each part between wide gaps on its own column."""
    parts = (_run(cell_len(line[: part.start()]), part[0]) for part in re.finditer(r"\S+(?: \S+)*", line))
    return (_run(0, " " * WIDTH), *parts)


def _run(column: int, text: str) -> Run:
    return Run(column, cell_len(text), text, COLOUR, GROUND, is_bold=False, is_underlined=False)


if __name__ == "__main__":
    main()
