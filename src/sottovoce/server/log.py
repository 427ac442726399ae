"""Log lines: one event, one line, ``key=value`` pairs, no control characters; no bodies, no addresses."""

from __future__ import annotations

import logging
import sys
from typing import Final

ROOT_LOGGER: Final = "sottovoce.server"


class LineFormatter(logging.Formatter):
    """``2026-01-31T12:00:00 INFO event key=value``; whatever a peer chose is quoted and escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the one line; a record's ``fields`` (a dict) follow its message."""
        time = self.formatTime(record, "%Y-%m-%dT%H:%M:%S")
        parts = [time, record.levelname, escape(record.getMessage())]
        fields = getattr(record, "fields", None) or {}
        parts += [f"{key}={_quoted(str(value))}" for key, value in fields.items()]
        if record.exc_info is not None and record.exc_info[0] is not None:
            parts.append(f"error={_quoted(record.exc_info[0].__name__)}")
        return " ".join(parts)


def escape(text: str) -> str:
    """Return ``text`` in printable ASCII: everything else as ``\\xNN`` or ``\\uNNNN`` (threats D5)."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isascii() and c.isprintable() else ascii(c)[1:-1] for c in text)


def _quoted(value: str) -> str:
    clean = escape(value)
    if clean and all(c not in ' "=\\' for c in clean):
        return clean
    return '"' + clean.replace('"', "'") + '"'


def set_up_logging(level: str) -> None:
    """Send the server's log to standard error, from ``level`` (a :mod:`logging` name, any case) on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    logger = logging.getLogger(ROOT_LOGGER)
    logger.handlers = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False
