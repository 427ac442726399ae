"""The runtime file: how programs of the same user on this machine find a running server (docs/protocol.md).

``$SOTTOVOCE_RUNTIME_DIR``, or the user's runtime directory, holds ``server-PORT.json`` (0600) while it runs.
"""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from pathlib import Path

from platformdirs import user_runtime_path

from sottovoce.server.errors import DataDirectoryUnwritable
from sottovoce.server.files import write_private_file


def runtime_directory() -> Path:
    """Where runtime files are."""
    given = os.environ.get("SOTTOVOCE_RUNTIME_DIR")
    if given:
        return Path(given)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # of XDG_RUNTIME_DIR not being set: the place it falls back to will do
        return user_runtime_path("sottovoce")


def write_runtime_file(*, host: str, port: int, pin: bytes, invite: str) -> Path:
    """Write the file and return its path. ``pin``: 32 bytes, written in hexadecimal.

    Raises :class:`DataDirectoryUnwritable`.
    """
    directory = runtime_directory()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DataDirectoryUnwritable(directory, error.strerror or str(error)) from None
    path = directory / f"server-{port}.json"
    content = {"host": host, "port": port, "pin": pin.hex(), "invite": invite, "pid": os.getpid()}
    write_private_file(path, json.dumps(content).encode())
    return path


def remove_runtime_file(path: Path) -> None:
    """Remove the file; it may be gone already."""
    with contextlib.suppress(OSError):
        path.unlink()
