"""The server that the same user runs on this machine, by the file it leaves while it runs.

``$SOTTOVOCE_RUNTIME_DIR`` or the platform's runtime directory holds ``server-<port>.json`` (0600) with
host, port, pin (hexadecimal), invite (a link) and pid, as ``docs/protocol.md`` says.
"""

from __future__ import annotations

import os
import stat
import warnings
from pathlib import Path
from typing import Annotated

import msgspec

from sottovoce.client.errors import NoLocalServer


class LocalServer(msgspec.Struct, frozen=True):
    """What a running server says of itself."""

    host: str
    port: int
    pin: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
    invite: str
    pid: int


def runtime_directory() -> Path:
    """Where running servers leave their files."""
    configured = os.environ.get("SOTTOVOCE_RUNTIME_DIR")
    if configured:
        return Path(configured)
    import platformdirs

    with warnings.catch_warnings():
        # Without XDG_RUNTIME_DIR it warns and falls back, as the server does: both come to the same place.
        warnings.simplefilter("ignore")
        return Path(platformdirs.user_runtime_path("sottovoce"))


def find_local_server() -> LocalServer:
    """Return the running server of this user that was started last; raises :class:`NoLocalServer`."""
    found: list[tuple[float, LocalServer]] = []
    try:
        paths = list(runtime_directory().glob("server-*.json"))
    except OSError:  # not for this user's eyes, so not this user's server
        paths = []
    for path in paths:
        try:
            status = path.stat()
            if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
                continue  # written, or writable, by somebody else: not this user's word
            server = msgspec.json.decode(path.read_bytes(), type=LocalServer)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            continue
        if _is_running(server.pid):
            found.append((status.st_mtime, server))
    if not found:
        raise NoLocalServer
    return max(found, key=lambda entry: entry[0])[1]


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return False
    return True
