"""The server's long-term OPAQUE secrets: one private file, apart from the database.

Who has a copy of the database alone cannot try passwords offline; who loses this file loses every password.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from sottovoce.opaque.errors import InvalidMessage
from sottovoce.opaque.server import ServerSetup
from sottovoce.server.errors import DataDirectoryDamaged, DataDirectoryUnwritable
from sottovoce.server.files import write_private_file

FILE_NAME: Final = "opaque-setup.bin"


def opaque_setup_exists(directory: Path) -> bool:
    """Tell whether a data directory has served before: its setup is the last thing a first start makes."""
    return (directory / FILE_NAME).exists()


def load_opaque_setup(directory: Path, *, has_accounts: bool) -> ServerSetup:
    """Read the setup of a data directory; make it when there is none and nobody ``has_accounts`` by it.

    Raises :class:`DataDirectoryDamaged` when it is missing or damaged, :class:`DataDirectoryUnwritable` when
    it cannot be read or written.
    """
    path = directory / FILE_NAME
    if not path.exists():
        if has_accounts:
            raise DataDirectoryDamaged(path, "it is missing, and no password can be checked without it")
        setup = ServerSetup.generate(os.urandom)
        write_private_file(path, setup.to_bytes())
        return setup
    try:
        return ServerSetup.from_bytes(path.read_bytes())
    except InvalidMessage as error:
        raise DataDirectoryDamaged(path, str(error)) from None
    except OSError as error:
        raise DataDirectoryUnwritable(directory, error.strerror or str(error)) from None
