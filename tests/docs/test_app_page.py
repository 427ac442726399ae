"""The app's page tells of every key and command, in the app's own words.

``python tests/docs/test_app_page.py`` prints that part of it anew.
"""

from __future__ import annotations

from pathlib import Path

from sottovoce.tui.commands import help_sections
from sottovoce.tui.settings import FILE, Settings
from sottovoce.tui.settings_rows import rows
from sottovoce.tui.themes import THEMES

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "app.md").read_text(encoding="utf-8")


def keys_in_markdown() -> str:
    lines: list[str] = []
    for section in help_sections():
        lines += [f"**{section.title}**", "", "| | |", "|---|---|"]
        for entry in section.entries:
            keys = "` `".join(entry.keys.split("  "))
            lines.append(f"| `{keys}` | {entry.what} |")
        lines.append("")
    return "\n".join(lines)


def test_the_keys_are_those_of_the_app() -> None:
    assert keys_in_markdown() in PAGE


def test_every_setting_and_theme_is_there() -> None:
    settings = rows(Settings(), [theme.name for theme in THEMES])
    assert [row.label for row in settings if row.label.lower() not in PAGE.lower()] == []
    assert [theme.name for theme in THEMES if theme.name not in PAGE] == []
    assert f"`{FILE}`" in PAGE


def test_the_pictures_fetch_nothing() -> None:
    drawn = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "pictures").glob("*.svg")}
    assert {"chat.svg", "talk.svg", "xray.svg", "alarm.svg", "safety-number.svg"} <= set(drawn)
    for name, text in drawn.items():
        for fetching in ("href", "url(", "@import", "@font-face", "<script", "<image"):
            assert fetching not in text, (name, fetching)
        assert len(text) < 120_000, name


if __name__ == "__main__":
    print(keys_in_markdown())
