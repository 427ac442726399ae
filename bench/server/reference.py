"""The reference of every run: a fan-out on plain asyncio streams, as a textbook would write it.

TLS 1.3 with the same settings and the same frames, so that the same load drives it. No database, no rules, no
signatures checked: rooms are a dict, a message is acknowledged when it has been written to every member.
Run as a program: ``python -m bench.server.reference DIRECTORY``.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from bench.server.machine import raise_file_limit
from sottovoce.link.frames import encode_frame
from sottovoce.link.messages import (
    Append,
    AppendReply,
    ClientMessage,
    Done,
    EntriesPush,
    Hello,
    HelloReply,
    Reply,
    Subscribe,
    SubscribeReply,
)
from sottovoce.link.parts import Entry, EntryKind
from sottovoce.server.tls import own_tls_files, tls_context

_BACKLOG: Final = 1024
_decoder: Final = msgspec.msgpack.Decoder(ClientMessage)


class Room:
    """Who is in it, and how many messages there have been."""

    def __init__(self) -> None:
        self.members: set[asyncio.StreamWriter] = set()
        self.head = 0


class FanOut:
    """All rooms of the process."""

    def __init__(self) -> None:
        self._rooms: defaultdict[bytes, Room] = defaultdict(Room)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        joined: set[bytes] = set()
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(4))
                request = _decoder.decode(await reader.readexactly(length))
                if isinstance(request, Subscribe):
                    joined.add(request.room_id)
                writer.write(encode_frame(self._answer(request, writer)))
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            for room_id in joined:
                self._rooms[room_id].members.discard(writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _answer(self, request: ClientMessage, writer: asyncio.StreamWriter) -> Reply:
        if isinstance(request, Hello):
            return HelloReply(request.id, 1, False, bytes(32))
        if isinstance(request, Subscribe):
            room = self._rooms[request.room_id]
            room.members.add(writer)
            return SubscribeReply(request.id, room.head)
        if isinstance(request, Append):
            return AppendReply(
                request.id, [self._send(request.room_id, one.payload) for one in request.messages]
            )
        return Done(request.id)

    def _send(self, room_id: bytes, payload: bytes) -> int:
        room = self._rooms[room_id]
        room.head += 1
        entry = Entry(room.head, EntryKind.MESSAGE, 0, payload, int(time.time() * 1000))
        frame = encode_frame(EntriesPush(room_id, [entry]))
        for member in room.members:
            member.write(frame)
        return room.head


async def run(context: ssl.SSLContext) -> None:
    """Serve until the process is told to stop."""
    server = await asyncio.start_server(FanOut().serve, "127.0.0.1", 0, ssl=context, backlog=_BACKLOG)
    print(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await server.serve_forever()


def main(directory: Path) -> None:
    """Serve with the certificate that is in a server's data directory."""
    raise_file_limit()
    now = datetime.now(UTC)
    files = own_tls_files(directory, ["localhost"], now, is_new=False)
    context, _pin = tls_context(files, keylog=None, now=now)
    asyncio.run(run(context))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
