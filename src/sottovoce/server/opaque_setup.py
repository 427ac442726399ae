"""The server's long-term OPAQUE secrets: one private file, apart from the database.

Who has a copy of the database alone cannot try passwords offline; who loses this file loses every password.
Nothing here loads OPAQUE before it is needed: libsodium takes as long to load as a third of a start.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sottovoce.crypto.secret import Secret
from sottovoce.opaque.errors import InvalidMessage
from sottovoce.server.errors import DataDirectoryDamaged, DataDirectoryUnwritable
from sottovoce.server.files import write_private_file

if TYPE_CHECKING:
    from sottovoce.opaque.server import ServerSetup

FILE_NAME: Final = "opaque-setup.bin"
LENGTH: Final = 192
"""Bytes of the file: ``SETUP_LENGTH`` of :mod:`sottovoce.opaque.server`; a test holds it to that."""


def opaque_setup_exists(directory: Path) -> bool:
    """Tell whether a data directory has served before: its setup is the last thing a first start makes."""
    return (directory / FILE_NAME).exists()


def make_opaque_setup(directory: Path, *, has_accounts: bool) -> None:
    """Make the setup of a data directory that has none.

    Raises :class:`DataDirectoryDamaged` when somebody ``has_accounts`` by the one that is missing, and
    :class:`DataDirectoryUnwritable`.
    """
    path = directory / FILE_NAME
    if has_accounts:
        raise DataDirectoryDamaged(path, "it is missing, and no password can be checked without it")
    from sottovoce.opaque.server import ServerSetup

    write_private_file(path, ServerSetup.generate(os.urandom).to_bytes())


def read_opaque_setup(directory: Path) -> Secret:
    """Read the setup's :data:`LENGTH` bytes, as far as they can be judged by their number.

    Raises :class:`DataDirectoryDamaged` and :class:`DataDirectoryUnwritable`.
    """
    path = directory / FILE_NAME
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise DataDirectoryUnwritable(directory, error.strerror or str(error)) from None
    if len(octets) != LENGTH:
        raise DataDirectoryDamaged(path, f"an OPAQUE setup has {LENGTH} bytes")
    return Secret(octets)


def parse_opaque_setup(directory: Path, octets: Secret) -> ServerSetup:
    """Return the setup that was read. Takes a tenth of a second the first time.

    Raises :class:`DataDirectoryDamaged` for a key or a record that is none.
    """
    from sottovoce.opaque.server import ServerSetup

    try:
        return ServerSetup.from_bytes(octets.reveal())
    except InvalidMessage as error:
        raise DataDirectoryDamaged(directory / FILE_NAME, str(error)) from None
