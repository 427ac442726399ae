"""Small files that must be whole, lasting and private."""

from __future__ import annotations

import os
from pathlib import Path

from sottovoce.server.errors import DataDirectoryUnwritable


def write_private_file(path: Path, octets: bytes) -> None:
    """Write a file readable by its owner alone (0600): all of it or, after a crash, none; on disk at return.

    Raises :class:`DataDirectoryUnwritable`.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, octets)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
        directory = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise DataDirectoryUnwritable(path.parent, error.strerror or str(error)) from None
