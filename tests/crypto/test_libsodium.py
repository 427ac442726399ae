"""libsodium comes out of a temporary file: none stays behind, and where none can be loaded one is told so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def run(code: str, temporary: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TMPDIR": str(temporary)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=False, env=environment, capture_output=True, text=True)


def test_loading_libsodium_leaves_no_file_behind(tmp_path: Path) -> None:
    done = run("import sottovoce.crypto.ristretto as r; print(len(r.hash_to_group(b'm', b'dst')))", tmp_path)
    assert done.stdout == "32\n"
    assert list(tmp_path.iterdir()) == []


def test_where_it_cannot_be_loaded_the_server_says_what_to_do(tmp_path: Path) -> None:
    code = f"""
import ctypes

def refuse(path):  # what a folder mounted with noexec does
    raise OSError(f"{{path}}: failed to map segment from shared object")

ctypes.cdll.LoadLibrary = refuse
from sottovoce.cli.main import main
raise SystemExit(main(["serve", "--data", {str(tmp_path / "data")!r}, "--port", "0"]))
"""
    done = run(code, tmp_path)
    assert done.returncode == 40
    assert "set TMPDIR to a folder that may hold programs" in done.stderr
    assert "Traceback" not in done.stderr
