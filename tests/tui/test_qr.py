"""QR codes in half blocks are the modules that segno made, each of them once."""

from __future__ import annotations

import pytest

from sottovoce.client.qr_code import qr_code
from sottovoce.tui.qr import QUIET_ZONE, qr_picture

_PAIRS = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}


@pytest.mark.parametrize("text", ["1" * 60, "sottovoce://127.0.0.1:7443/lobby#" + "Ab3-" * 50])
def test_the_picture_holds_the_code(text: str) -> None:
    picture = qr_picture(text)
    seen = []
    for row in picture.rows:
        assert len(row) == picture.width
        seen.extend(zip(*(_PAIRS[cell] for cell in row), strict=True))
    wanted = [tuple(row) for row in qr_code(text).matrix_iter(border=QUIET_ZONE)]
    assert seen[: len(wanted)] == wanted
    assert not any(any(row) for row in seen[len(wanted) :])


def test_there_is_light_all_around() -> None:
    rows = qr_picture("x").rows
    assert not rows[0].strip()
    assert all(row.startswith("  ") and row.endswith("  ") for row in rows)
