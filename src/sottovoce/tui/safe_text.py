"""The only makers of :class:`Safe`: what widgets take of text from outside (threats E1, E2, E3)."""

from __future__ import annotations

from typing import Final, NewType

from sottovoce.client.sanitize import isolate, sanitize

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


def words(template: str, **values: Safe | int) -> Safe:
    """Fill our own sentence with values that are safe already; a template is never text from outside."""
    return Safe(template.format(**values))
