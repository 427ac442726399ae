"""A real client that sends to the lobby at a steady rate: ``python -m bench.terminal_app.talking HOME``.

It reads a rate, in messages a second, from standard input; 0 ends the sending, and it says how many a second
the server has stored. It leaves at the end of its input.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import sottovoce

if TYPE_CHECKING:
    from sottovoce.client.room import Room


def main() -> None:
    """Talk as standard input says."""
    asyncio.run(_talk(Path(sys.argv[1])))


async def _talk(home: Path) -> None:
    async with sottovoce.connect(user="talker", password="a password of the talker", home=home) as me:
        room = await me.join("lobby")
        print("ready", flush=True)
        while (rate := await _next_rate()) is not None:
            print(f"sent {await _send(room, rate)}", flush=True)


async def _send(room: Room, rate: float) -> float:
    """Send until the next line of standard input, due or not; return how many a second came to the server."""
    end = asyncio.create_task(_next_rate())
    began = time.monotonic()
    sent: list[asyncio.Task[object]] = []
    while not end.done():
        text = f"message {len(sent)}: the tea is ready, and there is cake for whoever comes in time"
        sent.append(asyncio.create_task(room.send(text)))
        await asyncio.sleep(began + len(sent) / rate - time.monotonic())
    await asyncio.gather(*sent)
    await room.flush()
    return len(sent) / (time.monotonic() - began)


async def _next_rate() -> float | None:
    line = await asyncio.to_thread(sys.stdin.readline)
    return float(line) if line else None


if __name__ == "__main__":
    main()
