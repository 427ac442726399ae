"""``sottovoce demo``: a real server process, three real clients, and what the server stored for each line.

Then one message in its layers. It checks itself: every client has seen every line in one order, no file of
the server holds a line, a password or the room's name, and what the x-ray shows is what is on its disk. It
asks nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import secrets
import shutil
import sqlite3
import sys
import tempfile
import textwrap
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.cells import set_cell_size

from sottovoce.cli import demo_xray
from sottovoce.cli.console import Console
from sottovoce.cli.errors import DemoFailed
from sottovoce.cli.exit_codes import ExitCode
from sottovoce.client.events import ReceivedMessage
from sottovoce.client.sanitize import sanitize
from sottovoce.link.encoded_entries import EncodedEntries
from sottovoce.link.parts import Entry

if TYPE_CHECKING:
    from sottovoce.client.client import Client
    from sottovoce.client.room import Room

ROOM_NAME: Final = "tea-at-four"
CONVERSATION: Final = (
    ("Alice", "Hi everyone! Can anybody hear us?"),
    ("Bob", "Only we three. The server keeps bytes it cannot read."),
    ("Carol", "And if it drops or reorders one?"),
    ("Alice", "Then the next message shows it: each one carries a hash of the log before it."),
    ("Bob", "Tea at four, as always? 🫖"),
    ("Carol", "As always."),
)
DEADLINE: Final = 60.0  # seconds for the whole
_X_RAYED: Final = 4  # the line of the conversation that is taken apart
_WIDE: Final = 109  # columns of a screen that shows both sides in full, and what a pipe gets


@dataclass(frozen=True)
class Layout:
    """Two columns beside each other: ``left`` cells of talk, and how many stored bytes are shown.

    The bytes are the last ones: what comes first are room id and epoch, the same for all.
    """

    left: int
    octets: int

    @classmethod
    def fitting(cls, columns: int) -> Layout:
        """Return the layout for a screen of so many columns; it may be too narrow for any below 60."""
        return cls(58, 14) if columns >= _WIDE else cls(max(34, min(58, columns - 26)), 4)

    def rows(self, said: str, stored: bytes) -> list[str]:
        """Return a line of talk, wrapped, with its stored form beside the first row."""
        beside = f"{len(stored):5} bytes, ... {stored[-self.octets :].hex(' ', 2)}"
        first, *others = textwrap.wrap(said, self.left - 2, subsequent_indent="  ")
        return [set_cell_size(first, self.left) + beside, *others]


@dataclass
class Participant:
    """One client of the demo, what it has seen, and what its trace said."""

    name: str
    client: Client
    password: str = field(repr=False)
    trace: list[str]
    room: Room | None = None
    seen: list[ReceivedMessage] = field(default_factory=list)


def run(arguments: Sequence[str]) -> ExitCode:
    """Play the demo; see :class:`sottovoce.cli.main.Command`. Raises :class:`DemoFailed`."""
    argparse.ArgumentParser(
        prog="sottovoce demo",
        description="Start a server and three clients on this machine, let them talk, and show each line "
        "beside what the server stored for it. Takes a few seconds and leaves nothing behind.",
    ).parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="sottovoce-demo-") as folder:
        asyncio.run(_play_in_time(Path(folder), Console()))
    return ExitCode.OK


async def _play_in_time(folder: Path, console: Console) -> None:
    try:
        async with asyncio.timeout(DEADLINE):
            await _play(folder, console)
    except TimeoutError:
        raise DemoFailed(f"it was not over after {DEADLINE:.0f} seconds") from None


async def _play(folder: Path, console: Console) -> None:
    async with AsyncExitStack() as stack:
        address, link = await stack.enter_async_context(_server(folder))
        console.show(f"A server listens on {address}.")
        people = [
            await stack.enter_async_context(_client(name, link, folder)) for name in ("Alice", "Bob", "Carol")
        ]
        rooms = await _gather_in_room(people)
        _show_protocols(people[0], rooms[0], console)
        console.show("")
        columns = shutil.get_terminal_size((_WIDE, 24)).columns
        layout = Layout.fitting(columns)
        console.show(f"{'what the three read':{layout.left}}what the server stored")
        for name, text in CONVERSATION:
            stored = await _say(people, name, text, folder)
            for row in layout.rows(f"{name}: {text}", stored):
                console.show(row)
        await _show_x_ray(people[-1], folder, columns, console)
    _check(people, folder)
    console.show("")
    console.show("Checked: all three read the same lines in the same order, no file of the server holds")
    console.show("a line, a password or the room's name, and the x-ray shows what is on its disk.")
    console.show("Your turn: `sottovoce serve`, then `sottovoce chat`.")


@asynccontextmanager
async def _server(folder: Path) -> AsyncIterator[tuple[str, str]]:
    """Run ``sottovoce serve`` as a process of its own; yields its address and invite link."""
    command = (
        sys.executable,
        "-m",
        "sottovoce.cli.main",
        "serve",
        "--data",
        str(folder / "server"),
        "--port",
        "0",
    )
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "SOTTOVOCE_RUNTIME_DIR": str(folder / "runtime")},
    )
    log = asyncio.create_task(_read_all(process.stderr))
    try:
        yield await _announced(process, "listening on "), await _announced(process, "invite: ")
        process.terminate()
        if await process.wait() != 0:
            raise DemoFailed(f"the server ended with {process.returncode}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        (folder / "server.log").write_bytes(await log)


async def _read_all(stream: asyncio.StreamReader | None) -> bytes:
    return b"" if stream is None else await stream.read()


async def _announced(process: asyncio.subprocess.Process, beginning: str) -> str:
    line = b"" if process.stdout is None else await process.stdout.readline()
    text = line.decode("utf-8", "replace").strip()
    if not text.startswith(beginning):
        raise DemoFailed("the server did not start")
    return text.removeprefix(beginning)


@asynccontextmanager
async def _client(name: str, link: str, folder: Path) -> AsyncIterator[Participant]:
    import sottovoce

    trace: list[str] = []
    password = secrets.token_urlsafe(12)
    home = folder / "homes" / name
    async with sottovoce.connect(link, user=name, password=password, home=home, trace=trace.append) as client:
        yield Participant(name, client, password, trace)


async def _gather_in_room(people: list[Participant]) -> list[Room]:
    """Alice makes a room and invites; Bob and Carol come by her link."""
    host, *guests = people
    host.room = await host.client.create_room(ROOM_NAME)
    invitation = str(await host.client.invite(host.room))
    for guest in guests:
        guest.room = await guest.client.join(invitation)
    return [person.room for person in people if person.room is not None]


def _show_protocols(person: Participant, room: Room, console: Console) -> None:
    tls = next((line for line in person.trace if line.startswith("tls ")), "tls ?")
    words = tls.split()
    if "TLSv1.3" not in words:
        raise DemoFailed(f"the connection is not TLS 1.3 but {sanitize(tls)}")
    console.show(f"Alice, Bob and Carol are in the room {ROOM_NAME}:")
    console.show(f"  {' '.join(words[1:3])}, a key exchange for each connection")
    console.show(f"  epoch {room.epoch} of an MLS group, {room.suite_name}")


async def _say(people: list[Participant], name: str, text: str, folder: Path) -> bytes:
    """Let one speak and all read it; return what the server stored for it."""
    speaker = next(person for person in people if person.name == name)
    if speaker.room is None:
        raise DemoFailed(f"{name} is in no room")
    delivery = await speaker.room.send(text)
    seq = await delivery.stored()
    for person in people:
        await _read_until(person, seq)
    return await asyncio.to_thread(_stored_payload, folder / "server", speaker.room.room_id, seq)


async def _show_x_ray(reader: Participant, folder: Path, columns: int, console: Console) -> None:
    """Take one message that ``reader`` has read apart."""
    message = reader.seen[_X_RAYED]
    if reader.room is None:
        raise DemoFailed(f"{reader.name} is in no room")
    life = await reader.room.life_of(message.message_id)
    stored_payload = await asyncio.to_thread(
        _stored_payload, folder / "server", reader.room.room_id, message.seq
    )
    stored = demo_xray.check(life, stored_payload)
    console.show("")
    console.show(f'X-ray of {message.sender}\'s "{sanitize(message.text)}":')
    for row in demo_xray.rows(life, stored, max(60, min(columns, _WIDE))):
        console.show(row)


async def _read_until(person: Participant, seq: int) -> None:
    if person.room is None:
        return
    after = person.seen[-1].seq if person.seen else None
    async for message in person.room.messages(after=after):
        person.seen.append(message)
        if message.seq >= seq:
            return


def _stored_payload(data: Path, room_id: bytes, seq: int) -> bytes:
    """Read the server's database as anybody with access to its disk could."""
    database = next(path for path in data.rglob("*") if path.suffix in {".db", ".sqlite", ".sqlite3"})
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        row = connection.execute(
            "SELECT first_seq, last_seq, entries FROM segments JOIN rooms ON rooms.id = segments.room"
            " WHERE rooms.room_id = ? AND ? BETWEEN first_seq AND last_seq",
            (room_id, seq),
        ).fetchone()
    if row is None:
        raise DemoFailed(f"the server acknowledged entry {seq}, but it is not in its database")
    first_seq, last_seq, encoded = row
    entry: Entry = EncodedEntries(encoded, last_seq - first_seq + 1)[seq - first_seq]
    return entry.payload


def _check(people: list[Participant], folder: Path) -> None:
    expected = list(CONVERSATION)
    for person in people:
        if [(message.sender, message.text) for message in person.seen] != expected:
            raise DemoFailed(f"{person.name} did not read what was said")
    words = [text for _, text in CONVERSATION] + [ROOM_NAME] + [person.password for person in people]
    files = [path for path in (folder / "server").rglob("*") if path.is_file()] + [folder / "server.log"]
    for path in files:
        content = path.read_bytes()
        for word in words:
            if word.encode() in content:
                raise DemoFailed(f"{path.name} of the server holds something that was said in the room")
