"""B17: a commit of garbage, with a GroupInfo of garbage, ends no room, whoever sends it and how often."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from sdk_world import World, a_world, texts, until

from sottovoce.client.client import Client
from sottovoce.client.events import Gap, RoomRejoined
from sottovoce.client.room import Room
from sottovoce.client.tables.rooms import SelfUpdate
from sottovoce.link.messages import Append, AppendReply, Commit, CommitReply, RoomState, RoomStateReply
from sottovoce.link.parts import Device, Outgoing

SECONDS = 30.0
"""Within these, members talk again; six are meant, the rest is for a machine that does something else."""


def device(client: Client) -> Device:
    return Device(client.user, client.device_id)


async def garbage(client: Client, room: Room, *, added: bool = True, times: int = 1, talks: bool = False):
    """What any account that knows a room's id can send, again and again."""
    link, room_id = await client._session.online(), room._sync.record.room_id
    for number in range(times):
        state = await link.request(lambda n: RoomState(n, room_id), RoomStateReply)
        await link.request(
            lambda n, number=number, state=state: Commit(
                n, room_id, os.urandom(16), state.epoch, b"\x02garbage", b"garbage",
                [device(client)] if added and not number else [],
            ),
            CommitReply,
        )  # fmt: skip
        if talks:
            message = Outgoing(os.urandom(16), state.epoch + 1, b"garbage")
            await link.request(lambda n, message=message: Append(n, room_id, [message]), AppendReply)


async def talk(hers: Room, his: Room) -> None:
    async with asyncio.timeout(SECONDS):
        await until(lambda: hers.explain() and his.explain(), "both are told why")
        await hers.send("Still here?")
        await his.send("Still here.")
        assert set(await texts(hers, 2)) == set(await texts(his, 2)) == {
            "alice: Still here?", "bob: Still here."
        }  # fmt: skip
    assert "did not follow its rules" in hers.explain()[-1].what_happened
    assert [m.user for m in hers.members()] == [m.user for m in his.members()] == ["alice", "bob"]
    for room in (hers, his):
        kinds = [type(one) async for one in _stored(room)]
        assert Gap in kinds
        assert RoomRejoined not in kinds


async def roster(world: World) -> list[str]:
    return sorted(
        row[0]
        for row in world.sql(
            "SELECT a.name FROM roster r JOIN devices d ON d.id = r.device"
            " JOIN accounts a ON a.id = d.account"
            " WHERE r.until_seq IS NULL AND r.room = (SELECT room FROM segments LIMIT 1)"
        )
    )


@pytest.mark.parametrize(("times", "talks"), [(1, False), (3, False), (2, True)])
async def test_a_strangers_garbage_in_the_lobby(tmp_path: Path, times: int, talks: bool) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice, world.person("bob") as bob:
        hers, his = await alice.join("lobby"), await bob.join("lobby")
        await until(lambda: len(hers.members()) == len(his.members()) == 2, "both are in")
        async with world.person("mallory") as mallory:
            await garbage(mallory, hers, times=times, talks=talks)
            await talk(hers, his)
        async with world.person("carol") as carol:
            theirs = await carol.join("lobby")
            await until(lambda: len(hers.members()) == len(his.members()) == 3, "carol is in")
            await theirs.send("May I?")
            assert (await texts(his, 3))[-1] == "carol: May I?"
        assert await roster(world) == ["alice", "bob", "carol"]


async def test_a_strangers_garbage_in_an_invite_room(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        hers = await alice.create_room("the plan")
        link = str(await alice.invite(hers))
        async with world.person("bob", link=link) as bob, world.person("mallory") as mallory:
            his = await bob.join("the plan")
            await until(lambda: len(hers.members()) == 2, "bob is in")
            await garbage(mallory, hers)
            await talk(hers, his)
            assert await roster(world) == ["alice", "bob"]
            async with world.person("carol", link=str(await alice.invite(hers))) as carol:
                await carol.join("the plan")
                await until(lambda: len(hers.members()) == len(his.members()) == 3, "carol is in")


@pytest.mark.parametrize("times", [1, 2])
async def test_an_insiders_garbage(tmp_path: Path, times: int) -> None:
    async with (
        a_world(tmp_path) as world,
        world.person("alice") as alice,
        world.person("bob") as bob,
    ):
        hers, his = await alice.join("lobby"), await bob.join("lobby")
        async with world.person("mallory") as mallory:
            theirs = await mallory.join("lobby")
            await until(lambda: len(hers.members()) == len(his.members()) == 3, "all are in")
            await garbage(mallory, theirs, added=False, times=times)
            async with asyncio.timeout(SECONDS):
                await until(lambda: hers.explain() and his.explain(), "both are told why")
                await hers.send("Still here?")
                assert await texts(his, 1) == await texts(theirs, 1) == ["alice: Still here?"]
            assert len(hers.members()) == 3


async def test_two_strangers_garbage_on_top_of_each_other(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice, world.person("bob") as bob:
        hers, his = await alice.join("lobby"), await bob.join("lobby")
        await until(lambda: len(hers.members()) == len(his.members()) == 2, "both are in")
        async with world.person("mallory") as mallory, world.person("oscar") as oscar:
            for stranger in (mallory, oscar):
                await garbage(stranger, hers, times=2, talks=True)
            await talk(hers, his)
            assert await roster(world) == ["alice", "bob"]


async def test_an_insider_supersedes_a_good_commit(tmp_path: Path) -> None:
    """Those who took the good one stay with it, say so, and commit: the room goes on from there."""
    async with (
        a_world(tmp_path) as world,
        world.person("mallory") as mallory,
        world.person("alice") as alice,
        world.person("bob") as bob,
    ):
        theirs, hers, his = [await one.join("lobby") for one in (mallory, alice, bob)]
        await until(lambda: len(hers.members()) == len(theirs.members()) == 3, "all are in")
        done = await hers._sync.commits.intend(SelfUpdate())
        await done
        await until(lambda: hers.epoch == his.epoch == theirs.epoch, "all have followed")
        link, room_id, good = await mallory._session.online(), hers._sync.record.room_id, hers.seq
        await link.request(
            lambda n: Commit(
                n, room_id, os.urandom(16), hers.epoch - 1, b"\x02garbage", b"garbage", supersedes=good
            ),
            CommitReply,
        )
        epoch = hers.epoch
        async with asyncio.timeout(SECONDS):
            await until(lambda: hers.epoch > epoch and his.epoch > epoch, "somebody has committed")
            await hers.send("Still here?")
            assert await texts(his, 1) == ["alice: Still here?"]
        assert "in the place of one" in his.explain()[0].what_happened


async def test_members_who_were_away_take_the_commit_in_its_place(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        hers = await alice.join("lobby")
        async with world.person("bob") as bob:
            await bob.join("lobby")
            await until(lambda: len(hers.members()) == 2, "bob is in")
        async with world.person("mallory") as mallory:
            await garbage(mallory, hers)
            async with asyncio.timeout(SECONDS):
                await hers.send("Still here?")
                await hers.flush()
        async with world.person("bob") as bob:
            his = await bob.join("lobby")
            await his.send("Back again.")
            assert await texts(hers, 2) == ["alice: Still here?", "bob: Back again."]
            assert RoomRejoined not in [type(one) async for one in _stored(his)]


async def _stored(room: Room):
    """The timeline as far as it was read."""
    await room.flush()
    newest = room.seq
    async with asyncio.timeout(SECONDS):
        async for found in room.timeline():
            yield found
            if found.seq >= newest:
                return
