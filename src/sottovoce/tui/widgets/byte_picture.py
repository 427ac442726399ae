"""Bytes on the screen, their stretches coloured and named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from sottovoce.tui.hex_dump import Row, dump, is_structure
from sottovoce.tui.life import Picture

_STYLES: Final = (
    "$text-primary",
    "$text-success bold",
    "$text-warning",
    "$text-accent bold",
    "$text-secondary",
    "$text-error bold",
)
"""In turn; every other one is bold, so that neighbours differ without colours too."""

_MUTED: Final = "$foreground-muted"
_BETWEEN: Final = " · "


class BytePicture(Widget):
    """A title, the names of the stretches in their order and colours, and the dump below."""

    DEFAULT_CSS = "BytePicture { height: auto; width: 1fr; margin-bottom: 1; }"

    def __init__(self, picture: Picture) -> None:
        super().__init__()
        self._picture: Final = picture
        self._styles: Final = _styles(picture)
        self._drawn: tuple[int, list[Row]] = (0, [])

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's
        """As many rows as it takes at this width."""
        return len(self._content(width).wrap(max(width, 1)))

    def render(self) -> Content:
        """The whole picture."""
        return self._content(self.content_size.width)

    def _content(self, width: int) -> Content:
        picture = self._picture
        if self._drawn[0] != width:
            self._drawn = width, dump(picture, width)
        lines = [Content.assemble((picture.title, "bold"), (f"  {len(picture.data):,} bytes", _MUTED))]
        lines += self._legend(width)
        lines += [
            Content.assemble(*((piece.text, self._style(piece.stretch)) for piece in row))
            for row in self._drawn[1]
        ]
        return Content("\n").join(lines)

    def _legend(self, width: int) -> Iterator[Content]:
        """Each stretch with its length, as many to a line as fit."""
        line = Content()
        for stretch, style in zip(self._picture.stretches, self._styles, strict=True):
            name = Content.styled(f"{stretch.name} {stretch.end - stretch.start}", style)
            if line.cell_length and line.cell_length + len(_BETWEEN) + name.cell_length > width:
                yield line
                line = Content()
            line = Content.assemble(line, (_BETWEEN, _MUTED), name) if line.cell_length else name
        yield line

    def _style(self, stretch: int | None) -> str:
        return _MUTED if stretch is None else self._styles[stretch]


def _styles(picture: Picture) -> list[str]:
    """What says how long the next stretch is stays in the background."""
    styles, used = [], 0
    for stretch in picture.stretches:
        if is_structure(stretch):
            styles.append(_MUTED)
        else:
            styles.append(_STYLES[used % len(_STYLES)])
            used += 1
    return styles
