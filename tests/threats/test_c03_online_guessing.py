"""C3: a guess without its third message counts as failed; the limit holds; no device is locked out."""

from __future__ import annotations

import asyncio
import math
import os
import time

import pytest

from sottovoce.link import messages as m
from sottovoce.link.parts import ErrorCode
from sottovoce.opaque.client import ClientLogin

TRIES = 10_000


@pytest.mark.slow
async def test_ten_thousand_guesses_meet_the_limit_and_a_device_still_logs_in(serve):
    server = await serve(messages_per_second=100_000, connections_per_address=1000)
    alice, _ = await server.device("alice")
    ke1 = ClientLogin.start(b"guess", random=os.urandom).ke1
    evaluated = 0

    async def guess(client, tries: int) -> None:
        nonlocal evaluated
        for _ in range(tries):
            reply = await client.begin(m.LoginStart, "alice", ke1)
            if isinstance(reply, m.LoginStartReply):
                evaluated += 1
                refused = await client.begin(m.LoginFinish, os.urandom(64))
                assert refused.code == ErrorCode.LOGIN_FAILED
            else:
                assert reply.code == ErrorCode.RATE_LIMITED
                assert reply.retry_after > 0

    began = time.monotonic()
    guessers = [await server.client() for _ in range(20)]
    running = asyncio.gather(*(guess(client, TRIES // 20) for client in guessers))
    while not running.done():
        device = await server.client()
        await device.device_login(alice)
        await device.close()
        await asyncio.wait({running}, timeout=0.2)
    running.result()
    waited_for = math.log2(time.monotonic() - began + 1) + (time.monotonic() - began) / 60
    assert evaluated <= 5 + waited_for, "five at once, then after 1, 2, 4, 8, 16, 32, 60, 60 ... seconds"


@pytest.mark.usefixtures("still_clock")
async def test_a_guess_without_its_third_message_counts(serve):
    server = await serve()
    await server.device("alice")
    ke1 = ClientLogin.start(b"guess", random=os.urandom).ke1
    codes = []
    for _ in range(8):
        client = await server.client()
        reply = await client.begin(m.LoginStart, "alice", ke1)
        codes.append(getattr(reply, "code", None))
        await client.close()
    assert codes[:5] == [None] * 5
    assert set(codes[5:]) == {ErrorCode.RATE_LIMITED}


async def test_the_owner_elsewhere_is_not_kept_out_by_a_strangers_guesses(server):
    alice, _ = await server.device("alice")
    ke1 = ClientLogin.start(b"guess", random=os.urandom).ke1
    stranger = await server.client(local_addr=("127.0.0.9", 0))
    for _ in range(10):
        await stranger.begin(m.LoginStart, "alice", ke1)
        if stranger.connection.state.value == "logging in":
            await stranger.begin(m.LoginFinish, os.urandom(64))
    owner = await server.client(local_addr=("127.0.0.8", 0))
    assert (await owner.password_login(alice)).vault_version == 1
