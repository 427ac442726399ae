import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.cells import cell_len

from sottovoce.cli.demo import CONVERSATION, ROOM_NAME, Layout, Participant, _check
from sottovoce.cli.errors import DemoFailed
from sottovoce.client.events import ReceivedMessage


def test_it_plays_and_checks_itself_and_asks_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sottovoce.cli.main", "demo"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "TLSv1.3" in done.stdout
    assert "MLKEM768X25519" in done.stdout
    assert done.stdout.count(" bytes, ... ") == len(CONVERSATION)
    assert "X-ray of Bob's " in done.stdout
    assert "AES-256-GCM with nonce" in " ".join(done.stdout.split())
    assert "Checked: " in done.stdout


def participant(*said: tuple[str, str]) -> Participant:
    seen = [
        ReceivedMessage(
            seq=n, at=datetime.now(UTC), sender=sender, text=text, is_mine=False,
            device_id=b"", message_id=b"", verified=False,
        )
        for n, (sender, text) in enumerate(said)
    ]  # fmt: skip
    return Participant("Alice", None, "canary-password", [], seen=seen)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "server.db").write_bytes(b"ciphertext")
    (tmp_path / "server.log").write_bytes(b"INFO listening")
    return tmp_path


def test_all_is_well_when_all_read_all(folder: Path) -> None:
    _check([participant(*CONVERSATION)], folder)


@pytest.mark.parametrize("said", [CONVERSATION[:-1], CONVERSATION[::-1], (*CONVERSATION, CONVERSATION[0])])
def test_a_line_that_is_missing_moved_or_doubled_fails_it(
    folder: Path, said: tuple[tuple[str, str], ...]
) -> None:
    with pytest.raises(DemoFailed, match="did not read what was said"):
        _check([participant(*said)], folder)


@pytest.mark.parametrize("word", [CONVERSATION[0][1], ROOM_NAME, "canary-password"])
@pytest.mark.parametrize("place", ["server/server.db", "server/server.db-wal", "server.log"])
def test_a_word_that_leaked_fails_it(folder: Path, word: str, place: str) -> None:
    (folder / place).write_bytes(b"..." + word.encode() + b"...")
    with pytest.raises(DemoFailed, match="holds something"):
        _check([participant(*CONVERSATION)], folder)


@pytest.mark.parametrize("columns", [60, 80, 100, 109, 200])
def test_its_rows_fit_the_screen(columns: int) -> None:
    layout = Layout.fitting(columns)
    for name, text in CONVERSATION:
        rows = layout.rows(f"{name}: {text}", bytes(1102))
        assert max(map(len, rows)) <= columns
        assert "1102 bytes, ... 0000" in rows[0]
        assert " ".join(row[: layout.left].strip() for row in rows) == f"{name}: {text}"


def test_what_the_server_stored_begins_in_one_column() -> None:
    layout = Layout.fitting(120)
    starts = {
        cell_len(layout.rows(f"{name}: {text}", bytes(334))[0].partition("  334 bytes")[0])
        for name, text in CONVERSATION
    }
    assert len(starts) == 1
