"""B15: what the server holds of a private room has no tree, no credential, no member, no name."""

from __future__ import annotations

from pathlib import Path

from room_world import Person, talking
from sdk_world import a_world, until

from sottovoce.client.join_secret import JoinSecret
from sottovoce.client.policy import POLICY_EXTENSION
from sottovoce.mls import Group, find_extension
from sottovoce.mls.tree_math import LeafIndex


def secrets_of(group: Group) -> dict[str, bytes]:
    """What would tell a reader of the log who is in the room and what it is; and what would open it."""
    tree, context = group._state.tree, group._state.context
    told = {
        "the tree's hash": context.tree_hash,
        "the transcript": context.confirmed_transcript_hash,
        "the authenticator": group.epoch_authenticator,
        "the policy": find_extension(group.extensions, POLICY_EXTENSION) or b"",
    }
    for member in group.members():
        leaf = tree.leaf(LeafIndex(member.leaf_index))
        assert leaf is not None
        told[f"the credential of leaf {member.leaf_index}"] = member.credential.identity
        told[f"the signature key of leaf {member.leaf_index}"] = leaf.signature_key
        told[f"the encryption key of leaf {member.leaf_index}"] = leaf.encryption_key[:64]
    return told


def test_group_info_and_log_hold_none_of_it() -> None:
    # Names so long that no ciphertext has them by chance: of three letters it would, once in 700 times.
    alice, bob, carol = people = talking("alice-canary", "bob-canary", "carol-canary")
    alice.type("hello")
    alice.send()
    for person in people:
        person.read()
    held = [alice.log.group_info, *(entry.payload for entry in alice.log.entries)]
    told = secrets_of(bob.state.group)
    assert len(told) == 4 + 3 * 3
    for person in people:
        told[f"the name {person.around.own.certificate.user}"] = person.around.own.certificate.user.encode()
    told["the room's name"] = b"lobby"
    for what, octets in told.items():
        assert not any(octets in one for one in held), what
    opened = JoinSecret.open_group_info(
        carol.state.join_secret, carol.state.record.room_id, carol.log.epoch, carol.log.group_info
    )
    assert told["the credential of leaf 0"] in opened, "all that is in there, under the secret"


def test_the_size_of_the_group_info_is_all_that_is_seen() -> None:
    """It grows with the room; the server knows the roster anyway (docs, *What is not protected*)."""
    alice, *_ = talking("alice", "bob")
    before = len(alice.log.group_info)
    Person("carol", alice.log).join()
    assert len(alice.log.group_info) > before


async def test_a_dump_of_the_servers_disk(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("alice") as alice:
        room = await alice.create_room("CanaryRoom")
        async with world.person("bob", link=str(await alice.invite(room))) as bob:
            his = await bob.join("CanaryRoom")
            await until(lambda: len(room.members()) == 2, "bob is in")
            await his.send("CanaryMessage")
            await his.flush()
            group = room._sync.kept.state.group
            # Certificates and their keys are the accounts', for key packages and device logins: the server
            # has those, but not beside the room.
            of_the_room = {
                what: octets
                for what, octets in secrets_of(group).items()
                if "credential" not in what and "signature" not in what
            }
            of_the_room["the secret"] = room._sync.kept.state.join_secret.secret.reveal()
        await world.stop()
        dump = b"".join(path.read_bytes() for path in sorted(world.data.rglob("*")) if path.is_file())
        assert len(dump) > 50_000
        for what, octets in of_the_room.items():
            assert octets not in dump, what
            assert octets.hex().encode() not in dump, what
        for word in (b"CanaryRoom", b"CanaryMessage"):
            assert word not in dump
        payloads = world.sql("SELECT entries FROM segments UNION ALL SELECT group_info FROM rooms")
        certificates = [row[0] for row in world.sql("SELECT certificate FROM devices")]
        assert len(certificates) == 2
        for certificate in certificates:
            assert not any(certificate in (payload or b"") for (payload,) in payloads)
