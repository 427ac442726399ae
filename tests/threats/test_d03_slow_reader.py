"""D3: a reader that does not read costs a bounded outbox, loses pushes, and catches up from the log."""

from __future__ import annotations

import asyncio
import os

from sottovoce.link import messages as m

MESSAGES = 160
SIZE = 60_000


async def test_a_slow_reader_is_told_to_catch_up_and_loses_nothing(serve):
    server = await serve(outbox_bytes=256 * 1024)
    _, alice = await server.device("alice")
    bob, slow = await server.device("bob")
    room = os.urandom(16)
    await alice.ask(m.RoomCreate, room, b"g")
    await slow.ask(m.Commit, room, os.urandom(16), 0, b"c", b"g", added=[bob.device])
    await slow.ask(m.Subscribe, room)
    slow.writer.transport.pause_reading()

    payloads = [os.urandom(SIZE) for _ in range(MESSAGES)]
    for at in range(0, MESSAGES, 8):
        await alice.ask(m.Append, room, [m.Outgoing(os.urandom(16), 1, p) for p in payloads[at : at + 8]])
    waiting = [peer.session.bytes_waiting for peer in server.listener_peers()]
    assert max(waiting) < 256 * 1024 + 2 * 8 * SIZE, "bounded by the outbox and one push"

    slow.writer.transport.resume_reading()
    got: list[m.Entry] = []
    while True:
        push = await asyncio.wait_for(slow.pushes.get(), 20)
        if isinstance(push, m.CatchUp):
            break
        got += push.entries
    assert [e.seq for e in got] == list(range(2, len(got) + 2)), "in order, without a hole, up to here"
    assert push.head == MESSAGES + 1
    seq = got[-1].seq
    while seq < push.head:
        reply = await slow.ask(m.Fetch, room, seq)
        got += reply.entries
        seq = got[-1].seq
    assert [e.payload for e in got] == payloads
    await alice.ask(m.Append, room, [m.Outgoing(os.urandom(16), 1, b"after")])
    assert [e.payload for e in await slow.entries(1)] == [b"after"], "pushes go on after the catch-up"


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
    for reply in await asyncio.wait_for(asyncio.gather(*replies), 30):
        assert reply.entries
