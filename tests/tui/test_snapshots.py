"""The snapshots themselves: what is the same passes, what differs is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
import snapshots
from textual.app import App, ComposeResult
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import Input, Static


class _Sample(App[None]):
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        yield Static(Content(self._text))
        yield Input()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(snapshots, "FOLDER", tmp_path)
    return tmp_path


async def _renew(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SOTTOVOCE_RENEW", "1")
    await snapshots.check_screen("sample", lambda: _Sample(text))
    monkeypatch.delenv("SOTTOVOCE_RENEW")


async def test_the_same_screen_passes_and_another_is_shown(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    await _renew(monkeypatch, "one")
    await snapshots.check_screen("sample", lambda: _Sample("one"))
    with pytest.raises(AssertionError, match=r"(?s)-\|one .*\+\|two "):
        await snapshots.check_screen("sample", lambda: _Sample("two"))
    stored = (folder / "sample.txt").read_text()
    assert [f"=== {size} all themes: text" in stored for size in ("40x12", "80x24", "160x48")] == [True] * 3
    assert "=== 40x12 light: styles" in stored


async def test_what_the_steps_do_is_in_the_picture(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    async def steps(pilot: Pilot[object]) -> None:
        await pilot.press("t", "y", "p", "e", "d")

    await _renew(monkeypatch, "one")
    with pytest.raises(AssertionError, match="typed"):
        await snapshots.check_screen("sample", lambda: _Sample("one"), steps)


async def test_a_style_alone_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(pilot: Pilot[object]) -> None:
        pilot.app.query_one(Static).styles.text_style = "bold"

    await _renew(monkeypatch, "one")
    with pytest.raises(AssertionError, match="bold"):
        await snapshots.check_screen("sample", lambda: _Sample("one"), steps)


async def test_a_control_character_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOTTOVOCE_RENEW", "1")
    with pytest.raises(AssertionError, match="control character"):
        await snapshots.check_screen("sample", lambda: _Sample("a\x9bb"))


async def test_a_missing_file_fails() -> None:
    with pytest.raises(FileNotFoundError):
        await snapshots.check_screen("sample", lambda: _Sample("one"))
