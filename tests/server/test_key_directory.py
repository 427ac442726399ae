"""Key packages: each handed out once, the last resort as often as needed."""

from __future__ import annotations

import pytest

from sottovoce.link import messages as m
from sottovoce.link.parts import ErrorCode


async def claim(client, user):
    return [x.key_package for x in (await client.ask(m.KeyPackagesClaim, user)).key_packages]


async def test_oldest_first_then_the_last_resort_again_and_again(server):
    _alice, a = await server.device("Alice")
    _, b = await server.device("bob")
    await a.ask(m.KeyPackagesPublish, [b"one", b"two"], b"last")
    assert [await claim(b, "ALICE") for _ in range(4)] == [[b"one"], [b"two"], [b"last"], [b"last"]]
    left = await a.ask(m.KeyPackagesLeft)
    assert (left.left, left.last_resort_used) == (0, True)
    await a.ask(m.KeyPackagesPublish, [], b"new last")
    assert not (await a.ask(m.KeyPackagesLeft)).last_resort_used
    assert await claim(b, "alice") == [b"new last"]


async def test_one_of_each_device(server):
    alice, a = await server.device("alice")
    laptop = alice.another_device()
    second = await server.client()
    await second.password_login(laptop)
    await second.ask(m.EnrolDevice, laptop.certificate().to_bytes())
    await second.device_login(laptop)
    await a.ask(m.KeyPackagesPublish, [b"phone"])
    assert await claim(a, "alice") == [b"phone"]
    await a.ask(m.KeyPackagesPublish, [b"phone 2"])
    await second.ask(m.KeyPackagesPublish, [b"laptop"])
    reply = await a.ask(m.KeyPackagesClaim, "alice")
    assert [(x.device, x.key_package) for x in reply.key_packages] == [
        (alice.device, b"phone 2"),
        (laptop.device, b"laptop"),
    ]


async def test_unknown_users_and_too_many_key_packages_are_refused(server):
    _, a = await server.device("alice")
    with pytest.raises(Exception, match="no such user") as refused:
        await a.ask(m.KeyPackagesClaim, "nobody")
    assert refused.value.code == ErrorCode.NOT_FOUND
    await a.ask(m.KeyPackagesPublish, [b"x"] * 100)
    with pytest.raises(Exception, match="at most") as refused:
        await a.ask(m.KeyPackagesPublish, [b"x"])
    assert refused.value.code == ErrorCode.TOO_LARGE
