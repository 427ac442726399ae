"""Starting the app, and a room with 100,000 messages in the local store: opening it, going through it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

from bench.terminal_app.place import LONG_ROOM, Place, line_of
from bench.terminal_app.terminal import ENTERED, Drawn, Terminal

_PAGE_UP, _UP, _HOME, _END = "\x1b[5~", "\x1b[A", "\x1b[H", "\x1b[F"
_BEGINNING = "\x1b[1;5H"
_TO_MESSAGES: Final = "\x1b[Z"  # Shift+Tab
_NEXT_ROOM: Final = "\x1b[1;3B"  # Alt+Down


@dataclass
class LongRoom:
    """Seconds, each list one kind of deed."""

    first_bytes: list[float] = field(default_factory=list)
    """From the start of the process until it takes the screen."""
    shown: list[float] = field(default_factory=list)
    """Until the newest of the room's messages is on it."""
    opened: list[float] = field(default_factory=list)
    """From the key that goes to the room until its newest message is there."""
    frames: dict[str, list[Drawn]] = field(default_factory=dict)
    """From a key to the last byte it brings, by the names of the keys."""
    to_the_beginning: float = 0.0
    """From the end of the room to its very first message."""


def measure_long_room(place: Place, lines: int, starts: int, steps: int) -> LongRoom:
    """Start the app ``starts`` times with the room open, then do each thing ``steps`` times."""
    found = LongRoom()
    newest = line_of(lines, lines)[:20]
    for _ in range(starts):
        with place.app("--room", LONG_ROOM) as app:
            found.first_bytes.append(app.wait_for("\x1b[?1049h"))
            found.shown.append(app.wait_for(newest))
            app.settle()
    with place.app("--room", "lobby") as app:
        app.wait_for(ENTERED)
        app.settle(quiet=1.0)
        for _ in range(steps):
            began = time.perf_counter()
            app.type(_NEXT_ROOM)
            app.wait_for(newest)
            found.opened.append(time.perf_counter() - began)
            app.settle()
            app.act(_NEXT_ROOM)
            app.settle()
        app.type(_NEXT_ROOM)
        app.wait_for(newest)
        app.settle()
        app.type(_TO_MESSAGES)
        app.settle()
        for name, key, back in (("PgUp", _PAGE_UP, ""), ("Up", _UP, _END), ("Home", _HOME, _END)):
            found.frames[name] = []
            for _ in range(steps):
                found.frames[name].append(app.act(key))
                app.settle()
            if back:
                found.frames.setdefault("End", []).append(app.act(back))
                app.settle()
        _go_to_the_beginning(app, found, lines)
    return found


def _go_to_the_beginning(app: Terminal, found: LongRoom, lines: int) -> None:
    first = line_of(1, lines)[:20]
    began = time.perf_counter()
    app.type(_BEGINNING)
    app.wait_for(first)
    found.to_the_beginning = time.perf_counter() - began
