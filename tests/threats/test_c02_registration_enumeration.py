"""C2, and C1 at the server: neither registration nor login tells who has an account."""

from __future__ import annotations

import os
import time

import msgspec
import pytest

from sottovoce.link import messages as m
from sottovoce.link.parts import ErrorCode
from sottovoce.opaque.client import ClientLogin, ClientRegistration


async def refusals(client, user, token):
    request = ClientRegistration.start(b"x", random=os.urandom).request
    reply = await client.begin(m.RegisterStart, user, token, request)
    return msgspec.structs.replace(reply, id=0)


async def test_without_an_invite_a_taken_name_and_a_free_one_are_refused_alike(server):
    await server.device("alice")
    client = await server.client()
    answers = [
        await refusals(client, user, token)
        for user in ("alice", "ALICE", "nobody")
        for token in (None, os.urandom(16))
    ]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0].code == ErrorCode.REGISTRATION_REFUSED


@pytest.mark.usefixtures("still_clock")
async def test_a_login_of_nobody_looks_like_one_of_somebody(serve):
    """Same types, lengths and stretching; and no difference in time that shows in interleaved tries."""
    server = await serve()
    await server.device("alice")
    seconds = {"alice": [], "nobody": []}
    answers = {"alice": [], "nobody": []}
    for number in range(6):  # five guesses are free, the sixth must wait
        for user in ("alice", "nobody"):
            client = await server.client()
            ke1 = ClientLogin.start(b"guess", random=os.urandom).ke1
            began = time.perf_counter()
            reply = await client.begin(m.LoginStart, user, ke1)
            seconds[user].append(time.perf_counter() - began)
            answers[user].append(
                (type(reply), getattr(reply, "stretching", None), getattr(reply, "code", None))
            )
            await client.close()
        assert answers["alice"] == answers["nobody"], number
    kinds = {kind for kind, _, _ in answers["nobody"]}
    assert kinds == {m.LoginStartReply, m.ErrorReply}, "and both are slowed down alike"
    # The shortest: whatever else the machine does makes a try longer, never shorter.
    known, unknown = (min(seconds[user][:5]) for user in ("alice", "nobody"))
    assert 0.2 < known / unknown < 5
