"""A9 (arXiv 2504.07323): nobody empties another's key packages; claims are authenticated and limited."""

from __future__ import annotations

import asyncio

from sottovoce.link import messages as m
from sottovoce.link.parts import ErrorCode

TRIES = 10_000


async def test_ten_thousand_claims_meet_the_limit(serve):
    server = await serve(messages_per_second=100_000)
    _, alice = await server.device("alice")
    await alice.ask(m.KeyPackagesPublish, [b"%d" % number for number in range(100)], b"last")
    _, mallory = await server.device("mallory")
    claimed, refused = 0, 0
    for _ in range(TRIES // 100):
        replies = await asyncio.gather(*(mallory.begin(m.KeyPackagesClaim, "alice") for _ in range(100)))
        for reply in replies:
            if isinstance(reply, m.ErrorReply):
                assert reply.code == ErrorCode.RATE_LIMITED
                assert reply.retry_after > 0
                refused += 1
            else:
                claimed += 1
    assert claimed + refused == TRIES
    assert claimed <= 20 + 6, "the burst, and what the test's two minutes at most allow"
    assert (await alice.ask(m.KeyPackagesLeft)).left == 100 - claimed, "most are left for others"
    _, bob = await server.device("bob")
    (claim,) = (await bob.ask(m.KeyPackagesClaim, "alice")).key_packages
    assert claim.key_package != b"last"


async def test_a_stranger_without_login_cannot_claim(server):
    client = await server.client()
    from sottovoce.link.frames import encode_frame

    client.waiting[50] = asyncio.get_running_loop().create_future()
    client.connection._under_way[50] = m.KeyPackagesClaim
    client.writer.write(encode_frame(m.KeyPackagesClaim(50, "alice")))
    assert (await asyncio.wait_for(client.waiting[50], 10)).code == ErrorCode.NOT_ALLOWED
