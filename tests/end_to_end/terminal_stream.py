"""A strict reading of what a program writes to a terminal: plain text, and the sequences between it.

ECMA-48 §5.3 to 5.6 without any tolerance: what a terminal could take for the beginning of a sequence is one.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"(?P<csi>(?:\x1b\[|\x9b)[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e])"
    r"|(?P<string>(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c))"
    r"|(?P<escape>\x1b[\x20-\x2f]*[\x30-\x7e])"
    r"|(?P<control>[\x00-\x1f\x7f-\x9f])"
    r"|(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
)
_NUMBERS = re.compile(r"\d+")
_OWN_NOTIFICATION = re.compile(r"ESC\]9;Sottovoce: .*ESC\\")
_SGR = re.compile(r"\x1b\[[0-9;]*m")

INVISIBLE = set("\u200b\u200e\u200f\u061c\u2060\ufeff\u00ad\u3164") | {
    chr(code) for code in (*range(0x202A, 0x202F), 0x2066, 0x2067, *range(0xE0000, 0xE0080))
}
"""What nobody sees, or what turns the direction of writing; but the two that isolate a name (UAX #9 §2.7)."""


class Stream(NamedTuple):
    """``shapes``: the sequences and controls that were written, each once, as :func:`shape_of` has them;
    ``text``: everything between them, a line break for each sequence that is no change of style.
    """

    shapes: frozenset[str]
    text: str


def shape_of(sequence: str) -> str:
    """Return what a sequence does, without where: ``ESC[#;#H`` for any move of the cursor.

    The numbers of a mode (``?25h``) stay, and so do those of every string (OSC and its like); of a desktop
    notification (OSC 9) that begins with the app's name the words do not matter: nothing can end it early.
    """
    if _SGR.fullmatch(sequence):
        return "ESC[#m"
    shown = sequence.replace("\x1b", "ESC")
    if not sequence.startswith(("\x1b[", "\x9b")):
        return _OWN_NOTIFICATION.sub("ESC]9;Sottovoce: …ESC\\\\", shown)
    return shown if sequence[-1] in "hlpu" else _NUMBERS.sub("#", shown)


def read_stream(octets: bytes) -> Stream:
    """Read all of a capture. Raises ValueError for octets that are no UTF-8."""
    shapes, text = set(), []
    for token in _TOKEN.finditer(octets.decode("utf-8")):
        if token.lastgroup == "text":
            text.append(token[0])
            continue
        shapes.add(shape_of(token[0]))
        if not _SGR.fullmatch(token[0]):
            text.append("\n")
    return Stream(frozenset(shapes), "".join(text))
