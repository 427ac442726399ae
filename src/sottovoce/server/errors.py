"""What stops the server from starting, and what it refuses a client.

:class:`Refused` is a client's fault or bad luck and becomes one ``ErrorReply``. The others are for the person
who runs the server; each sentence says what to do next.
"""

from __future__ import annotations

import math
from pathlib import Path

from sottovoce.errors import LocalError, PeerError
from sottovoce.link.parts import ErrorCode


class Refused(PeerError):
    """A request that is answered with ``code`` and a sentence; nothing was stored.

    ``retry_after`` is in seconds; ``epoch`` goes with STALE_EPOCH.
    """

    def __init__(
        self, code: ErrorCode, message: str, *, retry_after: float | None = None, epoch: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after
        self.epoch = epoch


def rate_limited(wait: float) -> Refused:
    """Too many of something; come back in ``wait`` seconds, told in whole milliseconds and never as none."""
    return Refused(
        ErrorCode.RATE_LIMITED,
        "too many tries; wait a little",
        retry_after=max(1, math.ceil(wait * 1000)) / 1000,
    )


class ServerStartError(LocalError):
    """The server cannot start; base of the reasons below."""


class DataDirectoryUnwritable(ServerStartError):
    """The data directory, or a file in it, cannot be made or written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"The data directory {path} cannot be written ({reason}). Give another with --data, or make it"
            " yours."
        )


class DataDirectoryDamaged(ServerStartError):
    """A file of the data directory is not what the server once wrote."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} is damaged ({reason}). Nothing was changed: put a backup in its place, or start with"
            " an empty directory by --data."
        )


class DataDirectoryTooNew(ServerStartError):
    """A newer Sottovoce has written this data directory."""

    def __init__(self, path: Path, version: str) -> None:
        super().__init__(
            f"{path} was written by a newer Sottovoce (schema {version}). Update this one; nothing was"
            " changed."
        )


class DataDirectoryInUse(ServerStartError):
    """Another server runs on the same data directory."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"Another server already uses the data directory {path}. Stop it first, or give this one its own"
            " with --data."
        )


class PortInUse(ServerStartError):
    """Someone else listens on the address."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"Something already listens on {host} port {port}. Choose another with --port (0 picks a free"
            " one)."
        )


class AddressNotUsable(ServerStartError):
    """The host given is not an address of this machine, or the port is not allowed to this user."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"Cannot listen on {host} port {port} ({reason}). Give an address of this machine with --host and"
            " a port above 1023 with --port."
        )


class BadConfiguration(ServerStartError):
    """A setting that is unknown, of the wrong type or out of its range; says where it came from."""


class TlsFilesUnusable(ServerStartError):
    """The TLS certificate or key does not load, does not match, or has expired."""
