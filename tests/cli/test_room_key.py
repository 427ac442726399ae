import os
from pathlib import Path

import pytest

from sottovoce.cli.errors import BadRoomKey
from sottovoce.cli.room_key import read_room_key, room_key_text


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "key"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_key_reads_back_however_it_was_copied(tmp_path: Path) -> None:
    key = os.urandom(32)
    text = room_key_text(key)
    assert text.startswith("SVK1")
    for copy in (text, text + "\n", text.lower(), f" {text[:30]}\r\n{text[30:]} "):
        assert read_room_key(write(tmp_path, copy)) == key


def test_every_slip_and_every_cut_is_noticed(tmp_path: Path) -> None:
    text = room_key_text(bytes(range(32)))
    for at in range(len(text) - 1):  # the last letter holds two bits that stand for nothing
        slip = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
        with pytest.raises(BadRoomKey):
            read_room_key(write(tmp_path, slip))
    for length in range(len(text)):
        with pytest.raises(BadRoomKey):
            read_room_key(write(tmp_path, text[:length]))


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"SVK1" + b"!" * 58, b"SVK2" + b"A" * 58, b"x" * 100_000]
)
def test_what_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadRoomKey, match="keygen"):
        read_room_key(write(tmp_path, content))


def test_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadRoomKey, match="No such file"):
        read_room_key(tmp_path / "nowhere")
