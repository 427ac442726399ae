"""Whatever happens to a timeline, in whatever order: the screen is a window on the whole list."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import set_cell_size

sys.path.insert(0, str(Path(__file__).parent))

from timeline_samples import TimelineApp, message, notice, page, queued

from sottovoce.tui.view import Delivery, Level, Line
from sottovoce.tui.widgets.timeline import Timeline

STEPS = 40
WORDS = (
    "a",
    "word",
    "你好世界",
    "https://example.org/path",
    "👩\u200d👧",
    "\n",
    "longlonglonglonglonglonglong",
)


class Story:
    """Does one thing after another to a timeline, and knows what has to be in it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.first = 5_000
        self.next = 5_000
        self.orders = 0
        self.queue: list[Line] = []
        self.stored = [self.line(position) for position in self.positions(self.chance.randrange(120))]

    def positions(self, count: int) -> range:
        self.next += count
        return range(self.next - count, self.next)

    def line(self, position: int) -> Line:
        text = " ".join(self.chance.choices(WORDS, k=self.chance.choice((1, 2, 5, 30))))
        if self.chance.random() < 0.1:
            return notice(position, text, self.chance.choice(list(Level)))
        return message(position, text, self.chance.choice(("Bob", "Alice")), minutes=2 * (position - 5_000))

    def do(self, timeline: Timeline) -> None:
        chance = self.chance
        match chance.choice(
            ("append", "prepend", "send", "settle", "choose", "page", "jump", "ends", "space")
        ):
            case "append":
                lines = [self.line(position) for position in self.positions(chance.choice((1, 3, 50)))]
                self.stored += lines
                timeline.append(lines)
            case "prepend":
                count = chance.choice((0, 10, 90))
                lines = [self.line(position) for position in range(self.first - count, self.first)]
                self.first -= count
                self.stored = lines + self.stored
                timeline.prepend(page(*lines, has_older=chance.random() < 0.5))
            case "send":
                self.orders += 1
                self.queue.append(queued(self.orders, "on its way " * chance.randrange(12), self.orders))
                timeline.append(self.queue[-1:])
            case "settle" if self.queue:
                (position,) = self.positions(1)
                waiting = self.queue.pop(chance.randrange(len(self.queue)))
                self.stored.append(replace(waiting, position=position, delivery=Delivery.STORED))
                timeline.settle(self.stored[-1])
            case "choose":
                timeline.action_choose(chance.choice((-1, 1)))
            case "page":
                timeline.action_page(chance.choice((-1, 1)))
            case "jump":
                timeline.scroll_to(y=chance.randrange(timeline.virtual_size.height + 1))
            case "ends":
                chance.choice((timeline.action_first, timeline.action_beginning, timeline.action_last))()
            case "space":
                timeline.action_unfold()


def all_rows(timeline: Timeline) -> list[tuple[int, str]]:
    """Every row of the timeline and its line's position, wrapped as if somebody looked at all of it."""
    lines, width = timeline.lines, timeline.scrollable_size.width
    blocks = [
        timeline._look.block(line, upper, is_whole=line.position in timeline._whole)
        for line, upper in zip(lines, (None, *lines[:-1]), strict=False)
    ]
    return [
        (block.line.position, set_cell_size("".join(piece.text for piece in row.pieces), width).rstrip())
        for block in blocks
        for row in block.rows
    ]


def on_screen(timeline: Timeline) -> list[str]:
    rows = [timeline.render_line(y).text for y in range(timeline.scrollable_size.height)]
    return [row.replace("▌", " ", 1).rstrip() if row.startswith("▌") else row.rstrip() for row in rows]


@pytest.mark.parametrize("seed", range(4))
async def test_the_screen_is_a_window_on_the_whole(seed: int) -> None:
    story = Story(seed)
    app = TimelineApp(page(*story.stored, has_older=True))
    timeline = app.timeline
    async with app.run_test(size=(50, 12)) as pilot:
        for _ in range(STEPS):
            story.do(timeline)
            if story.chance.random() < 0.15:
                await pilot.resize_terminal(
                    story.chance.choice((30, 50, 90)), story.chance.choice((8, 12, 30))
                )
            await pilot.pause()

            assert list(timeline.lines) == [*story.stored, *story.queue]
            shown = on_screen(timeline)
            if timeline._marker is not None:
                shown.pop()
            rows = all_rows(timeline)
            whole = [row for _, row in rows]
            shown = shown[max(timeline.scrollable_size.height - len(whole), 0) :]
            if not whole:
                continue
            windows = [at for at in range(len(whole)) if whole[at : at + len(shown)] == shown]
            assert windows
            if timeline.place is None:
                assert len(whole) - timeline.scrollable_size.height in windows or windows[0] == 0
            else:
                position, offset = timeline.place
                assert [at for at, _ in rows].index(position) + offset in windows
