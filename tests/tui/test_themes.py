"""What can be read in the app's own themes."""

from __future__ import annotations

import pytest
from textual.color import Color

from sottovoce.tui.themes import HIGH_CONTRAST

_TEXTS = (
    "foreground",
    "foreground-muted",
    "text-muted",
    "text-error",
    "text-warning",
    "text-success",
    "text-accent",
)


def luminance(color: Color) -> float:
    """The relative luminance of WCAG 2.2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color.normalized]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("text", _TEXTS)
@pytest.mark.parametrize("ground", ["background", "surface", "panel", "block-cursor-background"])
def test_every_text_of_high_contrast_has_seven_to_one(text: str, ground: str) -> None:
    """Success criterion 1.4.6 of WCAG 2.2, on the row that is highlighted too."""
    colors = HIGH_CONTRAST.to_color_system().generate() | HIGH_CONTRAST.variables
    below, above = Color.parse(colors[ground]), Color.parse(colors[text])
    darker, lighter = sorted((luminance(below), luminance(below.blend(above, above.a))))
    assert (lighter + 0.05) / (darker + 0.05) >= 7
