"""Takes the pictures of the terminal app while it runs: ``make pictures``.

A real server, Alice's app and the clients of Bob and Carol, as the tests run them.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tests/tui"), str(ROOT / "tests/end_to_end")]

from app_world import Terminal, terminal  # noqa: E402 - after the path to it
from screen_svg import Frame, drawing, frame_of  # noqa: E402
from sdk_world import World  # noqa: E402
from textual.widgets import TextArea  # noqa: E402

from sottovoce.link.parts import EntryKind  # noqa: E402

if TYPE_CHECKING:
    from sottovoce.client.client import Client
    from sottovoce.client.room import Room

SIZE: Final = (100, 30)
ROOM: Final = "tea-at-four"


@dataclass
class Camera:
    """Takes pictures of one app."""

    shown: Terminal
    frames: list[Frame] = field(default_factory=list)

    async def take(self, seconds: float = 1.0) -> Frame:
        """Take a picture, with the cursor on it."""
        for text_area in self.shown.app.screen.query(TextArea):
            text_area.cursor_blink = False
        await self.shown.pilot.pause()
        self.frames.append(frame_of(self.shown.app, seconds))
        return self.frames[-1]

    async def type(self, text: str, step: int = 3) -> None:
        """Type, and take a picture of every few letters."""
        for at in range(0, len(text), step):
            await self.shown.pilot.press(*text[at : at + step])
            await self.take(0.16)


@dataclass
class People:
    """Who talks, each in the same room."""

    alice: Terminal
    bob: Room
    carol: Room

    async def say(self, who: Room, text: str) -> None:
        """Let Bob or Carol say something, and wait until Alice has it on her screen."""
        await who.send(text)
        await self.alice.until_shown(text[:30])


async def main() -> None:
    """Take all pictures and write them beside this file."""
    with tempfile.TemporaryDirectory(prefix="sottovoce-pictures-") as name:
        folder = Path(name)
        os.environ["SOTTOVOCE_RUNTIME_DIR"] = str(folder / "run")
        os.environ["TZ"] = "UTC"
        logging.disable(logging.INFO)  # the server's talk
        await take_talk(folder / "talk")
        await take_alarm(folder / "alarm")


async def take_talk(folder: Path) -> None:
    """The main view, a message's x-ray, a safety number, and all of it as a recording."""
    async with _talk(folder) as people:
        alice = people.alice
        await people.say(people.bob, "Hi everyone! Is this thing on?")
        await alice.type("It is. The server keeps bytes that it cannot read.")
        await people.say(people.carol, "And if it drops one, or swaps two?")
        await alice.type("Then the next message shows it: each carries a hash of the log before it.")
        await people.say(people.bob, "Good. Now to what matters: https://example.org/scones")
        await people.say(people.carol, "Tea at four, as always? 🫖")
        await alice.until_shown("as always")
        camera = Camera(alice)
        await camera.take(1.4)
        await camera.type("As always. I bring the cake.")
        await alice.pilot.press("enter")
        await camera.take(0.8)
        await people.say(people.bob, "Then I bring nothing but hunger.")
        _write(
            "chat", [await camera.take(1.8)], "The main view: rooms, messages, members, and the connection"
        )
        await alice.pilot.press("f2")
        await alice.until_shown("This is what was typed")
        await camera.take(1.6)
        for _ in range(4):
            await alice.pilot.press("right")
        _write("xray", [await camera.take(2.4)], "X-ray: the encryption of one message, byte by byte")
        for _ in range(3):
            await alice.pilot.press("right")
        await camera.take(2.4)
        await alice.pilot.press("escape")
        await camera.take(0.6)
        await camera.type("/verify Bob")
        await alice.pilot.press("enter")
        await alice.until_shown("Is this really Bob?")
        _write("safety-number", [await camera.take(3.0)], "The safety number of Alice and Bob, to compare")
        await alice.pilot.press("escape")
        await camera.take(1.0)
        _write(
            "talk", camera.frames, "Alice writes, looks at a message under the x-ray, and compares a number"
        )


async def take_alarm(folder: Path) -> None:
    """What Alice reads when the server has dropped a message."""
    world = World(folder)
    await world.start()
    async with world.person("Bob") as bob:
        his = await bob.join("lobby")
        async with terminal(world, "Alice"):
            pass
        for text in ("The key is under the mat.", "No, wait: Carol has it.", "See you at four!"):
            await his.send(text)
        await his.flush()
    await world.stop()
    log = world.log()
    dropped = [one for one in log if one.entry.kind is EntryKind.MESSAGE][1]
    world.replace_log(
        [one.but(seq=seq) for seq, one in enumerate((one for one in log if one != dropped), 1)],
        chain_too=True,
    )
    await world.start()
    async with terminal(world, "Alice", size=SIZE) as alice:
        await alice.until_shown("missing here")
        await alice.pilot.press("f6")
        await alice.until_shown("cannot be shown")
        _write("alarm", [await Camera(alice).take()], "An alarm: what happened, and what to do")
    await world.stop()


@asynccontextmanager
async def _talk(folder: Path) -> AsyncIterator[People]:
    world = World(folder)
    await world.start()
    async with AsyncExitStack() as stack:
        alice = await stack.enter_async_context(terminal(world, "Alice", size=SIZE))
        guests: list[Client] = [
            await stack.enter_async_context(world.person(name)) for name in ("Bob", "Carol")
        ]
        await alice.type(f"/new {ROOM}")
        await alice.until_shown(f"{ROOM}  1 member")
        link = await _invite(alice)
        rooms = [await guest.join(link) for guest in guests]
        await alice.until_shown("3 members")
        yield People(alice, *rooms)
    await world.stop()


async def _invite(alice: Terminal) -> str:
    await alice.pilot.press("f5")
    await alice.until_shown("Invite a friend")
    link = str(alice.app.screen.query_one(".link").content)
    await alice.pilot.press("escape")
    return link


def _write(name: str, frames: list[Frame], title: str) -> None:
    (HERE / f"{name}.svg").write_text(drawing(frames, title), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
