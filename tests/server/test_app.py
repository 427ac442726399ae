"""A whole server, over real TLS: the thin path from an invite to a message on two screens."""

from __future__ import annotations

import os

from sottovoce.link import messages as m


async def test_two_devices_talk_in_a_room(server):
    _alice, a = await server.device("Alice")
    bob, b = await server.device("bob")
    room = os.urandom(16)
    await a.ask(m.RoomCreate, room, b"sealed 0")
    turn = await b.ask(m.Turn, room, True)
    assert (turn.epoch, turn.head, turn.group_info) == (0, 0, b"sealed 0")
    commit = await b.ask(m.Commit, room, os.urandom(16), 0, b"join", b"sealed 1", added=[bob.device])
    assert commit.seq == 1
    assert (await a.ask(m.Subscribe, room)).head == 1
    assert (await b.ask(m.Subscribe, room)).head == 1
    sent = await a.ask(
        m.Append, room, [m.Outgoing(os.urandom(16), 1, b"hi"), m.Outgoing(os.urandom(16), 1, b"all")]
    )
    assert sent.seqs == [2, 3]
    for client in (a, b):
        assert [(e.seq, e.payload) for e in await client.entries(2)] == [(2, b"hi"), (3, b"all")]
    fetched = await b.ask(m.Fetch, room, 0)
    assert [e.payload for e in fetched.entries] == [b"join", b"hi", b"all"]
    assert (fetched.head, fetched.first) == (3, 1)
    assert (await a.ask(m.RoomState, room)).group_info == b"sealed 1"
