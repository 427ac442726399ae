"""Draws ``demo.svg`` from what ``sottovoce demo`` prints: ``make pictures``."""

from __future__ import annotations

import os
import subprocess
import sys
from html import escape
from pathlib import Path

WIDTH, LINE_HEIGHT, GLYPH, MARGIN = 110, 19, 8.4, 22


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
    Path(__file__).with_name("demo.svg").write_text(drawing(shown.splitlines()), encoding="utf-8")


def drawing(lines: list[str]) -> str:
    """Return an SVG of a terminal window that shows ``lines``."""
    width, height = WIDTH * GLYPH + 2 * MARGIN, len(lines) * LINE_HEIGHT + 2 * MARGIN + 24
    text = "\n".join(
        f'<text x="{MARGIN}" y="{MARGIN + 34 + row * LINE_HEIGHT}">{escape(line)}</text>'
        for row, line in enumerate(lines)
    )
    dots = "".join(
        f'<circle cx="{MARGIN + 18 * n}" cy="{MARGIN}" r="6" fill="{colour}"/>'
        for n, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}">\n'
        f'<rect width="{width:.0f}" height="{height:.0f}" rx="10" fill="#16181d"/>\n{dots}\n'
        f'<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14" fill="#d6dae3" '
        f'xml:space="preserve">\n{text}\n</g>\n</svg>\n'
    )


if __name__ == "__main__":
    main()
