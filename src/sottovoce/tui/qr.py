"""QR codes in half blocks: two modules to a character, dark on light in every theme, as phones need it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static

from sottovoce.client.qr_code import qr_code
from sottovoce.tui.safe_text import Safe

QUIET_ZONE: Final = 2
"""Light modules around the code; phones need no more on a screen."""

_BLOCKS: Final = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


@dataclass(frozen=True, slots=True)
class QrPicture:
    """``rows`` of ``width`` characters each, dark modules drawn, light ones left blank."""

    width: int
    rows: tuple[str, ...]


def qr_picture(text: str) -> QrPicture:
    """Return the QR code of ``text``; see :func:`sottovoce.client.qr_code.qr_code`.

    Raises ValueError for a text of more than about 2,900 bytes.
    """
    modules = [[bool(module) for module in row] for row in qr_code(text).matrix_iter(border=QUIET_ZONE)]
    width = len(modules[0])
    if len(modules) % 2:
        modules.append([False] * width)
    rows = tuple(
        "".join(_BLOCKS[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(modules[::2], modules[1::2], strict=True)
    )
    return QrPicture(width, rows)


class QrCode(Static):
    """A QR code where it can be seen whole, else a line that says how large the window must be."""

    DEFAULT_CSS = """
    QrCode {
        width: 100%; height: auto; margin-bottom: 1; color: $text-muted;
        &.-drawn { width: auto; color: #000000; background: #ffffff; }
    }
    """

    def __init__(self, text: str) -> None:
        super().__init__(markup=False)
        self._picture: Final = qr_picture(text)
        self._room: Size | None = None

    @property
    def is_drawn(self) -> bool:
        """Whether the code is on the screen."""
        return self.has_class("-drawn")

    def fit(self, room: Size, around: Size) -> None:
        """Draw the code if ``room``, what it may fill, holds it; ``around``: what else the window needs."""
        picture = self._picture
        fits = picture.width <= room.width and len(picture.rows) <= room.height
        self.set_class(fits, "-drawn")
        if fits:
            self.update(Content("\n".join(picture.rows)))
        else:
            columns, rows = picture.width + around.width, len(picture.rows) + around.height
            self.update(Content(Safe(f"Its QR code needs a window of {columns} columns by {rows} rows.")))
