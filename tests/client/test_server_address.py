"""Which server is meant, and how its key is remembered."""

from __future__ import annotations

import errno
import json
import os
import time
from pathlib import Path

import pytest

from sottovoce.client.errors import BadInviteLink, KnownServersDamaged, StoreUnwritable
from sottovoce.client.server_address import DEFAULT_PORT, find_server, remember_server
from sottovoce.crypto.secret import Secret
from sottovoce.link.invite_link import InviteLink

PIN = bytes(range(32))


def test_an_invite_link_brings_its_pin(tmp_path: Path) -> None:
    link = InviteLink("example.org", 7000, "lobby", PIN, None, bytes(16), Secret(bytes(32)))
    address = find_server(str(link), tmp_path)
    assert (address.host, address.port, address.pin) == ("example.org", 7000, PIN)
    assert address.invite == link


@pytest.mark.parametrize("age", [0, 7200])
def test_the_server_of_this_machine_is_found_also_when_its_invite_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: int
) -> None:
    expires_at = int(time.time()) + 3600 - age
    link = InviteLink(
        "::1", 7000, "lobby", PIN, bytes(16), bytes(16), Secret(bytes(32)), expires_at=expires_at
    )
    running = {"host": "::1", "port": 7000, "pin": PIN.hex(), "invite": str(link), "pid": os.getpid()}
    path = tmp_path / "server-7000.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(running))
    monkeypatch.setenv("SOTTOVOCE_RUNTIME_DIR", str(tmp_path))
    address = find_server(None, tmp_path)
    assert (address.host, address.port, address.pin) == ("::1", 7000, PIN)
    assert address.invite == (None if age else link)


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


@pytest.mark.parametrize(
    "content", [b"garbage", b'{"a":"\xff"}', b'{"a:1":"no hex"}', b'{"a:1":"0011"}', b"[]"]
)
def test_a_damaged_list_of_servers_is_not_taken_for_an_empty_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "known_servers").write_bytes(content)
    with pytest.raises(KnownServersDamaged, match="known_servers"):
        find_server("example.org:7000", tmp_path)
    with pytest.raises(KnownServersDamaged):
        remember_server(tmp_path, "example.org", 7000, PIN)
    assert (tmp_path / "known_servers").read_bytes() == content


def test_a_folder_in_its_place_is_damage_too(tmp_path: Path) -> None:
    (tmp_path / "known_servers").mkdir()
    with pytest.raises(KnownServersDamaged):
        find_server("example.org:7000", tmp_path)


def test_a_home_that_cannot_be_used_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(StoreUnwritable, match="Not a directory"):
        find_server("example.org:7000", tmp_path / "file")

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(StoreUnwritable, match="Permission denied"):
        remember_server(tmp_path, "example.org", 7000, PIN)
