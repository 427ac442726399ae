"""How long a key takes from the terminal to the screen, at rest and while messages pour in."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import cycle
from typing import Final

from bench.terminal_app.place import Place
from bench.terminal_app.terminal import ENTERED, Terminal

LINE: Final = 40
"""Keys after which the line is taken away and begun anew."""

_LETTERS: Final = "".join(map(chr, [*range(0x0430, 0x0450), *range(0x0561, 0x0587), *range(0x10D0, 0x10F1)]))
"""Letters of one cell that nothing else on the screen has: who sees one sees the key that was pressed."""

_TO_LINE_START: Final = "\x15"  # Ctrl+U
_PAUSES: Final = (0.03, 0.07)
"""Seconds between two keys, at least and at most: somebody who types fast, in step with nothing."""


@dataclass(frozen=True)
class Typing:
    """Seconds of each key: a program that only echoes, the app at rest, the app while messages come."""

    echo: list[float]
    at_rest: list[float]
    in_stream: list[float]
    stream: float
    """Messages a second that the server stored meanwhile."""


def measure_typing(place: Place, keys: int, rate: float) -> Typing:
    """Type ``keys`` keys into each, in turns; ``rate``: messages a second that the second client sends."""
    echo: list[float] = []
    at_rest: list[float] = []
    in_stream: list[float] = []
    rates: list[float] = []
    with place.talker() as talker, place.echo() as plain, place.app("--room", "lobby") as app:
        plain.wait_for("ready")
        app.wait_for(ENTERED)
        app.settle()
        for _ in range(ROUNDS):
            echo += _typed(plain, keys // ROUNDS)
            app.settle()
            at_rest += _typed(app, keys // ROUNDS)
            talker.begin(rate)
            app.pass_time(2.0)
            in_stream += _typed(app, keys // ROUNDS)
            rates.append(talker.end())
    return Typing(echo, at_rest, in_stream, sum(rates) / len(rates))


ROUNDS: Final = 4
"""Turns: what else the machine does is spread over all three."""


def _typed(terminal: Terminal, keys: int) -> list[float]:
    seconds: list[float] = []
    chosen = random.Random(keys)
    for number, letter in zip(range(keys), cycle(_LETTERS), strict=False):
        if number % LINE == 0:
            terminal.type(_TO_LINE_START)
            terminal.pass_time(0.2)
        terminal.pass_time(chosen.uniform(*_PAUSES))
        seconds.append(terminal.echo(letter))
    terminal.type(_TO_LINE_START)
    return seconds
