"""What a value on the command line must be, for argparse's ``type=``; each refusal is argparse's own."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable

from sottovoce.client.policy import MAX_NAME_LENGTH
from sottovoce.client.sanitize import sanitize


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return a reader of whole numbers from ``least`` to ``most`` (None: without end)."""
    meant = f"{least} or more" if most is None else f"from {least} to {most}"

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least or (most is not None and number > most):
            raise ArgumentTypeError(f"{text!r} is no whole number {meant}")
        return number

    return read


def room_name(text: str) -> str:
    """Return a room's name, stripped: 1 to 64 characters, all of which a screen shows."""
    name = text.strip()
    if not 0 < len(name) <= MAX_NAME_LENGTH or sanitize(name) != name:
        raise ArgumentTypeError(f"a room's name has 1 to {MAX_NAME_LENGTH} characters, all of them visible")
    return name
