"""libsodium, in the copy that the package ``rbcl`` carries.

rbcl writes it to a temporary file of 3 MB in each process, loads it and leaves it there. What is loaded
needs no name, so the file goes at once.

Importing this raises :class:`~sottovoce.crypto.errors.LibsodiumUnavailable` where that cannot be done.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from sottovoce.crypto.errors import LibsodiumUnavailable

__all__ = ["rbcl"]

try:
    import rbcl
    from rbcl._sodium import lib_path as _path
except OSError as error:
    raise LibsodiumUnavailable(
        f"libsodium cannot be loaded from a temporary file ({error}). Check the free space, or set TMPDIR to "
        "a folder that may hold programs: one that is not mounted with noexec."
    ) from None

with contextlib.suppress(OSError):
    Path(_path).unlink()
