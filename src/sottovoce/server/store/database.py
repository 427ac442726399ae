"""Opening the database file: where it lies, who may have it, its settings and its schema's version."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
from pathlib import Path
from typing import Final

from sottovoce.server.errors import (
    DataDirectoryDamaged,
    DataDirectoryInUse,
    DataDirectoryTooNew,
    DataDirectoryUnwritable,
)
from sottovoce.server.store import segments

DATABASE_NAME: Final = "server.db"
SCHEMA_VERSION: Final = "0002"
"""The newest migration; a test holds it to Alembic's head."""

_PRAGMAS: Final = (
    # (setting, what is asked for, what SQLite must answer when it is read back)
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("foreign_keys", "ON", 1),
    ("trusted_schema", "OFF", 0),
    ("busy_timeout", "5000", 5000),  # milliseconds
    ("wal_autocheckpoint", "16000", 16000),  # pages: fewer, longer checkpoints
    ("cache_size", "-8192", -8192),  # KiB
    ("temp_store", "MEMORY", 2),
)

_NOT_OURS_TO_USE: Final = ("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_PERM")


def prepare_directory(directory: Path) -> None:
    """Make the data directory (0700) or check that it can be written.

    Raises :class:`DataDirectoryUnwritable`.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = directory / f".probe-{os.getpid()}"
        probe.touch(mode=0o600)
        probe.unlink()
    except OSError as error:
        raise DataDirectoryUnwritable(directory, error.strerror or str(error)) from None


def is_open_to_others(directory: Path) -> bool:
    """Whether other users of this machine can get into the directory and at a file in it.

    A copy from a backup easily is; what the server itself makes is its owner's alone.
    """
    try:
        return _is_open(directory.stat()) and any(_is_open(file.lstat()) for file in directory.iterdir())
    except OSError:  # somebody is at work there; nothing that keeps the server from starting
        return False


def _is_open(status: os.stat_result) -> bool:
    return not stat.S_ISLNK(status.st_mode) and status.st_mode & 0o077 != 0


def require_database(directory: Path) -> None:
    """Raise :class:`DataDirectoryDamaged` unless a directory that has served still has its database."""
    path = directory / DATABASE_NAME
    if not path.exists() or path.stat().st_size == 0:
        raise DataDirectoryDamaged(path, "it is missing or empty, and all accounts and rooms with it")


class DirectoryLock:
    """Holds the data directory for this process until :meth:`release`, or until the process ends."""

    def __init__(self, directory: Path) -> None:
        """Raise :class:`DataDirectoryInUse` when another process has it."""
        try:
            self._descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DataDirectoryUnwritable(directory, error.strerror or str(error)) from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._descriptor)
            raise DataDirectoryInUse(directory) from None

    def release(self) -> None:
        """Let another process have the directory."""
        os.close(self._descriptor)


def bring_up_to_date(path: Path) -> None:
    """Make the database, or bring it to :data:`SCHEMA_VERSION`; costs one SELECT when there is nothing to do.

    Raises :class:`DataDirectoryDamaged`, :class:`DataDirectoryTooNew`, :class:`DataDirectoryUnwritable`.
    """
    version = None
    if path.exists():
        version = _schema_version(path)
    else:
        try:
            path.touch(mode=0o600)
        except OSError as error:
            raise DataDirectoryUnwritable(path.parent, error.strerror or str(error)) from None
    if version == SCHEMA_VERSION:
        return
    if version is not None and version > SCHEMA_VERSION:
        raise DataDirectoryTooNew(path, version)
    from sottovoce.server.store.migrations.upgrade import upgrade

    try:
        upgrade(path)
    except sqlite3.DatabaseError as error:
        raise _unusable(path, error) from None


def _unusable(path: Path, error: sqlite3.DatabaseError) -> DataDirectoryDamaged | DataDirectoryUnwritable:
    """Tell a file that is no database of ours from one that the disk or its owner does not let us use."""
    if getattr(error, "sqlite_errorname", "").startswith(_NOT_OURS_TO_USE):
        return DataDirectoryUnwritable(path, str(error))
    return DataDirectoryDamaged(path, str(error))


def _schema_version(path: Path) -> str | None:
    """Read Alembic's mark; None for a file in which no migration has ever been completed."""
    try:
        connection = sqlite3.connect(path)
        try:
            tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            if tables == 0:
                return None
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise _unusable(path, error) from None
    if row is None or not isinstance(row[0], str):
        raise DataDirectoryDamaged(path, "it has no schema version")
    return row[0]


def open_connection(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a connection with every setting of ours, read back.

    It begins no transaction by itself, and may be closed by another thread than the one that uses it. A
    ``read_only`` one can still make a checkpoint. Raises :class:`DataDirectoryDamaged` when the file is no
    database or a setting does not take, and :class:`DataDirectoryUnwritable` when it cannot be opened or
    written.
    """
    try:
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, cached_statements=256, timeout=5.0
        )
    except sqlite3.DatabaseError as error:
        raise _unusable(path, error) from None
    try:
        for name, wanted, expected in _PRAGMAS:
            connection.execute(f"PRAGMA {name} = {wanted}")
            answer = connection.execute(f"PRAGMA {name}").fetchone()[0]
            if answer != expected:
                raise DataDirectoryDamaged(path, f"SQLite keeps {name} at {answer}")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA cache_size = -2048")  # KiB: what it reads it seldom reads again
        else:
            segments.prepare(connection)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise _unusable(path, error) from None
    except DataDirectoryDamaged:
        connection.close()
        raise
    return connection
