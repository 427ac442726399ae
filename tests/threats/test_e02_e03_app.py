"""E2, E3 in the app: texts and names that show something else than they are, on a terminal, byte by byte.

That the gate is what holds E2 is seen where it is taken away: `test_e01_hostile_app.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pseudo_terminal import PseudoTerminal
from sdk_world import World, a_world
from terminal_stream import INVISIBLE, Stream, read_stream

from sottovoce.client.errors import BadUserName
from sottovoce.client.sanitize import MAX_COMBINING_MARKS

MARK = "\u0301"
DECEIVING = {
    "pay \u202e000,1\u202c to bob": "pay 000,1 to bob",
    "invoice\u2066\u202egpj.exe\u2069": "invoicegpj.exe",
    "a\u200bd\u2060m\ufeffi\u00adn": "admin",
    "hidden\U000e0068\U000e0069\u3164 note": "hidden note",
    f"tall{MARK * 500} tower": f"tall{MARK * MAX_COMBINING_MARKS} tower",
}
"""What a member writes, and what is on the screen of it."""

LONG_NAME = "\u05d7\u05d3\u05e8" * 10  # Hebrew, in one word that is longer than the column of the rooms
ISOLATED = re.compile("\u2068([^\u2068\u2069\n]*)\u2069")


class App(PseudoTerminal):
    """Alice's app, in the room of a link."""

    def __init__(self, world: World, link: str) -> None:
        super().__init__(
            ["-m", "sottovoce.cli.main", "chat", link, "--user", "alice", "--home", world.folder / "alice"],
            {
                "SOTTOVOCE_PASSWORD": "password of alice",
                "SOTTOVOCE_RUNTIME_DIR": str(world.folder / "runtime"),
            },
            size=(130, 40),
        )

    async def quit(self) -> Stream:
        self.types("\x11")  # Ctrl+Q
        assert await self.ends() == 0
        return read_stream(self.octets)


async def test_texts_and_names_that_deceive(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("bob") as bob:
        for foreign in ("b\u043eb", "bob\u200b", "b\u2060ob", "\uff42ob"):
            with pytest.raises(BadUserName):
                async with world.person(foreign):
                    pass
        room = await bob.create_room(f"\u202e{LONG_NAME}\u200b")
        app = App(world, str(await bob.invite(room)))
        try:
            await app.shows("online")
            for text in DECEIVING:
                await room.send(text)
            await room.send("that was all")
            await app.shows("that was all")
            await bob.join("lobby")
            app.types("/join lobby\r")
            await app.shows("rite to lobby")  # the cursor is on the first letter
            async with world.person("b0b") as look_alike:
                await look_alike.join("lobby")
                await app.shows("looks like")
                await app.shows("Careful in lobby")
            seen = await app.quit()
        finally:
            app.close()
    # E2: nothing is invisible, nothing is turned, nothing is piled up.
    assert [shown for shown in DECEIVING.values() if shown not in seen.text] == []
    assert not set(seen.text) & INVISIBLE
    assert MARK * (MAX_COMBINING_MARKS + 1) not in seen.text
    # A name from right to left begins and ends within itself, also where a column cuts it.
    assert "\u05d7" in "".join(ISOLATED.findall(seen.text))
    rest = ISOLATED.sub("", seen.text).split("\n")
    assert [ascii(row) for row in rest if set(row) & set("\u2068\u2069\u05d7\u05d3\u05e8")] == []
    # E3: names in other letters were refused, and each of the two says whom it could be taken for.
    assert re.search(r"b0b +looks like bob", seen.text)
    assert re.search(r"bob +looks like b0b", seen.text)
