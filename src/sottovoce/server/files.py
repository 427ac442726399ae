"""Small files that must be whole, lasting and private."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import BinaryIO

from sottovoce.server.errors import DataDirectoryUnwritable


def write_private_file(path: Path, octets: bytes) -> None:
    """Write a file readable by its owner alone (0600): all of it or, after a crash, none; on disk at return.

    Raises :class:`DataDirectoryUnwritable`.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.unlink(missing_ok=True)  # left by a process of the same number that was killed
        try:
            with open_private(temporary, os.O_WRONLY | os.O_EXCL) as file:
                file.write(octets)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        directory = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise DataDirectoryUnwritable(path.parent, error.strerror or str(error)) from None


def open_private(path: Path, flags: int) -> BinaryIO:
    """Open a file for writing; one that this makes is readable by its owner alone (0600). Raises OSError."""
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    return os.fdopen(descriptor, "wb")
