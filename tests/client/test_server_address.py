"""Which server is meant, and how its key is remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from sottovoce.client.errors import BadInviteLink, StoreDamaged
from sottovoce.client.server_address import DEFAULT_PORT, find_server, remember_server
from sottovoce.crypto.secret import Secret
from sottovoce.link.invite_link import InviteLink

PIN = bytes(range(32))


def test_an_invite_link_brings_its_pin(tmp_path: Path) -> None:
    link = InviteLink("example.org", 7000, "lobby", PIN, None, bytes(16), Secret(bytes(32)))
    address = find_server(str(link), tmp_path)
    assert (address.host, address.port, address.pin) == ("example.org", 7000, PIN)
    assert address.invite == link


def test_an_address_is_trusted_on_first_use(tmp_path: Path) -> None:
    assert find_server("example.org", tmp_path).port == DEFAULT_PORT
    assert find_server("example.org:7000", tmp_path).pin is None
    remember_server(tmp_path / "home", "example.org", 7000, PIN)
    remember_server(tmp_path / "home", "example.org", 7000, PIN)
    assert find_server("example.org:7000", tmp_path / "home").pin == PIN
    assert find_server("example.org:7001", tmp_path / "home").pin is None
    assert (tmp_path / "home" / "known_servers").stat().st_mode & 0o777 == 0o600


def test_what_is_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInviteLink):
        find_server("not an address", tmp_path)


def test_a_damaged_list_of_servers_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "known_servers").write_text("garbage")
    with pytest.raises(StoreDamaged):
        find_server("example.org:7000", tmp_path)
