"""E1, E2, E3 in a real chat: what members write and are called, on a terminal, byte by byte."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hostile_texts import hostile_texts
from pseudo_terminal import PseudoTerminal
from sdk_world import World, a_world

NAME = "\x1b]0;owned\x07\x1b[31mplan\u202e\x9b2J"
INVISIBLE = set("\u200b\u200e\u200f\u061c\u2060\ufeff") | {
    chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
}


@asynccontextmanager
async def chatting(world: World, user: str, link: str) -> AsyncIterator[PseudoTerminal]:
    """A chat in plain lines on a pseudo-terminal; it has ended, and all it wrote is kept, afterwards."""
    command = ["-m", "sottovoce.cli.main", "chat", "--plain", link, "--user", user]
    environment = {
        "SOTTOVOCE_PASSWORD": f"password of {user}",
        "SOTTOVOCE_RUNTIME_DIR": str(world.folder / "runtime"),
    }
    terminal = PseudoTerminal([*command, "--home", world.folder / user], environment)
    try:
        await terminal.shows("you are in")
        yield terminal
        terminal.types("quit\r")
        assert await terminal.ends() == 0, terminal.octets
    finally:
        terminal.close()


def controls_in(text: str) -> set[str]:
    """Controls that are not of a new line; and CSI sequences as a whole."""
    sequences = set(re.findall(r"\x1b\[[0-9;?]*[A-Za-z]", text))
    rest = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    return sequences | {one for one in rest if (ord(one) < 32 or 127 <= ord(one) < 160) and one not in "\r\n"}


async def test_a_terminal_gets_no_control_of_a_member(tmp_path: Path) -> None:
    writable = [text for text in hostile_texts() if not any(0xD800 <= ord(one) < 0xE000 for one in text)]
    assert len(writable) >= 200
    async with a_world(tmp_path) as world, world.person("mallory") as mallory:
        quiet = await mallory.create_room("the plan")
        async with chatting(world, "bob", str(await mallory.invite(quiet))) as harmless:
            await quiet.send("nothing but words")
            await harmless.shows("nothing but words")
        own = controls_in(harmless.octets.decode())

        room = await mallory.create_room(NAME)
        async with chatting(world, "alice", str(await mallory.invite(room))) as terminal:
            for text in writable:
                await room.send(text)
            await room.send("that was all")
            await terminal.shows("that was all")
    text = terminal.octets.decode()
    assert text.count("shown") >= len(writable)
    assert "plan" in text
    assert controls_in(text) <= own
    assert not set(text) & INVISIBLE
    assert text.count("\u0301") < 20, "of the five hundred on one letter"


async def test_a_look_alike_is_pointed_out(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("bob") as bob:
        room = await bob.join("lobby")
        async with chatting(world, "alice", world.invite) as terminal, world.person("b0b") as look_alike:
            await look_alike.join("lobby")
            await terminal.shows("careful: b0b and bob are two people with similar names")
        assert room.is_member
