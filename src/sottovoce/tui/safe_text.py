"""The only makers of :class:`Safe`: what widgets take of text from outside (threats E1, E2, E3)."""

from __future__ import annotations

from typing import Final, NewType

from rich.cells import cell_len, set_cell_size

from sottovoce.client.sanitize import CUT, ISOLATE, POP_ISOLATE, isolate, sanitize

Safe = NewType("Safe", str)
"""Text that a terminal can be given: it has passed :func:`~sottovoce.client.sanitize.sanitize`."""

NOTHING: Final = Safe("")


def safe(text: str) -> Safe:
    """Return ``text`` as one line that may be shown."""
    return Safe(sanitize(text))


def safe_lines(text: str) -> Safe:
    """Return ``text`` as it may be shown, its line breaks kept as ``\\n``."""
    return Safe(sanitize(text, multiline=True))


def safe_name(name: str) -> Safe:
    """Return the name of a person or a room: short, and unable to turn the direction of its neighbours."""
    return Safe(isolate(name))


def cut(text: Safe, cells: int) -> Safe:
    """Return ``text`` in at most so many cells of the screen, ``…`` last if it was cut.

    A name in it that is isolated stays so: else it would turn what stands beside it in the row.
    """
    if cell_len(text) <= cells:
        return text
    left = set_cell_size(text, cells - 1) + CUT
    return Safe(left + POP_ISOLATE * (left.count(ISOLATE) - left.count(POP_ISOLATE)))


def words(template: str, **values: Safe | int) -> Safe:
    """Fill our own sentence with values that are safe already; a template is never text from outside."""
    return Safe(template.format(**values))
