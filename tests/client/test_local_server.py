"""Finding the server on this machine by the file it leaves."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sottovoce.client.errors import NoLocalServer
from sottovoce.client.local_server import find_local_server, runtime_directory


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOTTOVOCE_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def _write(folder: Path, port: int, pid: int, *, mode: int = 0o600, age: float = 0.0) -> Path:
    path = folder / f"server-{port}.json"
    path.write_text(
        json.dumps(
            {"host": "127.0.0.1", "port": port, "pin": "00" * 32, "invite": "sottovoce://", "pid": pid}
        )
    )
    path.chmod(mode)
    status = path.stat()
    os.utime(path, (status.st_atime, status.st_mtime - age))
    return path


def test_the_newest_running_server_is_found(folder: Path) -> None:
    _write(folder, 1, os.getpid(), age=10)
    _write(folder, 2, os.getpid())
    _write(folder, 3, 2**22 + 1)  # no such process
    assert find_local_server().port == 2


@pytest.mark.parametrize("content", [b"garbage", b'{"host":"\xff"}', None])
def test_files_of_others_and_garbage_are_passed_over(folder: Path, content: bytes | None) -> None:
    _write(folder, 1, os.getpid(), mode=0o644)
    path = _write(folder, 2, os.getpid())
    path.write_bytes(path.read_bytes().replace(b"00" * 32, b"no hex") if content is None else content)
    with pytest.raises(NoLocalServer):
        find_local_server()


def test_a_folder_that_this_user_may_not_look_into_holds_no_server(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    _write(folder, 1, os.getpid())

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "glob", refuse)
    with pytest.raises(NoLocalServer):
        find_local_server()


def test_without_a_folder_there_is_no_server(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("SOTTOVOCE_RUNTIME_DIR", str(folder / "none"))
    with pytest.raises(NoLocalServer):
        find_local_server()


def test_the_folder_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOTTOVOCE_RUNTIME_DIR")
    assert "sottovoce" in runtime_directory().parts
