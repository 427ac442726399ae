from pathlib import Path

import pytest

from sottovoce.tui.settings import FILE, Settings, load_settings, save_settings


def test_what_was_chosen_is_there_the_next_time_and_for_its_owner_alone(tmp_path: Path) -> None:
    chosen = Settings(theme="light", clock=12, quiet=True)
    save_settings(tmp_path / "home", chosen)
    assert load_settings(tmp_path / "home") == chosen
    assert (tmp_path / "home" / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "home").iterdir()] == [FILE]


@pytest.mark.parametrize("content", [b"", b"{", b'{"clock": "noon"}', b"\xff"])
def test_a_file_that_nobody_can_read_means_the_defaults(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert load_settings(tmp_path) == Settings()


def test_fields_of_a_later_version_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b'{"theme": "light", "holograms": true}')
    assert load_settings(tmp_path).theme == "light"
