"""Framing rules: who may send what, how, and with which tags."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from mls_world import (
    CONFIG,
    NOW,
    World,
    commit_of,
    insider,
    private_message,
    refused,
    refused_by,
    taken_apart,
)

from sottovoce.crypto.hpke import HpkeSealer
from sottovoce.mls import (
    Group,
    GroupConfig,
    LeafIndex,
    OwnMessage,
    StagedCommit,
    UndecryptableMessage,
    ValidationRule,
)
from sottovoce.mls.framing import FramedContent, MLSMessage, PrivateMessage, PublicMessage, Sender, WireFormat
from sottovoce.mls.proposals import Commit, ExternalInit, PathNode, Remove, UpdatePath
from sottovoce.mls.protection import sign_content
from sottovoce.mls.tree_math import NodeIndex

OPEN = GroupConfig(authentication=CONFIG.authentication, accept_public_messages=True)


def test_another_group(world: World) -> None:
    alice, bob = world.group_of("alice", "bob")
    refused(bob, insider(alice, b"x", group_id=b"other"), ValidationRule.FRAMING_GROUP)


def test_wire_formats_for_other_doors(world: World) -> None:
    alice, _ = world.group_of("alice", "bob")
    for message in (world.bundle("carol").message, alice.group_info()):
        refused(alice, message, ValidationRule.FRAMING_WIRE_FORMAT)


def test_sender_outside_the_tree(world: World) -> None:
    alice, bob, carol = world.group_of("alice", "bob", "carol")
    world.commit(alice, remove=[carol.own_leaf_index])
    alice._state = replace(alice._state, own_leaf=LeafIndex(2))
    alice._epochs[alice.epoch].secret_tree._leaf_count = 4
    alice._epochs[alice.epoch].secret_tree._nodes = {NodeIndex(3): bytes(32)}
    refused(bob, insider(alice, b"x"), ValidationRule.FRAMING_SENDER)


def test_signature_of_another(world: World) -> None:
    alice, bob = world.group_of("alice", "bob")
    refused(bob, insider(alice, b"x", key=world.keys().private), ValidationRule.FRAMING_SIGNATURE)


def test_padding_of_other_bytes(world: World) -> None:
    alice, bob = world.group_of("alice", "bob")
    framed = FramedContent(alice.group_id, alice.epoch, Sender.member(alice.own_leaf_index), b"", b"x")
    state = alice._state
    key, context = state.signature_key_pair.private, state.context.encoded
    signed = sign_content(alice.suite, key, WireFormat.PRIVATE_MESSAGE, framed, context)

    class Spoilt:
        def __getattr__(self, name: str) -> object:
            return getattr(signed.auth, name)

        def encode(self) -> bytes:
            return signed.auth.encode() + b"\x01"

    message = private_message(alice, replace(signed, auth=Spoilt()))  # type: ignore[arg-type]
    refused(bob, message, ValidationRule.FRAMING_PADDING)


def test_an_external_init_is_never_proposed(world: World) -> None:
    alice, bob = world.group_of("alice", "bob")
    refused(bob, insider(alice, ExternalInit(b"")), ValidationRule.PROPOSAL_ALLOWED)


class TestPublicMessage:
    def test_of_a_member_where_they_are_accepted(self, world: World) -> None:
        world.config = OPEN
        alice, bob, carol = world.group_of("alice", "bob", "carol")
        message = insider(alice, Remove(carol.own_leaf_index), public=True)
        bob.merge(bob.process(message, now=NOW))
        assert bob.has_pending_proposals
        refused_by(alice, message, OwnMessage)

    def test_application_data(self, world: World) -> None:
        world.config = OPEN
        alice, bob = world.group_of("alice", "bob")
        refused(bob, insider(alice, b"x", public=True), ValidationRule.FRAMING_APPLICATION_ENCRYPTED)

    def test_sender_outside_the_tree(self, world: World) -> None:
        world.config = OPEN
        alice, bob = world.group_of("alice", "bob")
        message = insider(alice, Remove(LeafIndex(0)), sender=Sender.member(LeafIndex(70)), public=True)
        refused(bob, message, ValidationRule.FRAMING_SENDER)

    def test_membership_tag(self, world: World) -> None:
        world.config = OPEN
        alice, bob = world.group_of("alice", "bob")
        body = MLSMessage.decode(insider(alice, Remove(LeafIndex(1)), public=True)).body
        assert isinstance(body, PublicMessage)
        spoilt = MLSMessage(replace(body, membership_tag=b"")).encode()
        refused(bob, spoilt, ValidationRule.FRAMING_MEMBERSHIP_TAG)


class TestPath:
    """An insider's path, wrong in one way."""

    def spoil(self, world: World, **changes: object) -> tuple[Group, bytes]:
        alice, bob, _ = world.group_of("alice", "bob", "carol")
        path = taken_apart(alice).path
        assert path is not None
        return bob, insider(alice, Commit((), replace(path, **changes)))  # type: ignore[arg-type]

    def path(self, group: Group) -> UpdatePath:
        path = taken_apart(group).path
        assert path is not None
        return path

    def test_length(self, world: World) -> None:
        receiver, message = self.spoil(world, nodes=())
        refused(receiver, message, ValidationRule.PATH_LENGTH)

    def test_ciphertexts(self, world: World) -> None:
        alice, bob, _ = world.group_of("alice", "bob", "carol")
        path = self.path(alice)
        fewer = tuple(PathNode(node.encryption_key, ()) for node in path.nodes)
        refused(bob, insider(alice, Commit((), replace(path, nodes=fewer))), ValidationRule.PATH_CIPHERTEXTS)

    def test_garbled_ciphertext(self, world: World) -> None:
        alice, bob, _ = world.group_of("alice", "bob", "carol")
        path = self.path(alice)
        nodes = tuple(
            PathNode(
                node.encryption_key, tuple((kem, bytes(len(box))) for kem, box in node.encrypted_path_secret)
            )
            for node in path.nodes
        )
        refused_by(bob, insider(alice, Commit((), replace(path, nodes=nodes))), UndecryptableMessage)

    def test_another_key_than_the_secrets(self, world: World) -> None:
        alice, bob, _ = world.group_of("alice", "bob", "carol")
        path = self.path(alice)
        key = world.suite.derive_key_pair(b"other" * 8).public
        nodes = (*path.nodes[:-1], replace(path.nodes[-1], encryption_key=key))
        message = insider(alice, Commit((), replace(path, nodes=nodes)))
        refused(bob, message, ValidationRule.PATH_PARENT_HASH)

    def test_a_key_twice(self, world: World) -> None:
        alice, bob, _ = world.group_of("alice", "bob", "carol")
        path = self.path(alice)
        nodes = (path.nodes[0], replace(path.nodes[1], encryption_key=path.nodes[0].encryption_key))
        message = insider(alice, Commit((), replace(path, nodes=nodes)))
        refused(bob, message, ValidationRule.PATH_KEYS)

    def test_an_unusable_key(self, world: World) -> None:
        alice, bob, _ = world.group_of("alice", "bob", "carol")
        path = self.path(alice)
        nodes = (path.nodes[0], replace(path.nodes[1], encryption_key=bytes(32)))
        message = insider(alice, Commit((), replace(path, nodes=nodes)))
        refused(bob, message, ValidationRule.LEAF_PUBLIC_KEY)

    def test_the_old_leaf_key(self, world: World) -> None:
        alice, bob, _ = world.group_of("alice", "bob", "carol")
        path, old = self.path(alice), alice._state.tree.leaf(alice.own_leaf_index)
        assert old is not None
        spoilt = replace(path, leaf_node=replace(path.leaf_node, encryption_key=old.encryption_key))
        refused(bob, insider(alice, Commit((), spoilt)), ValidationRule.LEAF_KEY_FRESH)

    def test_a_short_path_secret(self, world: World) -> None:
        alice, bob, _ = world.group_of("alice", "bob", "carol")

        seal = HpkeSealer.seal

        def short(sealer: HpkeSealer, key: bytes, _: bytes) -> object:
            return seal(sealer, key, b"short")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(HpkeSealer, "seal", short)
            message = alice.commit(random=os.urandom, now=NOW).message
        refused(bob, message, ValidationRule.PATH_SECRET)

    def test_leaf_of_another_source(self, world: World) -> None:
        alice, bob, _ = world.group_of("alice", "bob", "carol")
        package = world.bundle("alice").key_package
        path = replace(self.path(alice), leaf_node=package.leaf_node)
        refused(bob, insider(alice, Commit((), path)), ValidationRule.LEAF_SOURCE)


def test_every_byte_of_a_message_counts(world: World) -> None:
    alice, bob = world.group_of("alice", "bob")
    sent = alice.encrypt(b"text", random=os.urandom)
    body = MLSMessage.decode(sent.message).body
    assert isinstance(body, PrivateMessage)
    for spoilt in (
        replace(body, authenticated_data=b"other"),
        replace(body, ciphertext=body.ciphertext[:-1]),
        replace(body, encrypted_sender_data=bytes(28)),
    ):
        refused_by(bob, MLSMessage(spoilt).encode(), UndecryptableMessage)


def test_unchanged_message_of_an_insider_still_works(world: World) -> None:
    """The insider of these tests is not refused for being clumsy: honest content of its making passes."""
    alice, bob, _ = world.group_of("alice", "bob", "carol")
    assert commit_of() == Commit((), None)
    staged = alice.commit(random=os.urandom, now=NOW)
    assert isinstance(bob.process(staged.message, now=NOW), StagedCommit)
