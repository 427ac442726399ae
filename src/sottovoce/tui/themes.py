"""The app's own themes; every other one of Textual's can be chosen too."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from textual.theme import Theme

DARK: Final = Theme(
    name="dark",
    primary="#7aa2f7",
    secondary="#9d7cd8",
    accent="#7dcfff",
    foreground="#c8d0e8",
    background="#14161f",
    surface="#1a1d29",
    panel="#232736",
    success="#9ece6a",
    warning="#e0af68",
    error="#f7768e",
    dark=True,
    variables={"footer-key-foreground": "#7dcfff"},
)

LIGHT: Final = Theme(
    name="light",
    primary="#2451b3",
    secondary="#6b3fa0",
    accent="#00698c",
    foreground="#1d2433",
    background="#fbfbf8",
    surface="#f1f1ec",
    panel="#e4e4dd",
    success="#2f6b1e",
    warning="#8a5a00",
    error="#b3202f",
    dark=False,
    variables={"footer-key-foreground": "#00698c"},
)

HIGH_CONTRAST: Final = Theme(
    name="high contrast",
    primary="#ffff00",
    secondary="#00ffff",
    accent="#00ffff",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#000000",
    success="#00ff00",
    warning="#ffff00",
    error="#ff6060",
    dark=True,
    text_alpha=1.0,
    variables={
        "footer-key-foreground": "#ffff00",
        "border": "#ffffff",
        # Dark enough for every colour that a row may have in it.
        "block-cursor-background": "#00307a",
        "block-cursor-foreground": "#ffffff",
        "foreground-muted": "#ffffff",
        "text-error": "#ffb4b4",
        "text-muted": "#ffffff",
        "text-disabled": "#d0d0d0",
    },
)

NO_COLOUR: Final = replace(HIGH_CONTRAST, name="no colour")
"""The app leaves its colours out: bold, reverse and words say everything."""

THEMES: Final = (DARK, LIGHT, HIGH_CONTRAST, NO_COLOUR)
