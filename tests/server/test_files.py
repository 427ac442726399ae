"""Private files: whole or not there, whatever the disk does."""

from __future__ import annotations

import errno
import os

import pytest

from sottovoce.server.errors import DataDirectoryUnwritable
from sottovoce.server.files import write_private_file


def test_a_file_is_whole_and_its_owners(tmp_path):
    write_private_file(tmp_path / "key", b"one")
    write_private_file(tmp_path / "key", b"two")
    assert (tmp_path / "key").read_bytes() == b"two"
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_disk_that_fails_leaves_the_earlier_file_and_nothing_else(tmp_path, monkeypatch):
    write_private_file(tmp_path / "key", b"one")

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataDirectoryUnwritable, match="No space left"):
        write_private_file(tmp_path / "key", b"two")
    assert (tmp_path / "key").read_bytes() == b"one"
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_what_was_left_or_laid_in_the_way_is_not_written_through(tmp_path):
    """A link in the temporary file's place would lead the key elsewhere."""
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / f".key.{os.getpid()}").symlink_to(elsewhere)
    write_private_file(tmp_path / "key", b"one")
    assert not elsewhere.exists()
    assert (tmp_path / "key").read_bytes() == b"one"


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DataDirectoryUnwritable):
        write_private_file(tmp_path / "missing" / "key", b"one")
