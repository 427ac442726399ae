"""The styles of the timeline's pieces in the theme of the moment."""

from __future__ import annotations

from typing import Final

from rich.style import Style
from textual.color import Color
from textual.widget import Widget

from sottovoce.tui.widgets.timeline_block import SENDER_COLOURS, Role

CHOSEN: Final = "timeline--chosen"
MARKER: Final = "timeline--marker"
COMPONENTS: Final = frozenset({*Role, CHOSEN, MARKER})

_CONTRAST: Final = 7.0  # WCAG 2.2, level AAA; what is left on the background of a chosen line is enough too
_SATURATION: Final = 0.55

Palette = dict[str, Style]


def make_palette(widget: Widget) -> Palette:
    """Return the style of every role, sender and component of ``widget``, a timeline."""
    palette = {str(name): widget.get_component_rich_style(name) for name in COMPONENTS}
    background = widget.background_colors[1]
    variables = widget.app.theme_variables
    for number in range(SENDER_COLOURS):
        chosen = variables.get(f"sender-{number + 1}")
        colour = Color.parse(chosen) if chosen else _readable(number / SENDER_COLOURS, background)
        palette[f"sender-{number}"] = Style(
            color=colour.rich_color, bgcolor=palette[Role.BODY].bgcolor, bold=True
        )
    return palette


def _readable(hue: float, background: Color) -> Color:
    """Return a colour of this hue (0 to 1) that can be read on ``background``."""
    is_dark = _luminance(background) < 0.2
    lightnesses = range(45, 96, 3) if is_dark else range(45, 4, -3)
    colours = [Color.from_hsl(hue, _SATURATION, lightness / 100) for lightness in lightnesses]
    return next((colour for colour in colours if _contrast(colour, background) >= _CONTRAST), colours[-1])


def _contrast(one: Color, other: Color) -> float:
    """The contrast ratio of WCAG 2.2: 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    """The relative luminance of WCAG 2.2: 0 to 1."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
