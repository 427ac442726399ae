"""The file of OPAQUE's long-term secrets."""

from __future__ import annotations

import pytest

from sottovoce.opaque.server import SETUP_LENGTH
from sottovoce.server import opaque_setup
from sottovoce.server.errors import DataDirectoryDamaged, DataDirectoryUnwritable


def test_its_length_is_what_opaque_says():
    assert opaque_setup.LENGTH == SETUP_LENGTH


def test_what_was_made_is_read_again(tmp_path):
    opaque_setup.make_opaque_setup(tmp_path, has_accounts=False)
    octets = opaque_setup.read_opaque_setup(tmp_path)
    assert opaque_setup.parse_opaque_setup(tmp_path, octets).to_bytes() == octets.reveal()
    assert (tmp_path / opaque_setup.FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_it_is_not_made_where_somebody_has_a_password_by_a_lost_one(tmp_path):
    with pytest.raises(DataDirectoryDamaged, match="missing"):
        opaque_setup.make_opaque_setup(tmp_path, has_accounts=True)
    assert not opaque_setup.opaque_setup_exists(tmp_path)


@pytest.mark.parametrize("octets", [b"", bytes(191), bytes(193)])
def test_a_wrong_length_is_found_when_it_is_read(tmp_path, octets):
    (tmp_path / opaque_setup.FILE_NAME).write_bytes(octets)
    with pytest.raises(DataDirectoryDamaged, match=r"opaque-setup\.bin"):
        opaque_setup.read_opaque_setup(tmp_path)


def test_a_key_that_is_none_is_found_when_it_is_parsed(tmp_path):
    (tmp_path / opaque_setup.FILE_NAME).write_bytes(b"\xff" * opaque_setup.LENGTH)
    octets = opaque_setup.read_opaque_setup(tmp_path)
    with pytest.raises(DataDirectoryDamaged, match=r"opaque-setup\.bin"):
        opaque_setup.parse_opaque_setup(tmp_path, octets)


def test_a_file_that_cannot_be_read(tmp_path):
    (tmp_path / opaque_setup.FILE_NAME).mkdir()
    with pytest.raises(DataDirectoryUnwritable):
        opaque_setup.read_opaque_setup(tmp_path)
