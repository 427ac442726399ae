"""A server that alters, drops, forks or forgets what it was given: the members see it, the room goes on."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sdk_world import StoredEntry, World, a_world, item, messages, texts, until

from sottovoce.client.errors import RoomRolledBack
from sottovoce.client.events import ForkAlarm, Gap, ReceivedMessage, RoomRejoined
from sottovoce.link.parts import EntryKind


async def test_a_flipped_bit_is_a_gap_and_the_room_goes_on(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        hers = await _with_bob_offline(world, alice)
        for number in range(4):
            await hers.send(f"line {number}")
        await hers.flush()
        await world.stop()
        seq = _message_seqs(world)[1]
        log = world.log()
        payload = bytearray(log[seq - 1].entry.payload)
        payload[len(payload) // 2] ^= 0x10
        log[seq - 1] = log[seq - 1].but(payload=bytes(payload))
        world.replace_log(log, chain_too=False)
        await world.start()
        async with world.person("bob") as bob:
            his = await bob.join("lobby")
            gap = await item(his, Gap)
            assert (gap.seq, gap.count) == (seq, 1)
            await his.send("Hello all the same.")
            expected = ["alice: line 0", "alice: line 2", "alice: line 3", "bob: Hello all the same."]
            assert await texts(his, 4) == expected
            assert [i.seq async for i in _stored(his) if isinstance(i, Gap)] == [seq]  # told once
            # Alice read the unaltered entry, so Bob's chain is another than hers: she is told.
            fork = await item(hers, ForkAlarm)
            assert fork.sender == "bob"
            assert any("history" in one.what_happened for one in hers.explain())


async def test_a_dropped_message_is_counted(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        hers = await _with_bob_offline(world, alice)
        for number in range(4):
            await hers.send(f"line {number}")
        await hers.flush()
        await world.stop()
        dropped = _message_seqs(world)[1:3]
        _renumber(world, [one for one in world.log() if one.entry.seq not in dropped])
        await world.start()
        async with world.person("bob") as bob:
            his = await bob.join("lobby")
            assert await texts(his, 2) == ["alice: line 0", "alice: line 3"]
            gap = await item(his, Gap)
            assert gap.count == 2
            assert "alice" in gap.reason
            assert his.explain()


async def test_reordered_messages_are_seen(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        hers = await _with_bob_offline(world, alice)
        for number in range(3):
            await hers.send(f"line {number}")
        await hers.flush()
        await world.stop()
        first, second, _ = _message_seqs(world)
        log = world.log()
        log[first - 1], log[second - 1] = log[second - 1], log[first - 1]
        _renumber(world, log)
        await world.start()
        async with world.person("bob") as bob:
            his = await bob.join("lobby")
            assert "alice: line 2" in await texts(his, 2)
            assert [i async for i in _stored(his) if isinstance(i, Gap | ForkAlarm)]


async def test_a_message_stored_twice_is_shown_once(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        hers = await _with_bob_offline(world, alice)
        await hers.send("only once")
        await hers.flush()
        await world.stop()
        (seq,) = _message_seqs(world)
        log = world.log()
        log.insert(seq, replace(log[seq - 1], message_id=bytes(16)))
        _renumber(world, log)
        await world.start()
        async with world.person("bob") as bob:
            his = await bob.join("lobby")
            gap = await item(his, Gap)
            assert gap.seq == seq + 1
            assert [i.text async for i in _stored(his) if isinstance(i, ReceivedMessage)] == ["only once"]


async def test_two_histories_of_one_room_are_an_alarm_at_the_first_cross_message(tmp_path: Path) -> None:
    """Threats B1, A5: Alice and Bob are each shown a log of their own, then one of the two."""
    async with a_world(tmp_path) as world:
        async with world.person("alice") as alice:
            await _with_bob_offline(world, alice)
        await world.stop()
        shutil.copytree(world.data, tmp_path / "fork")
        await world.start()
        async with world.person("alice") as alice:
            hers = await alice.join("lobby")
            await hers.send("in Alice's world")
            await hers.flush()
        await world.stop()
        shutil.move(world.data, tmp_path / "hers")
        shutil.move(tmp_path / "fork", world.data)
        await world.start()
        async with world.person("bob") as bob:
            his = await bob.join("lobby")
            await his.send("in Bob's world")
            await his.flush()
            await world.stop()
            await until(lambda: not bob.is_online, "bob notices")
            shutil.move(world.data, tmp_path / "his")
            shutil.move(tmp_path / "hers", world.data)
            await world.start()
            async with world.person("alice") as alice:
                hers = await alice.join("lobby")
                await until(lambda: bob.is_online, "bob is back")
                await his.send("hello again")
                fork = await item(hers, ForkAlarm)
                assert fork.sender == "bob"
                assert any(isinstance(one, ForkAlarm) for one in [await item(hers, ForkAlarm)])
                await hers.send("did you read me?")
                assert (await item(his, ForkAlarm)).sender == "alice"
                assert hers.explain()
                assert his.explain()


async def test_a_garbage_commit_is_survived_by_joining_again(tmp_path: Path) -> None:
    """Threats B16, B22: who cannot follow a commit joins again by itself and says so."""
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        hers = await _with_bob_offline(world, alice)
        async with world.person("carol") as carol:
            await carol.join("lobby")
            await until(lambda: len(hers.members()) == 3, "alice sees carol")
            await hers.send("after carol came")
            await hers.flush()
        await world.stop()
        log = world.log()
        newest = max(one.entry.seq for one in log if one.entry.kind is EntryKind.COMMIT)
        payload = log[newest - 1].entry.payload
        log[newest - 1] = log[newest - 1].but(payload=payload[:-1] + bytes([payload[-1] ^ 1]))
        world.replace_log(log, chain_too=True)
        await world.start()
        async with world.person("bob") as bob:
            his = await bob.join("lobby")
            rejoined = await item(his, RoomRejoined)
            assert "followed" in rejoined.reason
            await until(lambda: hers.epoch == his.epoch, "bob's new leaf took the old one's place")
            await hers.send("welcome back")
            assert (await messages(his, 1))[0].text == "welcome back"
            assert (await item(his, Gap)).count == 1  # "after carol came"
            assert [member.device_count for member in his.members()] == [1, 1, 1]


async def test_a_restored_copy_of_the_store_never_uses_a_key_twice(tmp_path: Path) -> None:
    """Threats B4: what an old copy would encrypt again is sent under a new leaf instead."""
    async with a_world(tmp_path) as world, world.person("bob") as bob:
        his = await bob.join("lobby")
        async with world.person("alice") as alice:
            await alice.join("lobby")
        shutil.copytree(tmp_path / "alice", tmp_path / "copy")
        async with world.person("alice") as alice:
            hers = await alice.join("lobby")
            for number in range(5):
                await hers.send(f"first {number}")
            await hers.flush()
        shutil.rmtree(tmp_path / "alice")
        shutil.move(tmp_path / "copy", tmp_path / "alice")
        async with world.person("alice") as alice:
            hers = await alice.join("lobby")
            for number in range(5):
                await hers.send(f"second {number}")
            await hers.flush()
            assert (await item(hers, RoomRejoined)).reason
        received = [m.text for m in await messages(his, 10)]
        assert received == [f"first {n}" for n in range(5)] + [f"second {n}" for n in range(5)]
        payloads = [one.entry.payload for one in world.log() if one.entry.kind is EntryKind.MESSAGE]
        assert len({hashlib.sha256(payload).digest() for payload in payloads}) == 10


async def test_an_old_state_of_the_room_is_not_joined(tmp_path: Path) -> None:
    """Threats B3: the server goes back to an epoch before one that this device was in."""
    async with a_world(tmp_path) as world:
        async with world.person("alice") as alice:
            await alice.join("lobby")
        await world.stop()
        shutil.copytree(world.data, tmp_path / "old")
        await world.start()
        async with world.person("alice") as alice, world.person("bob") as bob:
            hers = await alice.join("lobby")
            await bob.join("lobby")
            await until(lambda: len(hers.members()) == 2, "bob is in")
            epoch = hers.epoch
        await world.stop()
        shutil.rmtree(world.data)
        shutil.move(tmp_path / "old", world.data)
        await world.start()
        async with world.person("alice") as alice:
            hers = await alice.join("lobby")
            event = await _trouble(alice, "older")
            assert "older" in event
            assert hers.epoch == epoch


async def test_an_old_state_of_a_room_that_was_left_is_not_joined(tmp_path: Path) -> None:
    """Threats B3, also when the room was left, and the process that left it is gone."""
    async with a_world(tmp_path) as world:
        async with world.person("alice") as alice:
            await alice.join("lobby")
        await world.stop()
        shutil.copytree(world.data, tmp_path / "old")
        await world.start()
        async with (
            world.person("alice") as alice,
            world.person("bob") as bob,
            world.person("carol") as carol,
        ):
            hers = await alice.join("lobby")
            await bob.join("lobby")
            await carol.join("lobby")
            await until(lambda: len(hers.members()) == 3, "bob and carol are in")
            await hers.leave()
        await world.stop()
        shutil.rmtree(world.data)
        shutil.move(tmp_path / "old", world.data)
        await world.start()
        async with world.person("alice") as alice:
            assert alice.rooms() == []
            with pytest.raises(RoomRolledBack):
                await alice.join("lobby")


async def test_trouble_in_one_room_leaves_the_others_alone(tmp_path: Path) -> None:
    """Threats B22."""
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        lobby = await alice.join("lobby")
        plan = await alice.create_room("the plan")
        async with world.person("bob", link=str(await alice.invite(plan))) as bob:
            await bob.join("the plan")
            await bob.join("lobby")
            await until(lambda: len(lobby.members()) == len(plan.members()) == 2, "bob is in both")
        async with world.person("carol") as carol:
            await carol.join("lobby")
        await world.stop()
        (room,) = world.sql("SELECT id FROM rooms WHERE open_name = 'lobby'")[0]
        # The lobby is beyond repair for who is behind: a bad commit, and a GroupInfo nobody can open.
        log = world.log()
        at = max(at for at, one in enumerate(log) if one.room == room and one.entry.kind is EntryKind.COMMIT)
        log[at] = log[at].but(payload=b"\x01\x00")
        world.replace_log(log, chain_too=False)
        world.sql("UPDATE rooms SET group_info = x'00' WHERE id = ?", (room,))
        await world.start()
        async with world.person("bob") as bob:
            his = await bob.join("the plan")
            await plan.send("business as usual")
            assert await texts(his, 1) == ["alice: business as usual"]
            # Alice, who is in step, renews the GroupInfo when asked, and so Bob comes back to the lobby too.
            there = await bob.join("lobby")
            assert (await item(there, RoomRejoined)).reason


async def _with_bob_offline(world: World, alice):
    """Alice in the lobby, and Bob who was there and is away."""
    room = await alice.join("lobby")
    async with world.person("bob") as bob:
        await bob.join("lobby")
    await until(lambda: len(room.members()) == 2, "alice sees bob")
    return room


async def _stored(room):
    """The timeline of a room that is up to date, up to its end."""
    await room.flush()
    newest = room.seq
    async for found in room.timeline():
        yield found
        if found.seq >= newest:
            return


async def _trouble(client, word: str) -> str:
    async with asyncio.timeout(20):
        async for event in client.events():
            reason = getattr(event, "reason", "")
            if word in reason:
                return reason
    raise AssertionError("the events ended")


def _message_seqs(world: World) -> list[int]:
    return [one.entry.seq for one in world.log() if one.entry.kind is EntryKind.MESSAGE]


def _renumber(world: World, log: list[StoredEntry]) -> None:
    """Make it the lobby's log, with a chain that fits."""
    world.replace_log([one.but(seq=seq) for seq, one in enumerate(log, 1)], chain_too=True)
