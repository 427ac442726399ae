"""Where the app is measured: a real server, a reader's home with a long history, a client that talks."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import IO, Final, Self

from bench.server import machine
from bench.server.processes import ROOT, BenchFailed, running, sottovoce
from bench.terminal_app.terminal import Terminal

READER: Final = "reader"
PASSWORD: Final = "a password for the benchmark"
LONG_ROOM: Final = "a long story"

_SENDERS: Final = ("Alice", "Bob", "Carol", "Dora")
_SINCE: Final = datetime(2026, 1, 1, tzinfo=UTC)
_SENTENCE: Final = (
    "it was late, the tea was cold, and nobody had heard the kettle; see https://example.org/tea for more, "
    "or ask the others, who were asleep in the next room and had been for hours, as always on a Sunday"
)


def line_of(number: int, count: int) -> str:
    """The text of one message of the long room."""
    return f"<{number} of {count}> {_SENTENCE[: 15 + number * 37 % (len(_SENTENCE) - 15)]}"


class Place:
    """A folder with a running server and what its people keep."""

    def __init__(self, folder: Path) -> None:
        self.home: Final = folder / "reader"
        self._folder: Final = folder
        self._environment: Final = {
            **{name: value for name, value in os.environ.items() if name != "NO_COLOR"},
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
            "SOTTOVOCE_RUNTIME_DIR": str(folder / "run"),
            "SOTTOVOCE_PASSWORD": PASSWORD,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
        }

    def prepare(self, lines: int) -> None:
        """Make the reader's account and a room, and put ``lines`` messages into the room's local history."""
        os.environ["SOTTOVOCE_RUNTIME_DIR"] = self._environment["SOTTOVOCE_RUNTIME_DIR"]
        asyncio.run(_prepare(self.home, lines))

    def app(self, *arguments: str) -> Terminal:
        """Start the app of the reader, who is logged in by a password given beforehand."""
        command = (sys.executable, "-m", "sottovoce", "chat", "--user", READER, "--home", str(self.home))
        return Terminal([*command, *arguments], self._environment)

    def echo(self) -> Terminal:
        """Start the program that only echoes."""
        return Terminal([sys.executable, "-m", "bench.terminal_app.echo"], self._environment)

    def talker(self) -> Talker:
        """Start the second client, which is in the lobby when this returns."""
        return Talker(self._folder, self._environment)


class Talker:
    """The process of ``talking.py``, on the server's core; end it by ``with``."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._log = folder / "talker.log"
        with self._log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.terminal_app.talking", str(folder / "talker")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
            )
        os.sched_setaffinity(self._process.pid, [machine.cores()[0]])
        self._expect("ready")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe(self._process.stdin).close()
        self._process.wait(30)
        self._pipe(self._process.stdout).close()

    def begin(self, rate: float) -> None:
        """Send ``rate`` messages a second from now on."""
        self._say(str(rate))

    def end(self) -> float:
        """Send no more; return how many a second were stored on the server since :meth:`begin`."""
        self._say("0")
        return float(self._expect("sent").split()[1])

    def _say(self, word: str) -> None:
        pipe = self._pipe(self._process.stdin)
        pipe.write(f"{word}\n".encode())
        pipe.flush()

    def _expect(self, word: str) -> str:
        line = self._pipe(self._process.stdout).readline().decode()
        if not line.startswith(word):
            raise BenchFailed(f"the client that talks: {self._log.read_text(errors='replace')[-400:]}")
        return line

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        if pipe is None:
            raise BenchFailed("a process was started without a pipe")
        return pipe


@contextmanager
def a_place(folder: Path) -> Iterator[Place]:
    """A server on an empty data directory in ``folder``, stopped in the end."""
    data = folder / "server"
    with running(sottovoce(data)):
        yield Place(folder)


async def _prepare(home: Path, lines: int) -> None:
    import sottovoce
    from sottovoce.client.events import ReceivedMessage
    from sottovoce.client.tables import log, read_marks
    from sottovoce.client.tables.database import Database

    async with sottovoce.connect(user=READER, password=PASSWORD, home=home) as me:
        room = await me.create_room(LONG_ROOM)

        def fill(database: Database) -> None:
            for number, sender in zip(range(1, lines + 1), cycle(_SENDERS), strict=False):
                message_id = number.to_bytes(32, "big")
                message = ReceivedMessage(
                    seq=room.seq,
                    at=_SINCE + timedelta(minutes=3 * number),
                    sender=sender,
                    text=line_of(number, lines),
                    is_mine=False,
                    device_id=bytes(16),
                    message_id=message_id,
                    verified=True,
                )
                log.add_item(database, room.room_id, message, message_id)
            read_marks.mark_all_read(database, room.room_id)

        await me._store.transact(fill)  # noqa: SLF001 - no server could send so many in the time
