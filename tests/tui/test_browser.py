"""The browser of the desktop, played by a program that talks too much."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from sdk_world import until

from sottovoce.tui.browser import open_in_browser

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other desktops have other openers")


def desktop(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A desktop whose opener notes the address in the returned file, after writing to its outputs."""
    seen, opener = folder / "seen", folder / "xdg-open"
    opener.write_text(
        "#!/bin/sh\n"
        "printf '\\033]0;title of a page\\007'; printf '\\033[2J' >&2\n"
        f"/bin/cat > '{seen}.part'\nprintf %s \"$1\" >> '{seen}.part'\n/bin/mv '{seen}.part' '{seen}'\n"
    )
    opener.chmod(0o700)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("DISPLAY", ":0")
    return seen


async def test_what_a_browser_writes_does_not_reach_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    seen = desktop(tmp_path, monkeypatch)
    monkeypatch.setenv("BROWSER", "/bin/echo %s")
    assert open_in_browser("https://example.org/?a=$(b)&c")
    await until(seen.exists, "the browser ran")
    assert seen.read_text() == "https://example.org/?a=$(b)&c"
    assert capfd.readouterr() == ("", "")


def test_without_a_desktop_nothing_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desktop(tmp_path, monkeypatch)
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not open_in_browser("https://example.org")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("PATH", "")
    assert not open_in_browser("https://example.org")
