"""E1, E2, E4 in the app: what others write, and are called, on a terminal, byte by byte.

The control has the gate taken away, in processes of the test's and nowhere else.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hostile_payloads import hostile_payloads
from pseudo_terminal import PseudoTerminal
from sdk_world import a_world
from terminal_stream import INVISIBLE, Stream, read_stream

TUI = Path(__file__).parents[1] / "tui"
PATIENCE = 240.0  # seconds
NOTIFIED = "ESC]9;Sottovoce: …ESC\\"
OWN = {
    "\r", "\n", "ESC[#;#H", "ESC[#m", "ESC[>25u", "ESC[<u", "ESC[?2026$p", "ESC[?2048$p",
    "ESC]22;default\x07",
    *(f"ESC[?{mode}{final}" for mode in (7, 25, 1000, 1003, 1004, 1006, 1015, 1049, 2004) for final in "hl"),
}  # fmt: skip
"""What the app writes: the cursor, styles, modes that it sets and takes back, two questions, the pointer."""


def foreign(seen: Stream) -> set[str]:
    """The sequences and controls that are not the app's."""
    return set(seen.shapes - OWN)


async def everything_shown(texts: str, gate: str, home: Path) -> tuple[Stream, int]:
    """Every screen and widget with these texts, and the exit code."""
    terminal = PseudoTerminal([TUI / "hostile_app.py", texts, gate, home], {}, size=(100, 40))
    try:
        code = await terminal.ends(PATIENCE)
    finally:
        terminal.close()
    return read_stream(terminal.octets), code


@pytest.mark.parametrize("texts", ["harmless", "hostile"])
async def test_every_screen_writes_the_apps_own_sequences_only(tmp_path: Path, texts: str) -> None:
    assert len(hostile_payloads()) >= 200
    seen, code = await everything_shown(texts, "sanitize", tmp_path)
    assert code == 0
    assert foreign(seen) == {NOTIFIED}
    assert not set(seen.text) & INVISIBLE
    assert seen.text.count("shown") > 1000
    for words in (
        "Welcome to",
        "Your account on",
        "X-ray of a message",
        "Open this link?",
        "The numbers differ",
    ):
        assert words in seen.text


async def test_without_the_gate_every_kind_of_sequence_comes_through(tmp_path: Path) -> None:
    seen, _ = await everything_shown("hostile", "identity", tmp_path)
    kinds = ("ESC[#J", "ESC]0;", "ESC]52;", "ESC]8;", "ESC]1337;", "ESCP", "ESC_", "ESC^", "ESCX", "ESC]9;4")
    found = foreign(seen)
    assert [kind for kind in kinds if not any(one.startswith(kind) for one in found)] == []
    assert set(seen.text) & INVISIBLE


@pytest.mark.parametrize("gate", ["sanitize", "identity"])
async def test_a_real_conversation(tmp_path: Path, gate: str) -> None:
    """A peer's messages and room names, through a real server, into the app as people start it."""
    texts = [text for text in hostile_payloads() if text == text.encode(errors="replace").decode()]
    assert len(texts) >= 200
    async with asyncio.timeout(PATIENCE), a_world(tmp_path) as world, world.person("mallory") as mallory:
        rooms = [
            await mallory.create_room(f"room {number} {text[:40]}") for number, text in enumerate(texts[::40])
        ]
        command = [TUI / "ungated_chat.py"] if gate == "identity" else ["-m", "sottovoce.cli.main"]
        terminal = PseudoTerminal(
            [
                *command,
                "chat",
                str(await mallory.invite(rooms[0])),
                "--user",
                "alice",
                "--home",
                tmp_path / "alice",
            ],
            {
                "SOTTOVOCE_PASSWORD": "password of alice",
                "SOTTOVOCE_RUNTIME_DIR": str(tmp_path / "runtime"),
            },
        )
        try:
            await terminal.shows("online")
            for text in texts:
                await rooms[0].send(text)
            await rooms[0].send("that was all")
            await terminal.shows("that was all")
            if gate == "sanitize":  # without, the terminal is not readable any more
                for room in rooms[1:]:
                    await room.add("alice")
                    await room.send(f"{texts[0]} here too")
                await terminal.shows(f"room {len(rooms) - 1}")
            terminal.types("\x11")  # Ctrl+Q
            code = await terminal.ends()
        finally:
            terminal.close()
    seen = read_stream(terminal.octets)
    if gate == "identity":
        assert foreign(seen)
    else:
        assert code == 0
        assert foreign(seen) == set()
        assert not set(seen.text) & INVISIBLE
