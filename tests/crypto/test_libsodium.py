"""libsodium comes out of a temporary file: none stays behind, and where none can be loaded one is told so."""

from __future__ import annotations

import ctypes
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from sottovoce.crypto import libsodium
from sottovoce.crypto.errors import LibsodiumUnavailable


def test_loading_libsodium_leaves_no_file_behind(tmp_path: Path) -> None:
    code = "import sottovoce.crypto.ristretto as r; print(len(r.hash_to_group(b'm', b'dst')))"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, env=environment, capture_output=True, text=True
    )
    assert done.stdout == "32\n"
    assert list(tmp_path.iterdir()) == []


def test_where_it_cannot_be_loaded_one_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> None:
        raise OSError(f"{path}: failed to map segment from shared object")  # what noexec leads to

    monkeypatch.setattr(ctypes.cdll, "LoadLibrary", refuse)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in ("rbcl", "rbcl.rbcl", "rbcl._sodium"):
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(LibsodiumUnavailable, match="set TMPDIR to a folder that may hold programs"):
        runpy.run_path(libsodium.__file__)
