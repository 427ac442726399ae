"""Draws what a Textual app shows as SVG: one picture, or several that follow one another.

Every run of one style is laid on its cells, so whatever font the reader has keeps the columns; no font is
fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Final

from rich.cells import cell_len
from rich.color import blend_rgb
from rich.segment import Segment
from rich.style import Style
from textual._context import visible_screen_stack  # what Textual's own screenshots are made with
from textual.app import App

CELL: Final = 8
LINE: Final = 18
EDGE: Final = 12
TITLE: Final = 28
_ISOLATES: Final = str.maketrans("", "", "\u2066\u2067\u2068\u2069")
_SHAPES: Final = {
    "█": f"h{CELL}v{LINE}h-{CELL}z",
    "▀": f"h{CELL}v{LINE // 2}h-{CELL}z",
    "▄": f"m0 {LINE // 2}h{CELL}v{LINE // 2}h-{CELL}z",
    "▃": f"m0 {LINE * 5 // 8}h{CELL}v{LINE * 3 // 8}h-{CELL}z",
    "▌": f"h{CELL // 2}v{LINE}h-{CELL // 2}z",
    "─": f"m0 8.5h{CELL}v1h-{CELL}z",
    "━": f"m0 8h{CELL}v2h-{CELL}z",
    "│": f"m3.5 0h1v{LINE}h-1z",
    "╭": f"m3.5 {LINE}v-5.5q0-4 4-4h.5v1h-.5q-3 0-3 3v5.5z",
    "╮": f"m4.5 {LINE}v-5.5q0-4-4-4h-.5v1h.5q3 0 3 3v5.5z",
    "╰": "m3.5 0v5.5q0 4 4 4h.5v-1h-.5q-3 0-3-3v-5.5z",
    "╯": "m4.5 0v5.5q0 4-4 4h-.5v-1h.5q3 0 3-3v-5.5z",
}
_LOOKS: Final = (
    "text{font:13px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre}"
    ".b{font-weight:bold}.u{text-decoration:underline}rect,path{shape-rendering:crispEdges}"
)
_BLOCKS: Final = set(_SHAPES)
_DOTS: Final = ("#ff5f57", "#febc2e", "#28c840")


@dataclass(frozen=True)
class Run:
    """Characters of one style in a row, from a column on; ``width`` in cells."""

    column: int
    width: int
    text: str
    colour: str
    background: str
    is_bold: bool
    is_underlined: bool


Rows = tuple[tuple[Run, ...], ...]


@dataclass(frozen=True)
class Frame:
    """What is on the screen, and for how many seconds."""

    rows: Rows
    seconds: float = 1.0

    @property
    def width(self) -> int:
        """In cells."""
        return max(run.column + run.width for row in self.rows for run in row)


def frame_of(app: App[object], seconds: float = 1.0) -> Frame:
    """Return what the app shows now."""
    token = visible_screen_stack.set(app._background_screens)  # noqa: SLF001 - as Textual's own screenshots do
    try:
        strips = app.screen._compositor.render_strips()  # noqa: SLF001 - the same
    finally:
        visible_screen_stack.reset(token)
    return Frame(tuple(tuple(_runs(strip.simplify())) for strip in strips), seconds)


def drawing(frames: Sequence[Frame], title: str) -> str:
    """Return an SVG of a terminal window that shows the frames, for ever if there are several."""
    first = frames[0]
    width, height = first.width * CELL + 2 * EDGE, len(first.rows) * LINE + TITLE + EDGE
    ground = first.rows[0][0].background
    dots = "".join(
        f'<circle cx="{EDGE + 6 + 18 * number}" cy="14" r="5" fill="{colour}"/>'
        for number, colour in enumerate(_DOTS)
    )
    body = "\n".join(_animated(frames))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">\n'
        f"<title>{escape(title)}</title>\n"
        f"<style>{_style(frames)}</style>\n"
        f'<rect width="{width}" height="{height}" rx="9" fill="{ground}"/>{dots}\n'
        f'<g transform="translate({EDGE} {TITLE})">\n{body}\n</g>\n</svg>\n'
    )


def _runs(segments: Sequence[Segment]) -> Iterator[Run]:
    column = 0
    for text, style, _ in segments:
        colour, background = _colours(style or Style())
        for _, letters in groupby(text.translate(_ISOLATES), _BLOCKS.__contains__):
            part = "".join(letters)
            width = cell_len(part)
            yield Run(
                column, width, part, colour, background,
                is_bold=bool(style and style.bold), is_underlined=bool(style and style.underline),
            )  # fmt: skip
            column += width


def _colours(style: Style) -> tuple[str, str]:
    """The two colours in hexadecimal, as a terminal draws them."""
    front = style.color.get_truecolor() if style.color else (200, 208, 232)
    back = style.bgcolor.get_truecolor(foreground=False) if style.bgcolor else (20, 22, 31)
    if style.reverse:
        front, back = back, front
    if style.dim:
        front = blend_rgb(back, front, 0.6)
    return "#{:02x}{:02x}{:02x}".format(*front), "#{:02x}{:02x}{:02x}".format(*back)


def _animated(frames: Sequence[Frame]) -> Iterator[str]:
    """Every row once for each time it stays the same."""
    ground = frames[0].rows[0][0].background
    for y in range(len(frames[0].rows)):
        at = 0
        for row, same in groupby(frame.rows[y] for frame in frames):
            until = at + len(list(same))
            drawn = _row(row, y, ground)
            whole = len(frames)
            if drawn:
                yield drawn if (at, until) == (0, whole) else f'<g class="s{at}-{until}">{drawn}</g>'
            at = until


def _row(row: Sequence[Run], y: int, ground: str) -> str:
    parts: list[str] = []
    for background, together in groupby(row, lambda run: run.background):
        runs = list(together)
        width = sum(run.width for run in runs)
        if background != ground:
            parts.append(
                f'<rect x="{runs[0].column * CELL}" y="{y * LINE}" width="{width * CELL}" height="{LINE}" '
                f'fill="{background}"/>'
            )
    parts += [_blocks(run, y) for run in row if _BLOCKS & set(run.text)]
    pieces = "".join(_piece(run) for run in row if run.text.strip() and not _BLOCKS & set(run.text))
    if pieces:
        parts.append(f'<text y="{y * LINE + 13}">{pieces}</text>')
    return "".join(parts)


def _blocks(run: Run, y: int) -> str:
    """Lines, bars and the squares of QR codes, drawn as shapes: letters of a font leave gaps between them."""
    shapes = "".join(
        f"M{(run.column + at) * CELL} {y * LINE}{_SHAPES[letter]}"
        for at, letter in enumerate(run.text)
        if letter in _SHAPES
    )
    return f'<path fill="{run.colour}" d="{shapes}"/>'


def _piece(run: Run) -> str:
    blanks = len(run.text) - len(run.text.lstrip(" "))
    text = run.text.strip(" ")
    looks = f"{' b' if run.is_bold else ''}{' u' if run.is_underlined else ''}".strip()
    looks = f' class="{looks}"' if looks else ""
    x, length = (run.column + blanks) * CELL, cell_len(text) * CELL
    return (
        f'<tspan x="{x}" textLength="{length}" fill="{run.colour}"{looks}>{escape(text, quote=False)}</tspan>'
    )


def _style(frames: Sequence[Frame]) -> str:
    """The font, and when what is shown; who wants no motion sees the last frame."""
    rules = [_LOOKS]
    whole = sum(frame.seconds for frame in frames)
    begins = [100 * sum(frame.seconds for frame in frames[:number]) / whole for number in range(len(frames))]
    for at, until in sorted(_spans(frames)):
        last = until == len(frames)
        ends = "" if last else f"{begins[until]:.2f}%{{visibility:hidden}}"
        before = "0%{visibility:hidden}" if at else ""
        name = f"s{at}-{until}"
        at_rest = "visible" if last else "hidden"
        rules.append(
            f".{name}{{visibility:{at_rest};animation:{name} {whole:.1f}s step-end infinite}}"
            f"@keyframes {name}{{{before}{begins[at]:.2f}%{{visibility:visible}}{ends}}}"
        )
    rules.append("@media(prefers-reduced-motion){g{animation:none!important}}" if len(frames) > 1 else "")
    return "".join(rules)


def _spans(frames: Sequence[Frame]) -> set[tuple[int, int]]:
    spans: set[tuple[int, int]] = set()
    for y in range(len(frames[0].rows)):
        at = 0
        for _, same in groupby(frame.rows[y] for frame in frames):
            until = at + len(list(same))
            spans.add((at, until))
            at = until
    return spans - {(0, len(frames))}
