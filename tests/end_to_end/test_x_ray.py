"""A message's life as the SDK tells it, against the server's disk, the wire and a copy of the group."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import msgspec
import pytest
from recording_proxy import APPLICATION_DATA, RecordingProxy, tls_records
from sdk_world import World, a_world, messages, until

from sottovoce.client import session, x_ray
from sottovoce.client.content import Envelope, MimiContent
from sottovoce.client.errors import NoLifeRecorded
from sottovoce.client.events import ReceivedMessage
from sottovoce.client.inbox import Inbox
from sottovoce.client.message_life import MessageLife
from sottovoce.client.room import Room
from sottovoce.client.tables.lives import LifeRecord
from sottovoce.client.tables.records import decode, encode
from sottovoce.client.transport import ServerLink
from sottovoce.client.vault_keeper import VaultKeeper
from sottovoce.link.invite_link import InviteLink
from sottovoce.mls import Group, MLSMessage, PrivateMessage
from sottovoce.mls.protection import open_sender_data
from sottovoce.mls.secret_tree import APPLICATION, SecretTree

TEXT = "Tea at four 🫖"


def copy_of_group(room: Room) -> Group:
    """The group as it is now, in an object of its own: what it decrypts stays decryptable in the room."""
    state = room._sync.kept.state
    assert state.group is not None
    return Group.restore(state.group.records(), config=state.config)


@dataclass
class Decrypted:
    """A PrivateMessage, taken apart with the group's own secrets."""

    message: PrivateMessage
    leaf: int
    generation: int
    reuse_guard: bytes
    nonce: bytes
    key: bytes
    plaintext: bytes


def decrypted(group: Group, payload: bytes) -> Decrypted:
    message = MLSMessage.decode(payload).body
    assert isinstance(message, PrivateMessage)
    epoch = group._epochs[message.epoch]
    sender = open_sender_data(group.suite, message, epoch.past.sender_data_secret)
    ratchet = epoch.secret_tree.plan(sender.leaf, APPLICATION, sender.generation).message_key
    mask = int.from_bytes(sender.reuse_guard + bytes(8))
    nonce = (int.from_bytes(ratchet.nonce) ^ mask).to_bytes(12)
    plaintext = group.suite.open(ratchet.key, nonce, message.content_aad, message.ciphertext)
    return Decrypted(
        message, sender.leaf, sender.generation, sender.reuse_guard, nonce, ratchet.key, plaintext
    )


def vector_at(data: bytes, at: int) -> tuple[bytes, int]:
    """Read ``opaque value<V>`` (RFC 9420 §2.1.2); returns it and where it ends."""
    size = 1 << (data[at] >> 6)
    length = int.from_bytes(data[at : at + size]) & ((1 << (8 * size - 2)) - 1)
    return data[at + size : at + size + length], at + size + length


def check_against(life: MessageLife, found: Decrypted) -> None:
    """Hold each number of a life against a decryption that knows nothing of it."""
    protection, message = life.protection, found.message
    assert life.room_id == message.group_id
    assert (protection.epoch, protection.leaf, protection.generation) == (
        message.epoch, found.leaf, found.generation,
    )  # fmt: skip
    assert protection.nonce == found.nonce
    assert found.reuse_guard not in astuple(protection)
    assert protection.key_length == len(found.key)
    assert protection.plaintext_length == len(found.plaintext) == 256
    assert protection.ciphertext_length == len(message.ciphertext) == len(found.plaintext) + 16
    # PrivateMessageContent: two vectors with a length of one or two bytes before each, then zeros (§6.3.1).
    body, at = vector_at(found.plaintext, 0)
    signature, end = vector_at(found.plaintext, at)
    assert body == life.envelope.data
    assert (protection.signature_length, protection.padding_length) == (len(signature), 256 - end)
    # All that was encrypted is there but the signature, which is not kept.
    assert life.plaintext.stretch("signature") == bytes(64)
    assert life.plaintext.data == found.plaintext.replace(signature, bytes(64))
    envelope = Envelope.decode(life.envelope.data)
    assert envelope == life.history
    assert MimiContent.decode(envelope.content).text == life.message.text
    for octets, name, value in (
        (life.envelope, "content", life.content.data),
        (life.content, "text", life.message.text.encode()),
        (life.private_message, "encrypted sender data", message.encrypted_sender_data),
        (life.private_message, "ciphertext", message.ciphertext[:-16]),
        (life.private_message, "tag", message.ciphertext[-16:]),
    ):
        assert octets.stretch(name) == value
    for octets in (life.content, life.envelope, life.plaintext, life.private_message):
        ends = [stretch.end for stretch in octets.stretches]
        assert [stretch.start for stretch in octets.stretches] == [0, *ends[:-1]]
        assert ends[-1] == len(octets.data)


async def test_every_number_is_what_the_bytes_say(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice, world.person("bob") as bob:
        hers, his = await alice.create_room("tea"), None
        his = await bob.join(str(await alice.invite(hers)))
        await until(lambda: hers.epoch == his.epoch, "one epoch")
        copy = copy_of_group(his)
        seqs = [await (await hers.send(text)).stored() for text in (TEXT, "t", "")]
        for seq, message, mine in zip(seqs, await messages(his, 3), await messages(hers, 3), strict=True):
            stored = next(one.entry for one in world.log() if one.entry.seq == seq and one.entry.epoch >= 1)
            found = decrypted(copy, stored.payload)
            for life in (await his.life_of(message.message_id), await hers.life_of(mine.message_id)):
                check_against(life, found)
                assert life.protection.suite == his.suite_name
                entry = life.stored
                assert entry is not None
                assert entry.is_same
                assert (entry.seq, entry.kind, entry.epoch) == (seq, "message", stored.epoch)
                assert entry.payload == stored.payload == life.private_message.data
                assert round(entry.at.timestamp() * 1000) == stored.at
                assert life.payload_hash == hashlib.sha256(stored.payload).digest()
                assert entry.frame.stretch("payload") == stored.payload
                assert life.missing == ""


async def test_frame_and_records_are_those_of_the_wire(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing but the x-ray asks the server for anything meanwhile.
    monkeypatch.setattr(Inbox, "look", lambda _: None)
    monkeypatch.setattr(VaultKeeper, "changed", lambda _: None)
    monkeypatch.setattr(session, "PING_EVERY", 3600.0)
    came: list[bytes] = []
    receive = ServerLink.data_received

    def data_received(link: ServerLink, data: bytes) -> None:
        came.append(bytes(data))
        receive(link, data)

    async with a_world(tmp_path) as world:
        proxy = RecordingProxy(world.address.port)
        link = str(replace(InviteLink.parse(world.invite, now=time.time()), port=proxy.port))
        async with world.person("alice", link=link) as alice:
            room = await alice.join("lobby")
            for text in (TEXT, "long " * 5000):
                await room.send(text)
                await room.flush()
            newest = await messages(room, 2)
            for message in newest:
                monkeypatch.setattr(ServerLink, "data_received", data_received)
                before, came[:] = len(proxy.conversations[-1].to_client), []
                stored = (await room.life_of(message.message_id)).stored
                assert stored is not None
                assert b"".join(came) == stored.frame.data
                records = tls_records(bytes(proxy.conversations[-1].to_client[before:]))
                assert {kind for kind, _ in records} == {APPLICATION_DATA}
                assert tuple(5 + len(fragment) for _, fragment in records) == stored.tls.record_lengths
                assert stored.tls.version == "TLSv1.3"
                assert stored.tls.cipher.startswith("TLS_")
        proxy.close()


async def one_message(world: World, room: Room, text: str = TEXT) -> ReceivedMessage:
    await room.send(text)
    await room.flush()
    return (await messages(room, 1))[0]


async def test_without_the_server_the_rest_is_there(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        room = await alice.join("lobby")
        message = await one_message(world, room)
        whole = await room.life_of(message.message_id)
        await world.stop()
        await until(lambda: not alice.is_online, "offline")
        life = await room.life_of(message.message_id)
        assert life.stored is None
        assert life.missing == "The server is not connected."
        assert (life.content, life.plaintext, life.protection) == (
            whole.content, whole.plaintext, whole.protection,
        )  # fmt: skip
        # The header is made again; what was encrypted is missing, in the right length.
        known = [one for one in life.private_message.stretches if one.is_known]
        assert [one.name for one in life.private_message.stretches if not one.is_known] == [
            "encrypted sender data", "ciphertext", "tag",
        ]  # fmt: skip
        for one in known:
            assert (
                life.private_message.data[one.start : one.end]
                == (whole.private_message.data[one.start : one.end])
            )
        assert len(life.private_message) == len(whole.private_message)


async def test_a_server_that_gives_other_bytes_is_seen(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        room = await alice.join("lobby")
        message = await one_message(world, room)
        await world.stop()
        log = world.log()
        log[-1] = log[-1].but(payload=b"something else")
        world.replace_log(log, chain_too=False)
        await world.start()
        await until(lambda: alice.is_online, "online again")
        life = await room.life_of(message.message_id)
        assert life.stored is not None
        assert not life.stored.is_same
        assert life.stored.payload == b"something else"
        # What this device received is not mixed up with what the server says now.
        assert not any(one.is_known for one in life.private_message.stretches if one.name == "ciphertext")


@pytest.mark.parametrize(
    ("is_honest", "why"), [(True, "has deleted this entry since"), (False, "though it had it")]
)
async def test_an_entry_that_is_gone_was_deleted_or_is_held_back(
    tmp_path: Path, is_honest: bool, why: str
) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        room = await alice.join("lobby")
        message = await one_message(world, room)
        await world.stop()
        log = world.log()
        world.replace_log(log[:-1], chain_too=False)
        if is_honest:
            world.sql("DELETE FROM segments")
            world.sql("UPDATE rooms SET first = head + 1")
        await world.start()
        await until(lambda: alice.is_online, "online again")
        life = await room.life_of(message.message_id)
        assert life.stored is None
        assert why in life.missing


async def test_a_server_that_does_not_answer_costs_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        room = await alice.join("lobby")
        message = await one_message(world, room)
        with monkeypatch.context() as patched:
            patched.setattr(x_ray, "FETCH_DEADLINE", 0.0)
            life = await room.life_of(message.message_id)
        assert life.stored is None
        assert life.missing == "The server did not answer within 0 seconds."
        # The late answer disturbs nobody: the connection is the same, and goes on.
        assert alice.is_online
        assert (await room.life_of(message.message_id)).stored is not None


async def test_a_text_that_is_not_the_one_that_came_is_not_passed_off_as_it(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        room = await alice.join("lobby")
        message = await one_message(world, room)
        for text in ("Tea at five 🫖", "longer than it was before"):
            item = encode(msgspec.structs.replace(message, text=text))
            await alice._store.transact(
                lambda database, item=item: database.execute(
                    "UPDATE timeline SET item = ? WHERE message_id = ?", (item, message.message_id)
                )
            )
            with pytest.raises(NoLifeRecorded, match="not the one that came"):
                await room.life_of(message.message_id)


async def test_what_cannot_be_looked_into_says_why(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        room = await alice.join("lobby")
        message = await one_message(world, room)
        with pytest.raises(NoLifeRecorded, match="not in the room's log yet"):
            await room.life_of(bytes(32))
        await alice._store.transact(lambda database: database.execute("DELETE FROM lives"))
        with pytest.raises(NoLifeRecorded, match="before this version"):
            await room.life_of(message.message_id)


@contextmanager
def every_secret_derived(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """Collects each key with its nonce, and each ratchet secret, that a group derives in this process."""
    secrets: list[bytes] = []
    plan = SecretTree._plan

    def spying(tree: SecretTree, *arguments: object) -> object:
        step = plan(tree, *arguments)  # type: ignore[arg-type]
        key, nonce = step.message_key.key, step.message_key.nonce
        secrets.extend([key, nonce, step.next_secret or key])
        return step

    with monkeypatch.context() as patched:
        patched.setattr(SecretTree, "_plan", spying)
        yield secrets


async def test_no_secret_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with every_secret_derived(monkeypatch) as secrets:
        async with a_world(tmp_path) as world, world.person("alice") as alice:
            room = await alice.join("lobby")
            async with world.person("bob") as bob:
                his = await bob.join("lobby")
                await (await his.send(TEXT)).stored()
                await (await room.send("and scones")).stored()
                await messages(room, 2)
                group = copy_of_group(room)
                rows = await alice._store.transact(lambda database: database.all("SELECT record FROM lives"))
                kept = [row[0] for row in rows]
    assert len(kept) == 2
    assert len(secrets) >= 12
    held = [value for value in group.records().values() if len(value) >= 16]
    for record in kept:
        assert TEXT.encode() not in record
        assert b"and scones" not in record
        assert all(secret[:8] not in record for secret in secrets)
        assert all(
            value[at : at + 16] not in record
            for value in held
            for at in range(0, len(value) - 15, 8)
            if len(set(value[at : at + 16])) > 8 and room.room_id not in value
        )
        life = decode(record, LifeRecord)
        assert len(life.protection.nonce) == 12
        # Numbers, the nonce, a hash of what is public, and the envelope without its text: no room for more.
        assert len(record) < len(life.envelope) + 12 + 32 + 60
