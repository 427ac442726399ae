"""kill -9 in the middle of the load: what was acknowledged is there, once, in the order acknowledged."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal

import pytest

from sottovoce.link import messages as m
from sottovoce.link.invite_link import InviteLink

KILLS = 10
WINDOW = 16  # requests under way


@pytest.mark.slow
async def test_nothing_acknowledged_is_lost_or_doubled(server_process, link_client, identity):
    address = server_process.start()
    token = InviteLink.parse(address.invite, now=0).token
    alice = identity("alice")
    client = await (await link_client(address).open()).greet()
    await client.register(alice, token)
    await client.device_login(alice)
    room = os.urandom(16)
    await client.ask(m.RoomCreate, room, b"sealed")
    await client.close()

    acknowledged: dict[int, bytes] = {}
    unanswered: list[m.Outgoing] = []
    for cycle in itertools.count():  # later each time: on a slow disk it takes more kills
        if cycle >= KILLS and len(acknowledged) > KILLS * 5:
            break
        client = await (await link_client(server_process.address).open()).greet()
        await client.device_login(alice)
        sent = unanswered or [m.Outgoing(os.urandom(16), 0, b"%d" % cycle)]
        pending = [(x, client.begin(m.Append, room, [x])) for x in sent]
        killer = asyncio.get_running_loop().call_later(0.02 * (cycle + 1), server_process.process.kill)
        try:
            while True:
                fresh = m.Outgoing(os.urandom(16), 0, os.urandom(100))
                pending.append((fresh, client.begin(m.Append, room, [fresh])))
                if len(pending) > WINDOW:
                    await pending[-WINDOW][1]
        except ConnectionError:
            pass
        finally:
            killer.cancel()
        await client.close()
        server_process.kill()
        unanswered = []
        for outgoing, reply in pending:
            if reply.exception() is None:
                acknowledged[reply.result().seqs[0]] = outgoing.payload
            else:
                unanswered.append(outgoing)
        server_process.start()

    client = await (await link_client(server_process.address).open()).greet()
    await client.device_login(alice)
    for outgoing in unanswered:
        acknowledged[(await client.ask(m.Append, room, [outgoing])).seqs[0]] = outgoing.payload
    log: list[m.Entry] = []
    while (reply := await client.ask(m.Fetch, room, len(log), 1000)).entries:
        log += reply.entries
    await client.close()
    assert [entry.seq for entry in log] == list(range(1, len(log) + 1))
    assert len(log) == len(acknowledged), "every message sent was acknowledged in the end, and stored once"
    assert {entry.seq: entry.payload for entry in log} == acknowledged
    assert server_process.end(signal.SIGTERM) == 0


async def test_a_graceful_stop_tells_clients_and_keeps_everything(server_process, link_client, identity):
    address = server_process.start()
    alice = identity("alice")
    client = await (await link_client(address).open()).greet()
    await client.register(alice, InviteLink.parse(address.invite, now=0).token)
    await client.device_login(alice)
    room = os.urandom(16)
    await client.ask(m.RoomCreate, room, b"sealed")
    runtime_file = server_process.directory / "run" / f"server-{address.port}.json"
    assert runtime_file.stat().st_mode & 0o777 == 0o600
    assert runtime_file.parent.stat().st_mode & 0o777 == 0o700
    pending = [client.begin(m.Append, room, [m.Outgoing(os.urandom(16), 0, b"x")]) for _ in range(50)]
    await pending[0]
    server_process.process.send_signal(signal.SIGTERM)
    stopping = await client.pushed(m.ServerStopping)
    assert stopping.retry_after > 0
    await asyncio.wait_for(client.closed.wait(), 10)
    answered = sum(reply.exception() is None for reply in pending)
    await client.close()
    assert server_process.wait() == 0
    assert not runtime_file.exists()
    assert "Traceback" not in server_process.log.read_text()

    server_process.start()
    client = await (await link_client(server_process.address).open()).greet()
    await client.device_login(alice)
    assert (await client.ask(m.RoomState, room)).head >= answered
    await client.close()
