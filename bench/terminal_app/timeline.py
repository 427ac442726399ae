"""The message list with 100,000 lines, beside a naive one: ``python -m bench.terminal_app.timeline``.

The naive one is a `VerticalScroll` that holds a `Static` for each message, with 2,000 of them. The empty one
has rows too, and nothing on them: what it takes is Textual's.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from bench.terminal_app.frames import CountingDriver, Results, Stage, perform
from sottovoce.tui.safe_text import safe_lines, safe_name
from sottovoce.tui.view import Delivery, Message, Page
from sottovoce.tui.widgets.timeline import Timeline

SIZE: Final = (120, 40)
WIDTHS: Final = (90, 70, 110, 120)
OLDER: Final = 200
"""Lines of one page from the store."""

_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_WORDS: Final = (
    "the",
    "quick",
    "brown",
    "fox",
    "https://example.org/a/page",
    "你好世界",
    "naïve",
    "👍",
    "ok",
)
_LENGTHS: Final = (1, 3, 5, 8, 12, 40)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure both, print the table, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.terminal_app.timeline", description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000, help="lines of ours")
    parser.add_argument("--naive", type=int, default=2_000, help="lines of the naive one, 0: without it")
    parser.add_argument("--steps", type=int, default=200, help="how often each thing is done")
    parser.add_argument("--json", type=Path, default=Path("build/bench-timeline.json"), help="file to write")
    choices = parser.parse_args(arguments)
    ours = measure_ours(choices.lines, choices.steps)
    naive = measure_naive(choices.naive, choices.steps // 4) if choices.naive else {}
    choices.json.parent.mkdir(parents=True, exist_ok=True)
    empty = measure_empty(choices.lines, choices.steps)
    choices.json.write_text(json.dumps({"ours": ours, "naive": naive, "empty": empty}) + "\n")
    print(f"ours: {choices.lines} lines, naive: {choices.naive}; a screen of {SIZE[0]}x{SIZE[1]}; CPU time")
    print("\n".join(table(ours, naive, empty)))


def measure_ours(count: int, steps: int) -> Results:
    """Return the times of everything done to a `Timeline` of ``count`` lines."""
    lines = [_message(number) for number in range(OLDER * steps, OLDER * steps + count + 2 * steps)]
    new = iter(lines[count:])
    timeline = Timeline()

    async def play(stage: Stage) -> None:
        await stage.do("open", partial(timeline.show, Page(tuple(lines[:count]), has_older=False)))
        for _ in range(steps):
            await stage.do("page up", partial(timeline.action_page, -1))
        for _ in range(steps):
            await stage.do("one row up", partial(timeline.scroll_rows, -1))
        for _ in range(steps):
            await stage.do("cursor up", partial(timeline.action_choose, -1))
        for _ in range(steps):
            row = random.randrange(timeline.virtual_size.height)
            await stage.do("jump anywhere", partial(timeline.scroll_to, y=row))
        for _ in range(steps):
            await stage.do("append, scrolled up", partial(timeline.append, [next(new)]))
        for _ in range(steps):
            await stage.do("End", timeline.action_last)
            await stage.do("Home", timeline.action_first)
        for step in range(steps, 0, -1):
            older = tuple(_message(number) for number in range(OLDER * (step - 1), OLDER * step))
            await stage.do("200 older lines", partial(timeline.prepend, Page(older, has_older=True)))
        await stage.do("End", timeline.action_last)
        for _ in range(steps):
            await stage.do("append, at the end", partial(timeline.append, [next(new)]))
        await _resize(stage, steps)

    return perform(_app(timeline), SIZE, play)


def measure_naive(count: int, steps: int) -> Results:
    """Return the times of what can be done to a list of ``count`` widgets too."""
    scroll = VerticalScroll()

    async def show(widgets: Sequence[Static]) -> None:
        await scroll.mount_all(widgets)
        scroll.scroll_end(animate=False)

    async def play(stage: Stage) -> None:
        await stage.do("open", partial(show, [_static(number) for number in range(count)]))
        for _ in range(steps):
            await stage.do("page up", partial(scroll.scroll_page_up, animate=False))
        for _ in range(steps):
            await stage.do("one row up", partial(scroll.scroll_up, animate=False))
        for _ in range(steps):
            row = random.randrange(scroll.virtual_size.height)
            await stage.do("jump anywhere", partial(scroll.scroll_to, y=row, animate=False))
        await stage.do("End", partial(scroll.scroll_end, animate=False))
        for number in range(steps):
            await stage.do("append, at the end", partial(show, [_static(count + number)]))
        await _resize(stage, steps)

    return perform(_app(scroll), SIZE, play)


def measure_empty(count: int, steps: int) -> Results:
    """Return the times of what can be done to a view of ``count`` empty rows."""
    view = Empty()
    view.virtual_size = Size(SIZE[0], count)

    async def play(stage: Stage) -> None:
        view.scroll_to(y=count, animate=False)
        await stage.pilot.pause()
        for _ in range(steps):
            await stage.do("page up", partial(view.scroll_page_up, animate=False))
        for _ in range(steps):
            await stage.do("one row up", partial(view.scroll_up, animate=False))
        for _ in range(steps):
            await stage.do("jump anywhere", partial(view.scroll_to, y=random.randrange(count), animate=False))
        await _resize(stage, steps)

    return perform(_app(view), SIZE, play)


class Empty(ScrollView):
    """Rows without anything."""

    def render_line(self, y: int) -> Strip:
        """A row of blanks; which one makes no difference."""
        del y
        return Strip.blank(self.size.width, self.rich_style)


def table(ours: Results, naive: Results, empty: Results) -> list[str]:
    """Return the lines of the table; ratio: how many times as long the naive one takes, by the medians."""
    rows = [f"{'':20}{'ours p50':>11}{'p99':>11}{'naive p50':>12}{'p99':>11}{'ratio':>8}{'empty p50':>12}"]
    for name, seconds in ours.items():
        row = f"{name:20}{_figures(seconds)}"
        if name in naive:
            ratio = _part(naive[name], 0.5) / _part(seconds, 0.5)
            row += f" {_figures(naive[name])}{ratio:>7.1f}x"
        if name in empty:
            row = f"{row:73} {_part(empty[name], 0.5) * 1e3:>8.2f} ms"
        rows.append(row)
    return rows


async def _resize(stage: Stage, steps: int) -> None:
    for step in range(steps):
        await stage.do("resize", partial(stage.pilot.resize_terminal, WIDTHS[step % len(WIDTHS)], SIZE[1]))


def _app(widget: Widget) -> App[None]:
    class OneWidget(App[None]):
        def compose(self) -> ComposeResult:
            yield widget

    return OneWidget(driver_class=CountingDriver)


def _static(number: int) -> Static:
    message = _message(number)
    return Static(Content(f"{message.sender}  {message.at:%H:%M}\n{message.text}"), markup=False)


def _message(number: int) -> Message:
    """A message of 1 to 40 words, some of them wide, from one of seven people; the same in each run."""
    chosen = random.Random(number)
    return Message(
        position=number,
        seq=number,
        at=_START + timedelta(minutes=2 * number),
        sender=safe_name(f"user{chosen.randrange(7)}"),
        text=safe_lines(" ".join(chosen.choices(_WORDS, k=chosen.choice(_LENGTHS)))),
        is_mine=chosen.random() < 0.2,
        verified=True,
        message_id=number.to_bytes(32, "big"),
        delivery=Delivery.STORED,
    )


def _figures(seconds: Sequence[float]) -> str:
    return f"{_part(seconds, 0.5) * 1e3:>8.2f} ms{_part(seconds, 0.99) * 1e3:>8.2f} ms"


def _part(seconds: Sequence[float], part: float) -> float:
    """Return the time that no more than ``part`` of them went below."""
    return sorted(seconds)[min(int(len(seconds) * part), len(seconds) - 1)]


if __name__ == "__main__":
    main()
