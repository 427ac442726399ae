"""Key packages: each handed out once, the last resort as often as needed."""

from __future__ import annotations

import os
import time

import pytest

from sottovoce.crypto.suites import DEFAULT
from sottovoce.link import messages as m
from sottovoce.link.parts import ErrorCode
from sottovoce.mls import Credential, Lifetime, generate_key_package

DAY = 86400


def key_package(*, ends_in):
    """One that began 90 days before it ends, in so many seconds."""
    ends_at = int(time.time()) + ends_in
    return generate_key_package(
        DEFAULT,
        Credential.basic(b"alice"),
        DEFAULT.signature_key_pair(os.urandom(32)),
        lifetime=Lifetime(ends_at - 90 * DAY, ends_at),
        random=os.urandom,
    ).message


async def claim(client, user):
    return [x.key_package for x in (await client.ask(m.KeyPackagesClaim, user)).key_packages]


async def a_second_device(server, user):
    laptop = user.another_device()
    client = await server.client()
    await client.password_login(laptop)
    await client.ask(m.EnrolDevice, laptop.certificate().to_bytes())
    await client.device_login(laptop)
    return laptop, client


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


async def test_none_that_has_ended_is_handed_out(server):
    """RFC 9420 §10.1: nobody may be added by one, so it would only stand in the way of those after it."""
    _, a = await server.device("alice")
    _, b = await server.device("bob")
    ended, good, last = (key_package(ends_in=days * DAY) for days in (-1, 1, 2))
    await a.ask(m.KeyPackagesPublish, [ended, ended, good, ended], last)
    assert [await claim(b, "alice") for _ in range(3)] == [[good], [last], [last]]
    assert (await a.ask(m.KeyPackagesLeft)).left == 0
    await a.ask(m.KeyPackagesPublish, [], ended)
    assert await claim(b, "alice") == []
    assert not (await a.ask(m.KeyPackagesLeft)).last_resort_used


async def test_a_device_whose_have_ended_keeps_nobody_from_adding_the_others(server):
    alice, a = await server.device("alice")
    _, second = await a_second_device(server, alice)
    await a.ask(m.KeyPackagesPublish, [key_package(ends_in=-1)], key_package(ends_in=-1))
    await second.ask(m.KeyPackagesPublish, [b"laptop"])
    assert await claim(a, "alice") == [b"laptop"]


async def test_a_stock_with_a_last_resort_takes_the_place_of_the_one_before(server):
    _, a = await server.device("alice")
    _, b = await server.device("bob")
    await a.ask(m.KeyPackagesPublish, [b"old"] * 100, b"old last")
    await b.ask(m.KeyPackagesPublish, [b"bob's"])
    await a.ask(m.KeyPackagesPublish, [b"new"], b"new last")
    await a.ask(m.KeyPackagesPublish, [b"newer"])
    claimed = [await claim(b, "alice") for _ in range(3)]
    assert claimed == [[b"new"], [b"newer"], [b"new last"]]
    assert await claim(a, "bob") == [b"bob's"], "another device's stay"


async def test_one_of_each_device(server):
    alice, a = await server.device("alice")
    laptop, second = await a_second_device(server, alice)
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
