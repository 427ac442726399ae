"""What a run has measured, as one Markdown table and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from bench.terminal_app.keys import Typing
from bench.terminal_app.long_room import LongRoom

AIM_MS: Final = 16.0
"""A key is drawn within one frame of a screen with 60 of them a second, 99 times in 100."""


@dataclass(frozen=True)
class Report:
    """One run. ``shares``: what part of each core a busy process got just before it."""

    shares: Mapping[str, float]
    history: int
    typing: Typing
    room: LongRoom

    def as_json(self) -> dict[str, object]:
        """Return all of it; times are in seconds."""
        return {
            "free": dict(self.shares),
            "history": self.history,
            "typing": asdict(self.typing),
            "room": asdict(self.room),
        }

    def lines(self) -> Iterator[str]:
        """Yield the table."""
        typing, room = self.typing, self.room
        yield "free of them: " + ", ".join(f"{core} {share:.2f}" for core, share in self.shares.items())
        yield ""
        yield "| | times | p50 | p99 | most | aim | |"
        yield "|---|---:|---:|---:|---:|---|---|"
        yield _row("a key in a program that only echoes", typing.echo)
        yield _row("a key in the app, at rest", typing.at_rest)
        yield _row(
            f"a key in the app, {typing.stream:.0f} messages/s coming in", typing.in_stream, aim=AIM_MS
        )
        yield _row("start until the app has the terminal", room.first_bytes)
        yield _row(f"start until a room of {self.history:,} messages is shown", room.shown)
        yield _row("going to that room from another", room.opened)
        for name, drawn in room.frames.items():
            yield _row(f"{name}, until all is drawn", [one.last for one in drawn])
        yield _row("to its first message (Ctrl+Home)", [room.to_the_beginning])


def part_of(seconds: Sequence[float], part: float) -> float:
    """Return the time that no more than ``part`` of them are below."""
    return sorted(seconds)[min(int(len(seconds) * part), len(seconds) - 1)]


def _row(what: str, seconds: Sequence[float], aim: float | None = None) -> str:
    p50, p99, most = (1e3 * part_of(seconds, part) for part in (0.5, 0.99, 1.0))
    judged = "" if aim is None else f"p99 < {aim:.0f} ms | {'yes' if p99 < aim else 'no'}"
    figures = " | ".join(f"{figure:,.1f} ms" for figure in (p50, p99, most))
    return f"| {what} | {len(seconds)} | {figures} | {judged or ' | '} |"
