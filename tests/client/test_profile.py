"""Profiles: one process at a time, a key that only the password opens, nothing for other eyes."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import msgspec
import pytest

from sottovoce.client.errors import BadUserName, ProfileInUse, StoreDamaged, StoreUnwritable, WrongPassword
from sottovoce.client.profile import Profile, default_home, known_accounts, profile_path
from sottovoce.crypto.secret import Secret

PIN = bytes(range(32))
PASSWORD = Secret(b"correct horse")


@pytest.mark.parametrize("name", ["", ".", "..", "../bob", "a/b", "a\0b", "x" * 33, "naïve", "alice\n"])
def test_what_is_no_user_name_leads_to_no_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadUserName, match="1 to 32"):
        profile_path(tmp_path, PIN, name)


def test_the_store_key_opens_with_its_password_alone(tmp_path: Path) -> None:
    profile = Profile.open(profile_path(tmp_path, PIN, "alice"))
    assert not profile.exists
    key = profile.create_store_key(PASSWORD)
    assert profile.exists
    assert len(key) == 32
    assert profile.open_store_key(PASSWORD) == key
    with pytest.raises(WrongPassword):
        profile.open_store_key(Secret(b"wrong horse"))
    profile.close()


def test_a_second_process_is_told_so(tmp_path: Path) -> None:
    path = profile_path(tmp_path, PIN, "alice")
    first = Profile.open(path)
    with pytest.raises(ProfileInUse, match="alice"):
        Profile.open(path)
    first.close()
    first.close()  # closing twice is no harm
    Profile.open(path).close()


def test_only_the_owner_may_look(tmp_path: Path) -> None:
    profile = Profile.open(profile_path(tmp_path / "home", PIN, "alice"))
    profile.create_store_key(PASSWORD)
    for path in (tmp_path / "home" / "profiles").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    profile.close()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        b"\xa1\xff",
        msgspec.msgpack.encode([1, 65536, 1, 4, "\xff", b"", b""]).replace("\xff".encode(), b"\xff\xff"),
        msgspec.msgpack.encode([2, 65536, 1, 4, b"", b"", b""]),
    ],
)
def test_a_damaged_key_file_is_told_from_a_wrong_password(tmp_path: Path, content: bytes) -> None:
    profile = Profile.open(profile_path(tmp_path, PIN, "alice"))
    (profile.path / "key").write_bytes(content)
    with pytest.raises(StoreDamaged):
        profile.open_store_key(PASSWORD)
    profile.close()


@pytest.mark.parametrize("memory_kib", [1, 16 * 1024 * 1024])
def test_stretching_out_of_bounds_is_refused_before_memory_is_taken(tmp_path: Path, memory_kib: int) -> None:
    """Threats C5, for a file somebody else has written."""
    profile = Profile.open(profile_path(tmp_path, PIN, "alice"))
    sealed = [1, memory_kib, 1, 1, bytes(16), bytes(12), bytes(48)]
    (profile.path / "key").write_bytes(msgspec.msgpack.encode(sealed))
    with pytest.raises(StoreDamaged):
        profile.open_store_key(PASSWORD)
    profile.close()


def test_accounts_are_known_by_their_profiles(tmp_path: Path) -> None:
    assert known_accounts(tmp_path, PIN) == []
    for name in ("bob", "alice", "never-finished"):
        profile = Profile.open(profile_path(tmp_path, PIN, name))
        if name != "never-finished":
            profile.create_store_key(PASSWORD)
        profile.close()
    assert known_accounts(tmp_path, PIN) == ["alice", "bob"]
    assert known_accounts(tmp_path, bytes(32)) == []


def test_a_discarded_profile_leaves_no_account(tmp_path: Path) -> None:
    profile = Profile.open(profile_path(tmp_path, PIN, "alice"))
    profile.create_store_key(PASSWORD)
    profile.discard()
    assert known_accounts(tmp_path, PIN) == []


def test_a_home_that_is_a_file_cannot_be_written(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("a file")
    with pytest.raises(StoreUnwritable, match=r"home/profiles/.*\(Not a directory\)"):
        Profile.open(profile_path(home, PIN, "alice"))
    with pytest.raises(StoreUnwritable):
        known_accounts(home, PIN)


def test_a_folder_where_a_file_belongs_is_damage(tmp_path: Path) -> None:
    path = profile_path(tmp_path, PIN, "alice")
    (path / "lock").mkdir(parents=True)
    with pytest.raises(StoreDamaged):
        Profile.open(path)
    (path / "lock").rmdir()
    (path / "key").mkdir()
    profile = Profile.open(path)
    assert profile.exists
    assert known_accounts(tmp_path, PIN) == ["alice"]
    with pytest.raises(StoreDamaged):
        profile.open_store_key(PASSWORD)
    with pytest.raises(StoreDamaged):
        profile.create_store_key(PASSWORD)
    profile.close()


@pytest.mark.parametrize("refusal", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_what_the_disk_refuses_is_told_as_unwritable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: int
) -> None:
    profile = Profile.open(profile_path(tmp_path, PIN, "alice"))

    def refuse(*_: object, **__: object) -> int:
        raise OSError(refusal, os.strerror(refusal))

    with monkeypatch.context() as disk:
        disk.setattr(os, "open", refuse)
        with pytest.raises(StoreUnwritable, match=os.strerror(refusal)):
            profile.create_store_key(PASSWORD)
        with pytest.raises(StoreUnwritable, match=os.strerror(refusal)):
            Profile.open(profile_path(tmp_path, PIN, "bob"))
    profile.create_store_key(PASSWORD)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(StoreUnwritable, match=os.strerror(refusal)):
        profile.open_store_key(PASSWORD)
    profile.close()


@pytest.mark.parametrize("refused_step", ["flock", "pwrite"])
def test_a_lock_that_cannot_be_taken_is_not_one_that_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused_step: str
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(fcntl if refused_step == "flock" else os, refused_step, refuse)
    with pytest.raises(StoreUnwritable):
        Profile.open(profile_path(tmp_path, PIN, "alice"))
    monkeypatch.undo()
    Profile.open(profile_path(tmp_path, PIN, "alice")).close()


def test_the_home_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SOTTOVOCE_HOME", str(tmp_path))
    assert default_home() == tmp_path
    monkeypatch.delenv("SOTTOVOCE_HOME")
    assert default_home().name == "sottovoce"
