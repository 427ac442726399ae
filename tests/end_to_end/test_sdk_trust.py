"""Keys: pins, changed keys, invitations that vouch, what the server can and cannot put into a room."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from sdk_world import PATIENCE, World, a_world, item, texts, until, vault_of

from sottovoce import connect
from sottovoce.client import vault_keeper
from sottovoce.client.account import begin_registration
from sottovoce.client.errors import (
    CertificateChanged,
    ExpiredInviteLink,
    KeyChanged,
    NameTaken,
    NoLocalServer,
    ProfileInUse,
    RegistrationRefused,
    ServerNotReachable,
    StoreUnwritable,
)
from sottovoce.client.events import KeyChanged as KeyChangedItem
from sottovoce.client.events import RoomAppeared, RoomChanged, ServerTrusted
from sottovoce.client.server_address import find_server
from sottovoce.client.tables import account as account_table
from sottovoce.client.transport import ServerLink
from sottovoce.crypto.secret import Secret
from sottovoce.link.invite_link import InviteLink


async def test_another_account_under_a_known_name_stops_the_room_until_a_person_decides(
    tmp_path: Path,
) -> None:
    """Threats A2: the server lets somebody register as Bob again, with a key of their own."""
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        hers = await _alice_who_knew_bob(world, alice, verified=False)
        link = str(await alice.invite(hers))
        async with world.person("bob", home="impostor", link=link) as impostor:
            his = await impostor.join("the plan")
            changed = await item(hers, KeyChangedItem)
            assert (changed.user, changed.was_verified) == ("bob", False)
            await his.send("trust me, it is Bob")
            assert "bob" in hers.explain()[0].what_happened
            assert [member.user for member in hers.members()] == ["alice"]
            # The number to compare is that of the new key.
            assert hers.safety_number("bob") == his.safety_number("alice")
            assert hers.waits_for == "bob"
            assert hers.has_changed_key("bob")
            await hers.verify("bob")
            assert hers.waits_for is None
            assert not hers.has_changed_key("bob")
            assert await texts(hers, 1) == ["bob: trust me, it is Bob"]
            assert [member.user for member in hers.members()] == ["alice", "bob"]


async def test_a_room_that_waits_for_a_decision_says_so_after_a_restart_too(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        async with world.person("alice") as alice:
            hers = await _alice_who_knew_bob(world, alice, verified=False)
            link = str(await alice.invite(hers))
            async with world.person("bob", home="impostor", link=link) as impostor:
                await impostor.join("the plan")
                await item(hers, KeyChangedItem)
        async with world.person("alice") as alice:
            (hers,) = (room for room in alice.rooms() if room.name == "the plan")
            async with asyncio.timeout(PATIENCE):
                async for event in alice.events():
                    if event == RoomChanged(hers.room_id) and hers.waits_for == "bob":
                        break


async def test_a_verified_contacts_changed_key_blocks_sending(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        hers = await _alice_who_knew_bob(world, alice, verified=True)
        link = str(await alice.invite(hers))
        async with world.person("bob", home="impostor", link=link) as impostor:
            await impostor.join("the plan")
            assert (await item(hers, KeyChangedItem)).was_verified
            with pytest.raises(KeyChanged):
                await hers.send("a secret for Bob")
            assert "Nothing is sent" in hers.explain()[0].what_happened


async def test_numbers_that_differed_count_more_than_a_link_and_an_older_vault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_keeper, "SETTLING", 0.1)
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        link = str(await alice.invite(await alice.create_room("the plan")))
        async with world.person("bob", link=link) as bob:
            his = await bob.join("the plan")
            assert his.members()[0].verified, "the link vouched for Alice"
            await until(lambda: vault_of(bob, world).contacts, "what the laptop needs")
            await until(lambda: vault_of(bob, world).rooms, "its room too")
            async with world.person("bob", home="laptop") as laptop:
                there = await laptop.join("the plan")
                await bob.create_room("another")
                await until(lambda: len(vault_of(bob, world).rooms) == 2, "the older vault")
                assert vault_of(bob, world).contacts[0].verified
                await there.distrust("alice")
                await until(lambda: not vault_of(bob, world).contacts[0].verified, "the laptop's own")
                assert "another" in [room.name for room in laptop.rooms()], "the older one was taken over"
                await laptop.join(link)
                assert not there.members()[0].verified
            async with world.person("bob", home="phone") as phone:
                assert not (await phone.join("the plan")).members()[0].verified


async def test_a_room_that_was_left_does_not_come_back_from_another_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_keeper, "SETTLING", 0.1)
    async with a_world(tmp_path) as world, world.person("alice") as alice, world.person("bob") as bob:
        his = await bob.join(str(await alice.invite(await alice.create_room("the plan"))))
        await until(lambda: vault_of(bob, world).rooms, "what the laptop needs")
        async with world.person("bob", home="laptop") as laptop:
            await (await laptop.join("the plan")).leave()
        await bob.create_room("another")
        await until(
            lambda: "another" in [room.name for room in vault_of(bob, world).rooms], "what the laptop meets"
        )
        async with world.person("bob", home="laptop") as laptop:
            await laptop.create_room("a third")  # its vault is to be stored, and meets the other's
            await until(lambda: "another" in [room.name for room in laptop.rooms()], "the other's vault")
            assert his.room_id not in [room.room_id for room in laptop.rooms()]


async def test_the_server_cannot_add_anybody(tmp_path: Path) -> None:
    """Threats A1: a roster row, and a Welcome of its own making, change nothing."""
    async with a_world(tmp_path) as world, world.person("alice") as alice, world.person("mallory") as mallory:
        room = await alice.create_room("the plan")
        await mallory.join("lobby")
        await until(lambda: len(world.sql("SELECT 1 FROM devices")) == 2, "two devices")
        await world.stop()
        (device,) = world.sql("SELECT id FROM devices ORDER BY id DESC LIMIT 1")[0]
        (number,) = world.sql("SELECT id FROM rooms WHERE room_id = ?", (room.room_id,))[0]
        world.sql("INSERT INTO roster (room, device) VALUES (?, ?)", (number, device))
        world.sql(
            "INSERT INTO inbox (device, room_id, seq, head_hash, payload, at) VALUES (?, ?, 1, ?, ?, 0)",
            (device, room.room_id, bytes(32), b"\x00\x01\x00\x03" + os.urandom(64)),
        )
        await world.start()
        await until(lambda: alice.is_online and mallory.is_online, "both are back")
        await room.send("between us")
        await room.flush()
        assert [member.user for member in room.members()] == ["alice"]
        await until(lambda: not world.sql("SELECT 1 FROM inbox"), "mallory has looked at the inbox")
        assert [one.name for one in mallory.rooms()] == ["lobby"]


async def test_a_welcome_is_used_once(tmp_path: Path) -> None:
    """Threats A10: the same Welcome again joins nothing, and its key package is gone from the store."""
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        room = await alice.create_room("the plan")
        async with world.person("bob") as bob:
            devices = "SELECT count(DISTINCT device) FROM key_packages"
            await until(lambda: world.sql(devices) == [(2,)], "bob's key packages")
            await world.stop()
            await until(lambda: not bob.is_online, "bob is away")
        await world.start()
        await until(lambda: alice.is_online, "alice is back")
        await room.add("bob")
        copy = world.sql("SELECT device, room_id, seq, head_hash, payload, at FROM inbox")[0]
        async with world.person("bob") as bob:
            await _event(bob, RoomAppeared)
            his = await bob.join("the plan")
            used = await bob._store.transact(lambda db: db.all("SELECT ref FROM consumed_key_packages"))
            kept = await bob._store.transact(lambda db: db.all("SELECT ref FROM key_packages"))
            assert len(used) == 1
            assert kept
            assert not set(used) & set(kept)
            await his.leave()
            await world.stop()
            world.sql(
                "INSERT INTO inbox (device, room_id, seq, head_hash, payload, at) VALUES (?, ?, ?, ?, ?, ?)",
                copy,
            )
            await world.start()
            await until(lambda: not world.sql("SELECT 1 FROM inbox"), "the replay was looked at")
            assert bob.rooms() == []


async def test_an_unknown_server_is_trusted_once_and_its_key_may_not_change(tmp_path: Path) -> None:
    async with a_world(tmp_path, registration="open") as world:
        place = f"127.0.0.1:{world.address.port}"
        async with world.person("alice", link=place) as alice:
            trusted = await _event(alice, ServerTrusted)
            assert trusted.pin == world.address.pin
            await alice.join("lobby")
        await world.stop()
        shutil.move(world.data, tmp_path / "elsewhere")
        await world.start(registration="open")
        assert world.address.pin != trusted.pin
        for name in ("alice", "bob"):
            with pytest.raises(CertificateChanged):
                async with world.person(name, link=place, home="alice"):
                    pass


async def test_a_server_that_changes_its_key_is_left_alone_while_running(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        room = await alice.join("lobby")
        await world.stop()
        await until(lambda: not alice.is_online, "alice notices")
        delivery = await room.send("not for that server")
        shutil.move(world.data, tmp_path / "elsewhere")
        await world.start()
        with pytest.raises(CertificateChanged):
            async with asyncio.timeout(20):
                await room.flush()
        with pytest.raises(CertificateChanged):
            await item(room, RoomAppeared)  # the timeline has none: it goes on to its end
        with pytest.raises(CertificateChanged):
            await delivery.stored()
        assert not delivery.is_stored
        assert world.sql("SELECT 1 FROM accounts") == []


async def test_a_link_that_is_over_leads_back_to_where_one_is_in(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        async with world.person("alice") as alice:
            await alice.join("lobby")
        link = InviteLink.parse(world.invite, now=0)
        expired = InviteLink(**{**link.__dict__, "expires_at": 1})
        async with world.person("alice", link=str(expired)) as alice:
            assert (await alice.join(str(expired))).name == "lobby"
            elsewhere = InviteLink(**{**expired.__dict__, "room_id": bytes(16)})
            with pytest.raises(ExpiredInviteLink):
                await alice.join(str(elsewhere))
            with pytest.raises(RegistrationRefused):
                async with world.person("bob", link=str(expired), home="alice", register=True):
                    pass


async def test_the_ways_in_that_are_closed_are_told_apart(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        async with world.person("alice") as alice:
            await alice.join("lobby")
            with pytest.raises(ProfileInUse):
                async with world.person("alice"):
                    pass
            with pytest.raises(NameTaken):
                async with world.person("Alice", home="another", password="another"):
                    pass
            with pytest.raises(NameTaken):
                async with world.person("alice", home="another", register=True):
                    pass
            link = InviteLink.parse(world.invite, now=0)
            expired = InviteLink(**{**link.__dict__, "expires_at": 1})
            with pytest.raises(ExpiredInviteLink):
                async with world.person("bob", link=str(expired)):
                    pass
            without_token = InviteLink(**{**link.__dict__, "token": None})
            with pytest.raises(RegistrationRefused):
                async with world.person("bob", link=str(without_token), register=True):
                    pass
        assert find_server(None, tmp_path).pin == world.address.pin
        shutil.rmtree(tmp_path / "runtime")
        with pytest.raises(NoLocalServer):
            find_server(None, tmp_path)
        await world.stop()
        with pytest.raises(ServerNotReachable):
            async with world.person("bob"):
                pass


async def test_an_interrupted_registration_is_finished_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_world(tmp_path) as world:
        original = ServerLink.request
        lost: list[str] = []

        async def lose_the_answer(self, build, reply, *, deadline=30.0):
            answer = await original(self, build, reply, deadline=deadline)
            if type(build(0)).__name__ == "RegisterFinish" and not lost:
                lost.append("RegisterFinish")
                raise ConnectionResetError("the process ends here")
            return answer

        monkeypatch.setattr(ServerLink, "request", lose_the_answer)
        with pytest.raises(ConnectionResetError):
            async with world.person("alice"):
                pass
        assert len(world.sql("SELECT 1 FROM accounts")) == 1
        async with world.person("alice") as alice:
            room = await alice.join("lobby")
            await room.send("here after all")
            await room.flush()
        assert len(world.sql("SELECT 1 FROM accounts")) == 1


async def test_a_store_that_could_not_be_made_leaves_no_half_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_world(tmp_path) as world:

        def full(*_: object) -> None:
            raise StoreUnwritable("store.db")

        with monkeypatch.context() as patch:
            patch.setattr(account_table, "put_account", full)
            with pytest.raises(StoreUnwritable):
                async with world.person("alice"):
                    pass
        async with world.person("alice") as alice:
            assert alice.user == "alice"


async def test_a_registration_nobody_finishes_takes_no_name(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        link = await ServerLink.open(
            "127.0.0.1", world.address.port, pin=world.address.pin, on_push=lambda _: None
        )
        token = InviteLink.parse(world.invite, now=0).token
        account = await begin_registration(link, "alice", Secret(b"a password"), token)
        link.close()
        assert account.pending is not None
        async with world.person("alice") as alice:
            assert alice.user == "alice"


async def test_nothing_readable_is_stored_here(tmp_path: Path) -> None:
    """Threats G: canary words are in no file of the profile."""
    canaries = ["CanaryPassword", "CanaryRoom", "CanaryMessage"]
    async with a_world(tmp_path) as world:
        async with world.person("alice", password="CanaryPassword") as alice:
            room = await alice.create_room("CanaryRoom")
            await room.send("CanaryMessage")
            await room.flush()
            _absent(tmp_path / "alice", canaries)
        _absent(tmp_path / "alice", canaries)
        _absent(world.data, canaries)
        for path in (tmp_path / "alice").rglob("*"):
            mode = path.stat().st_mode & 0o777
            assert mode == (0o700 if path.is_dir() else 0o600), path


def _absent(folder: Path, words: list[str]) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for word in words:
                assert word.encode() not in content, f"{word} in {path}"
                assert word.encode("utf-16-le") not in content, f"{word} in {path}"


async def _alice_who_knew_bob(world: World, alice, *, verified: bool):
    """Alice in a room that Bob was in; then the server forgets Bob."""
    room = await alice.create_room("the plan")
    async with world.person("bob", link=str(await alice.invite(room))) as bob:
        await bob.join("the plan")
        await until(lambda: len(room.members()) == 2, "alice knows bob")
    if verified:
        await room.verify("bob")
        assert [member.verified for member in room.members()] == [True, True]
    await room.remove("bob")
    await _forget_account(world, "bob")
    await until(lambda: alice.is_online, "alice is back")
    return room


async def _forget_account(world: World, name: str) -> None:
    await world.stop()
    devices = "SELECT d.id FROM devices d, accounts a WHERE a.id = d.account AND a.name = ?"
    world.sql(f"DELETE FROM roster WHERE device IN ({devices})", (name,))
    world.sql(f"DELETE FROM devices WHERE id IN ({devices})", (name,))
    world.sql("DELETE FROM accounts WHERE name = ?", (name,))
    await world.start()


async def _event(client, kind):
    async with asyncio.timeout(20):
        async for event in client.events():
            if isinstance(event, kind):
                return event
    raise AssertionError("the events ended")


async def test_the_trace_names_each_derivation_and_no_secret(tmp_path: Path) -> None:
    lines: list[str] = []
    async with (
        a_world(tmp_path) as world,
        connect(
            world.invite, user="trudy", password="words of trudy", home=tmp_path / "trudy", trace=lines.append
        ) as trudy,
    ):
        await trudy.join("lobby")
    told = "\n".join(lines)
    steps = ("tls TLSv1.3", "OPAQUE-3DH ristretto255-SHA512: Blind", "Argon2id(", "DeriveSecret", "link > ")
    assert [step for step in steps if step not in told] == []
    assert "words of trudy" not in told
