"""The demo's x-ray: its rows fit, its numbers are the life's, and what is wrong fails the demo."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sottovoce.cli.demo_xray import check, rows
from sottovoce.cli.errors import DemoFailed
from sottovoce.client.message_life import MessageLife, StoredEntry

sys.path.insert(0, str(Path(__file__).parents[1] / "tui"))

from lives import a_forged_life, a_life


def parts(life: MessageLife) -> StoredEntry:
    assert life.stored is not None
    return life.stored


@pytest.mark.parametrize("columns", [60, 80, 109])
def test_its_rows_fit_the_screen_and_say_how_large_each_layer_is(columns: int) -> None:
    life = a_life()
    shown = rows(life, parts(life), columns)
    assert max(map(len, shown)) <= columns
    sizes = dict(re.findall(r"^  (\w+) +(\d+) bytes", "\n".join(shown), re.MULTILINE))
    assert sizes == {
        "text": "28",
        "content": str(len(life.content.data)),
        "order": str(len(life.envelope.data)),
        "padding": "256",
        "encryption": str(len(life.private_message.data)),
        "frame": str(len(parts(life).frame.data)),
        "TLS": str(len(parts(life).frame.data) + 22),
        "server": str(len(parts(life).payload)),
    }
    whole = " ".join(" ".join(shown).split())
    assert f"generation 6; AES-256-GCM with nonce {life.protection.nonce.hex(' ', 2)}" in whole
    assert life.message.text.encode()[:12].hex(" ", 2) in whole


def test_a_life_that_agrees_with_the_disk_passes() -> None:
    life = a_life()
    assert check(life, parts(life).payload) is life.stored


def readable() -> tuple[MessageLife, bytes]:
    """A server that stores the text itself."""
    life = a_life()
    payload = b"..." + life.message.text.encode()
    frame = replace(parts(life).frame, data=payload)
    return replace(life, stored=replace(parts(life), payload=payload, frame=frame)), payload


@pytest.mark.parametrize(
    ("life", "payload", "why"),
    [
        (a_life(is_online=False), b"", "nothing of the server: The server is not connected"),
        (a_forged_life(), parts(a_forged_life()).payload, "other bytes"),
        (a_life(), b"what the disk has", "other bytes"),
        (*readable(), "not where it belongs"),
    ],
    ids=["offline", "forged", "another disk", "readable"],
)
def test_what_is_wrong_fails_the_demo(life: MessageLife, payload: bytes, why: str) -> None:
    with pytest.raises(DemoFailed, match=why):
        check(life, payload)
