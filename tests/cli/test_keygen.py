import re
import stat
from pathlib import Path

import pytest

from sottovoce.cli.exit_codes import ExitCode
from sottovoce.cli.main import main
from sottovoce.cli.room_key import read_room_key


def test_a_fresh_key_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keygen"]) == main(["keygen"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first != second
    assert re.fullmatch("SVK1[A-Z2-7]{58}", first)


def test_a_file_is_its_owners_and_never_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "room.key"
    assert main(["keygen", "--out", str(path)]) == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = read_room_key(path)
    assert main(["keygen", "--out", str(path)]) == ExitCode.DATA_UNWRITABLE
    assert read_room_key(path) == key
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "another name" in shown.err
