"""People talk through the SDK: join, send, read, come back, bring a second device."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest
from sdk_world import a_world, item, messages, texts, until, vault_of

from sottovoce.client.errors import (
    BadInviteTime,
    BadRoomName,
    NotInRoom,
    PolicyViolation,
    SecretOutdated,
    UnknownRoom,
    UnknownUser,
    WrongPassword,
)
from sottovoce.client.events import (
    Connected,
    Disconnected,
    Gap,
    MemberJoined,
    MemberLeft,
    RoomAppeared,
    RoomTrouble,
)


async def test_two_people_talk_in_the_lobby(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("Alice") as alice, world.person("Bob") as bob:
        hers, his = await alice.join("lobby"), await bob.join("lobby")
        await hers.send("Hi everyone!")
        assert await texts(his, 1) == ["Alice: Hi everyone!"]
        await his.send("Hello Alice.")
        expected = ["Alice: Hi everyone!", "Bob: Hello Alice."]
        assert await texts(hers, 2) == expected
        assert await texts(his, 2) == expected
        assert [member.user for member in hers.members()] == ["Alice", "Bob"]
        assert hers.epoch == his.epoch
        assert hers.epoch_authenticator == his.epoch_authenticator
        assert hers.safety_number("Bob") == his.safety_number("Alice")
        assert hers.explain() == his.explain() == []
        assert hers.suite_name == "MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519"


async def test_a_room_joined_twice_at_once_is_one_leaf(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        key = bytes(range(32))
        rooms = await asyncio.gather(*(alice.join("ours", room_key=key) for _ in range(4)))
        assert [room.name for room in alice.rooms()] == ["ours"]
        assert len({room._sync for room in rooms}) == 1
        await rooms[0].send("once")
        assert await texts(rooms[-1], 1) == ["alice: once"]
        assert rooms[0].members()[0].device_count == 1


async def test_everybody_sees_one_and_the_same_order(tmp_path: Path) -> None:
    async with (
        a_world(tmp_path) as world,
        world.person("alice") as alice,
        world.person("bob") as bob,
        world.person("carol") as carol,
    ):
        rooms = await asyncio.gather(*(one.join("lobby") for one in (alice, bob, carol)))
        await until(lambda: all(len(room.members()) == 3 for room in rooms), "three members everywhere")
        starts = [room.seq for room in rooms]
        for number in range(20):
            for room in rooms:
                await room.send(f"line {number}")
        seen = [await messages(room, 60, start) for room, start in zip(rooms, starts, strict=True)]
        first, *others = [[(m.seq, m.sender, m.text) for m in one] for one in seen]
        assert all(one == first for one in others)
        for name in ("alice", "bob", "carol"):
            assert [text for _, sender, text in first if sender == name] == [f"line {n}" for n in range(20)]
        assert not any(room.explain() for room in rooms)


async def test_what_is_sent_while_the_server_is_away_goes_out_once_and_in_order(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice, world.person("bob") as bob:
        hers, his = await alice.join("lobby"), await bob.join("lobby")
        await until(lambda: len(hers.members()) == 2, "alice sees bob")
        await world.stop()
        await until(lambda: not alice.is_online, "alice notices")
        deliveries = [await hers.send(f"offline {number}") for number in range(70)]
        assert not any(delivery.is_stored for delivery in deliveries)
        await world.start()
        await hers.flush()
        assert await texts(his, 70) == [f"alice: offline {number}" for number in range(70)]
        seqs = [await delivery.stored() for delivery in deliveries]
        assert seqs == sorted(set(seqs))


async def test_a_restarted_client_sends_what_its_outbox_kept(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("bob") as bob:
        his = await bob.join("lobby")
        async with world.person("alice") as alice:
            hers = await alice.join("lobby")
            await world.stop()
            await until(lambda: not alice.is_online, "alice notices")
            await hers.send("written in the tunnel")
        async with world.person("alice") as alice:
            hers = await alice.join("lobby")  # at once, though the server is away
            await hers.send("written after it")
            await world.start()
            await hers.flush()
            assert await texts(his, 2) == ["alice: written in the tunnel", "alice: written after it"]
            assert await texts(hers, 2) == ["alice: written in the tunnel", "alice: written after it"]


async def test_a_client_that_was_away_catches_up(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        hers = await alice.join("lobby")
        async with world.person("bob") as bob:
            await bob.join("lobby")
        await until(lambda: len(hers.members()) == 2, "alice sees bob")
        async with world.person("carol") as carol:
            await carol.join("lobby")
            for number in range(30):
                await hers.send(f"missed {number}")
            await hers.flush()
        async with world.person("bob") as bob:
            his = await bob.join("lobby")
            assert await texts(his, 30) == [f"alice: missed {number}" for number in range(30)]
            assert [member.user for member in his.members()] == ["alice", "bob", "carol"]


async def test_a_second_device_needs_only_the_password(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        room = await alice.create_room("the plan")
        link = str(await alice.invite(room))
        async with world.person("bob", link=link) as bob:
            his = await bob.join("the plan")
            assert his.name == "the plan"
            # The inviter is recognised by the link, which came by other means than the server.
            assert [(m.user, m.verified) for m in his.members()] == [("alice", True), ("bob", True)]
            await until(
                lambda: [one.verified for one in vault_of(bob, world).contacts] == [True],
                "what the laptop needs",
            )
            await until(lambda: vault_of(bob, world).rooms, "its room too")
            async with world.person("bob", home="bob's laptop") as laptop:
                there = await laptop.join("the plan")
                await until(lambda: len(room.members()) == 2, "bob is one member")
                await until(lambda: room.members()[1].device_count == 2, "with two devices")
                await room.send("to both of your devices")
                assert await texts(there, 1) == ["alice: to both of your devices"]
                await there.send("from the laptop")
                assert (await messages(his, 2))[1].is_mine
                assert laptop.account_fingerprint == bob.account_fingerprint
                assert laptop.device_id != bob.device_id
                assert [(m.user, m.verified) for m in there.members()] == [("alice", True), ("bob", True)]


async def test_a_room_key_makes_or_joins_one_room(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice, world.person("bob") as bob:
        key = bytes(range(32))
        hers, his = await asyncio.gather(alice.join("ours", room_key=key), bob.join("ours", room_key=key))
        assert hers.room_id == his.room_id
        assert hers.access == his.access == "key"
        await until(lambda: len(hers.members()) == 2, "both are in")
        await hers.send("by our own key")
        assert (await texts(his, 1))[-1] == "alice: by our own key"
        other = await alice.join("ours", room_key=bytes(32))
        assert other.room_id != hers.room_id


async def test_people_are_added_and_removed(tmp_path: Path) -> None:
    async with (
        a_world(tmp_path) as world,
        world.person("alice") as alice,
        world.person("bob") as bob,
        world.person("carol") as carol,
    ):
        room = await alice.create_room("the plan")
        old_link = str(await alice.invite(room))
        await _has_key_packages(world, 3)
        for nobody in ("nobody", "bob smith", "x" * 33, ""):
            with pytest.raises(UnknownUser):
                await room.add(nobody)
        for name in ("", "x" * 65):
            with pytest.raises(BadRoomName):
                await alice.create_room(name)
            with pytest.raises(BadRoomName):
                await alice.join(name, room_key=bytes(32))
        for seconds in (0, 59, 30 * 86400 + 1):
            with pytest.raises(BadInviteTime):
                await alice.invite(room, expires_in=seconds)
        assert alice.is_online
        await room.add("bob")
        assert [member.user for member in room.members()] == ["alice", "bob"]
        event = await _event(bob, RoomAppeared)
        assert event.name == "the plan"
        his = await bob.join("the plan")
        await room.send("welcome")
        assert await texts(his, 1) == ["alice: welcome"]
        hers = await carol.join(str(await bob.invite(his)))  # who was added can invite others
        await until(lambda: len(room.members()) == 3, "carol is in")
        with pytest.raises(PolicyViolation):
            await hers.remove("alice")
        with pytest.raises(UnknownUser):
            await room.remove("nobody")
        await room.remove("bob")
        assert (await item(hers, MemberLeft)).user == "bob"
        assert [member.user for member in hers.members()] == ["alice", "carol"]
        with pytest.raises(NotInRoom):
            await _sending_is_refused(his)
        await room.send("bob does not read this")
        assert (await texts(hers, 1)) == ["alice: bob does not read this"]
        async with world.person("dave") as dave:
            with pytest.raises(SecretOutdated):
                await dave.join(old_link)  # the secret in it was rotated
            # He is told at the first attempt: no other helps.
            assert [type(event) for event in dave._announcer._early._events].count(RoomTrouble) == 1
        new = await bob.join(str(await alice.invite(room)))
        assert new.is_member


async def test_a_room_somebody_adds_us_to_does_not_pass_for_another_of_its_name(tmp_path: Path) -> None:
    async with (
        a_world(tmp_path) as world,
        world.person("alice") as alice,
        world.person("mallory") as mallory,
    ):
        mine = await alice.create_room("the plan")
        await _has_key_packages(world, 2)
        for name in ("lobby", "the plan"):
            await (await mallory.create_room(name)).add("alice")
        await until(lambda: len(alice.rooms()) == 3, "alice was added twice")
        assert (await alice.join("the plan")).room_id == mine.room_id
        assert (await alice.join("lobby")).access == "open"


async def test_leaving_takes_the_leaf_out_before_the_next_message(tmp_path: Path) -> None:
    async with (
        a_world(tmp_path) as world,
        world.person("alice") as alice,
        world.person("bob") as bob,
        world.person("carol") as carol,
    ):
        room = await alice.create_room("the plan")
        his = await bob.join(str(await alice.invite(room)))
        await until(lambda: len(room.members()) == 2, "bob is in")
        await his.leave()
        assert not his.is_member
        await room.send("the proposal stands before this")
        await room.flush()
        await until(lambda: room.seq >= 4, "alice has read the proposal")
        await room.send("after a commit of it")
        await room.flush()
        assert [member.user for member in room.members()] == ["alice"]
        await _has_key_packages(world, 3)
        await room.add("carol")
        assert [member.user for member in room.members()] == ["alice", "carol"]
        theirs = await _appeared(carol, "the plan")
        await room.send("two of us")
        assert (await texts(theirs, 1)) == ["alice: two of us"]


async def test_a_room_one_cannot_get_into_can_be_left(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice, world.person("bob") as bob:
        room = await alice.create_room("the plan")
        link = await alice.invite(room)
        outdated = dataclasses.replace(link, room_id=bytes(16))
        with pytest.raises(UnknownRoom):
            await bob.join(str(outdated))
        (waiting,) = bob.rooms()
        async with asyncio.timeout(20):
            await waiting.leave()
        assert bob.rooms() == []


async def test_who_comes_and_goes_stands_in_the_timeline(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        room = await alice.join("lobby")
        async with world.person("Bob") as bob:
            await bob.join("lobby")
            assert (await item(room, MemberJoined)).user == "Bob"
            event = await _event(bob, Connected)
            assert str(world.address.port) in event.server


async def test_unknown_rooms_and_wrong_passwords_are_told(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        async with world.person("alice") as alice:
            with pytest.raises(UnknownRoom):
                await alice.join("no such room")
            await alice.join("lobby")
        with pytest.raises(WrongPassword):
            async with world.person("alice", password="another"):
                pass
        with pytest.raises(WrongPassword):
            async with world.person("alice", home="elsewhere", password="another", register=False):
                pass
        async with world.person("alice") as alice:
            assert [room.name for room in alice.rooms()] == ["lobby"]


async def test_the_server_is_back_and_so_is_everybody(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice, world.person("bob") as bob:
        hers, his = await alice.join("lobby"), await bob.join("lobby")
        await until(lambda: len(hers.members()) == 2, "alice sees bob")
        for number in range(3):
            await world.stop()
            await until(lambda: not alice.is_online and not bob.is_online, "both notice")
            await world.start()
            await until(lambda: alice.is_online and bob.is_online, "both are back")
            await hers.send(f"after restart {number}")
        await hers.flush()
        assert await texts(his, 3) == [f"alice: after restart {number}" for number in range(3)]
        assert not any([i async for i in _now(his) if isinstance(i, Gap)])
        for one in (alice, bob):
            told = one._announcer._early._events
            delays = [event.retry_in for event in told if isinstance(event, Disconnected)]
            assert len(delays) >= 3
            assert 0 <= min(delays) <= max(delays) < 5, "seconds: who is back is not kept waiting"


async def _now(room):
    """The timeline up to the newest entry."""
    newest = room.seq
    async for found in room.timeline():
        yield found
        if found.seq >= newest:
            return


async def _event(client, kind):
    async with asyncio.timeout(20):
        async for event in client.events():
            if isinstance(event, kind):
                return event
    raise AssertionError("the events ended")


async def _appeared(client, name: str):
    await until(lambda: any(room.name == name for room in client.rooms()), f"{name} appears")
    return await client.join(name)


async def _has_key_packages(world, devices: int) -> None:
    statement = "SELECT count(DISTINCT device) FROM key_packages"
    await until(lambda: world.sql(statement)[0][0] >= devices, "key packages of everybody")


async def _sending_is_refused(room) -> None:
    await until(lambda: not room.is_member, "the removal was read")
    await room.send("am I still here?")


async def test_leaving_at_once_after_making_a_room_costs_no_rejoin(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        async with world.person("alice") as alice:
            await alice.create_room("brief")
        async with world.person("alice") as alice:
            room = await alice.join("brief")
            await room.send("still here")
            assert await texts(room, 1) == ["alice: still here"]
            assert room.explain() == []
