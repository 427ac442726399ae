"""E1, E2, E3 in a real chat: what members write and are called, on a terminal, byte by byte."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from hostile_texts import hostile_texts
from sdk_world import World, a_world, until

NAME = "\x1b]0;owned\x07\x1b[31mplan\u202e\x9b2J"
INVISIBLE = set("\u200b\u200e\u200f\u061c\u2060\ufeff") | {
    chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
}


class Terminal:
    """A chat on a pseudo-terminal of its own, every byte of it kept."""

    def __init__(self, world: World, user: str, link: str, *arguments: str) -> None:
        self._controller, terminal = pty.openpty()
        environment = {
            **os.environ,
            "SOTTOVOCE_PASSWORD": f"password of {user}",
            "SOTTOVOCE_RUNTIME_DIR": str(world.folder / "runtime"),
            "TERM": "xterm-256color",
        }
        command = [sys.executable, "-m", "sottovoce.cli.main", "chat", "--plain", link, "--user", user]
        self.process = subprocess.Popen(
            [*command, "--home", str(world.folder / user), *arguments],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=environment,
        )
        os.close(terminal)
        self.octets = b""
        os.set_blocking(self._controller, False)
        asyncio.get_running_loop().add_reader(self._controller, self._read)

    def _read(self) -> None:
        try:
            self.octets += os.read(self._controller, 65536)
        except OSError:  # EIO: the chat has closed its end
            asyncio.get_running_loop().remove_reader(self._controller)

    async def shows(self, word: str) -> None:
        await until(lambda: word.encode() in self.octets, f"{word!r} on the terminal")

    async def quit(self) -> str:
        os.write(self._controller, b"quit\r")
        await until(lambda: self.process.poll() is not None, "the chat ends")
        await asyncio.sleep(0)
        asyncio.get_running_loop().remove_reader(self._controller)
        os.close(self._controller)
        assert self.process.returncode == 0, self.octets
        return self.octets.decode("utf-8")


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
        harmless = Terminal(world, "bob", str(await mallory.invite(quiet)))
        await harmless.shows("you are in")
        await quiet.send("nothing but words")
        await harmless.shows("nothing but words")
        own = controls_in(await harmless.quit())

        room = await mallory.create_room(NAME)
        terminal = Terminal(world, "alice", str(await mallory.invite(room)))
        await terminal.shows("you are in")
        for text in writable:
            await room.send(text)
        await room.send("that was all")
        await terminal.shows("that was all")
        text = await terminal.quit()
    assert text.count("shown") >= len(writable)
    assert "plan" in text
    assert controls_in(text) <= own
    assert not set(text) & INVISIBLE
    assert text.count("\u0301") < 20, "of the five hundred on one letter"


async def test_a_look_alike_is_pointed_out(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("bob") as bob:
        room = await bob.join("lobby")
        terminal = Terminal(world, "alice", world.invite)
        await terminal.shows("you are in")
        async with world.person("b0b") as look_alike:
            await look_alike.join("lobby")
            await terminal.shows("careful: b0b and bob are two people with similar names")
        assert room.is_member
        await terminal.quit()
