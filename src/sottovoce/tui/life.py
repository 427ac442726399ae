"""What the x-ray of a message shows: layers of words, facts and bytes. Every string is Safe."""

from __future__ import annotations

from dataclasses import dataclass

from sottovoce.tui.safe_text import NOTHING, Safe


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes ``start`` to ``end`` (not included) of a picture; ``is_known``: whether they are there."""

    name: Safe
    start: int
    end: int
    is_known: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """Bytes to be drawn, and what their stretches are, from the first byte to the last."""

    title: Safe
    data: bytes
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to know: what, how much, and what that means."""

    name: Safe
    value: Safe
    meaning: Safe = NOTHING


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer. ``name``: a word for its tab; ``teaching``: what it is and what it protects from, in two
    sentences; ``text``: many lines; ``alarm``: what is wrong, if anything is.
    """

    name: Safe
    title: Safe
    teaching: Safe
    facts: tuple[Fact, ...] = ()
    text: Safe = NOTHING
    pictures: tuple[Picture, ...] = ()
    alarm: Safe = NOTHING


@dataclass(frozen=True, slots=True)
class Life:
    """A message in its layers; ``server``: the bytes the server has of it; ``missing``: why it has none."""

    layers: tuple[Layer, ...]
    server: Picture | None
    missing: Safe
