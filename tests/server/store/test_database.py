"""Data directories that are damaged, unwritable, too new or in use: a sentence each, nothing changed."""

from __future__ import annotations

import os
import sqlite3

import pytest

from sottovoce.server.errors import (
    DataDirectoryDamaged,
    DataDirectoryInUse,
    DataDirectoryTooNew,
    DataDirectoryUnwritable,
)
from sottovoce.server.store import database
from sottovoce.server.store.database import (
    DirectoryLock,
    bring_up_to_date,
    open_connection,
    prepare_directory,
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "server.db"
    bring_up_to_date(path)
    return path


def test_the_settings_are_read_back(path):
    db = open_connection(path)
    answers = {
        name: db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "trusted_schema")
    }
    db.close()
    assert answers == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "trusted_schema": 0}
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_setting_that_does_not_take_is_noticed(path, monkeypatch):
    monkeypatch.setattr(database, "_PRAGMAS", (("synchronous", "OFF", 2),))
    with pytest.raises(DataDirectoryDamaged, match="synchronous"):
        open_connection(path)


def test_readers_cannot_write(path):
    db = open_connection(path, read_only=True)
    with pytest.raises(sqlite3.OperationalError):
        db.execute("DELETE FROM rooms")
    db.close()


def test_a_second_process_is_told_so(tmp_path):
    lock = DirectoryLock(tmp_path)
    with pytest.raises(DataDirectoryInUse, match="--data"):
        DirectoryLock(tmp_path)
    lock.release()
    DirectoryLock(tmp_path).release()


@pytest.mark.parametrize("content", [b"this is not a database" * 100, os.urandom(5000)])
def test_a_file_that_is_no_database_is_left_alone(path, content):
    path.write_bytes(content)
    with pytest.raises(DataDirectoryDamaged, match="Nothing was changed"):
        bring_up_to_date(path)
    assert path.read_bytes() == content


def test_a_damaged_first_page_is_noticed(path):
    octets = bytearray(path.read_bytes())
    octets[0:16] = bytes(16)
    path.write_bytes(octets)
    with pytest.raises(DataDirectoryDamaged):
        bring_up_to_date(path)


def test_a_database_without_a_version_is_not_ours(tmp_path):
    path = tmp_path / "server.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE alembic_version (version_num TEXT)")
    db.commit()
    db.close()
    with pytest.raises(DataDirectoryDamaged, match="no schema version"):
        bring_up_to_date(path)


def test_a_newer_schema_is_left_alone(path):
    db = sqlite3.connect(path)
    db.execute("UPDATE alembic_version SET version_num = '9999'")
    db.commit()
    db.close()
    with pytest.raises(DataDirectoryTooNew, match="newer"):
        bring_up_to_date(path)


def test_an_empty_file_of_an_interrupted_first_start_is_completed(tmp_path):
    path = tmp_path / "server.db"
    path.touch()
    bring_up_to_date(path)
    open_connection(path).close()


def test_a_directory_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirectoryUnwritable, match="--data"):
        prepare_directory(tmp_path / "file" / "data")
    with pytest.raises(DataDirectoryUnwritable):
        DirectoryLock(tmp_path / "missing")


def test_a_database_that_cannot_be_opened_is_not_called_damaged(tmp_path):
    """Its owner can put that right; a backup would not."""
    (tmp_path / "server.db").mkdir()
    with pytest.raises(DataDirectoryUnwritable, match="unable to open"):
        bring_up_to_date(tmp_path / "server.db")
    with pytest.raises(DataDirectoryUnwritable, match="unable to open"):
        open_connection(tmp_path / "server.db")
    with pytest.raises(DataDirectoryUnwritable):
        bring_up_to_date(tmp_path / "missing" / "server.db")


def test_a_migration_that_fails_on_the_disk_is_told(tmp_path):
    """A folder in the journal's place stands for a disk that takes no more."""
    path = tmp_path / "server.db"
    path.write_bytes(b"")
    path.with_name("server.db-journal").mkdir()
    with pytest.raises(DataDirectoryUnwritable):
        bring_up_to_date(path)
    assert path.read_bytes() == b""
