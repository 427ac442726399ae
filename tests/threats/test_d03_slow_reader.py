"""D3: a reader that does not read costs a bounded outbox, loses pushes, and catches up from the log."""

from __future__ import annotations

import asyncio
import os
import socket

from sottovoce.link import messages as m

MESSAGES = 160
SIZE = 60_000


class Reader:
    """A member who takes what is pushed, and asks for what it was told to catch up with."""

    def __init__(self, device, room: bytes) -> None:
        self.device, self.room = device, room
        self.entries: list[m.Entry] = []
        self.catch_ups = self.pushes = 0

    @property
    def seq(self) -> int:
        """The last entry it has; the first is the Commit that let it in."""
        return self.entries[-1].seq if self.entries else 1

    def take(self, entries: list[m.Entry]) -> bool:
        """Take what is new; says whether anything was."""
        new = [entry for entry in entries if entry.seq > self.seq]
        assert [e.seq for e in new] == list(range(self.seq + 1, self.seq + 1 + len(new))), "without a hole"
        self.entries += new
        return bool(new)

    async def follow(self) -> None:
        """Read until there is something new."""
        before = self.seq
        while self.seq == before:
            push = await asyncio.wait_for(self.device.pushes.get(), 20)
            if isinstance(push, m.CatchUp):
                self.catch_ups += 1
                while self.seq < push.head:
                    self.take((await self.device.ask(m.Fetch, self.room, self.seq)).entries)
            else:
                self.pushes += self.take(push.entries)


async def test_a_slow_reader_is_told_to_catch_up_and_loses_nothing(serve):
    server = await serve(outbox_bytes=256 * 1024)
    _, alice = await server.device("alice")
    bob, slow = await server.device("bob")
    room = os.urandom(16)
    await alice.ask(m.RoomCreate, room, b"g")
    await slow.ask(m.Commit, room, os.urandom(16), 0, b"c", b"g", added=[bob.device])
    await slow.ask(m.Subscribe, room)
    slow.writer.transport.pause_reading()
    # The kernel holds less for it than is sent below, whatever it may grow its buffers to.
    slow.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)

    payloads = [os.urandom(SIZE) for _ in range(MESSAGES)]
    for at in range(0, MESSAGES, 8):
        await alice.ask(m.Append, room, [m.Outgoing(os.urandom(16), 1, p) for p in payloads[at : at + 8]])
    waiting = [peer.session.bytes_waiting for peer in server.listener_peers()]
    assert max(waiting) < 256 * 1024 + 2 * 8 * SIZE, "bounded by the outbox and one push"

    slow.writer.transport.resume_reading()
    reader = Reader(slow, room)
    while reader.seq < MESSAGES + 1:
        await reader.follow()
    assert reader.catch_ups, "it lost pushes"
    assert [e.payload for e in reader.entries] == payloads
    for _ in range(MESSAGES):  # what was pushed before the server knew how far it is may still come
        await alice.ask(m.Append, room, [m.Outgoing(os.urandom(16), 1, b"after")])
        pushed = reader.pushes
        await reader.follow()
        if reader.pushes > pushed:
            break
    assert reader.pushes > pushed, "pushes go on after the catch-up"


async def test_who_asks_and_does_not_read_is_not_answered_without_end(serve):
    server = await serve(outbox_bytes=256 * 1024)
    _, alice = await server.device("alice")
    room = os.urandom(16)
    await alice.ask(m.RoomCreate, room, b"g")
    for _ in range(4):
        await alice.ask(
            m.Append, room, [m.Outgoing(os.urandom(16), 0, os.urandom(120_000)) for _ in range(4)]
        )
    alice.writer.transport.pause_reading()
    replies = [alice.begin(m.Fetch, room, 0) for _ in range(200)]
    for _ in range(50):  # let the server do all it would ever do
        await asyncio.sleep(0.02)
        assert max(peer.session.bytes_waiting for peer in server.listener_peers()) < 2 * 1024 * 1024
    alice.writer.transport.resume_reading()
    for reply in await asyncio.wait_for(asyncio.gather(*replies), 120):
        assert reply.entries
