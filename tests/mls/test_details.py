"""The details of a PrivateMessage against what the receiver's own secrets say of its bytes."""

from __future__ import annotations

import os

import pytest
from mls_world import CONFIG, NOW, World

from sottovoce.crypto.suites import DEFAULT
from sottovoce.mls import Group, MessageDetails, MLSMessage, PrivateMessage, StagedApplication
from sottovoce.mls.framing import ContentAuth, read_content
from sottovoce.mls.presentation import Reader
from sottovoce.mls.protection import open_sender_data
from sottovoce.mls.secret_tree import APPLICATION

LONG = b"x" * 5000


def recomputed(receiver: Group, message: bytes) -> tuple[MessageDetails, list[bytes]]:
    """The details, and what is to be in none, from a message's bytes and a copy of the receiver.

    That is its key, the ratchet's nonce and the reuse guard.
    """
    copy = Group.restore(receiver.records(), config=CONFIG)
    private = MLSMessage.decode(message).body
    assert isinstance(private, PrivateMessage)
    epoch = copy._epochs[private.epoch]
    sender = open_sender_data(copy.suite, private, epoch.past.sender_data_secret)
    key = epoch.secret_tree.plan(sender.leaf, APPLICATION, sender.generation).message_key
    mask = int.from_bytes(sender.reuse_guard.ljust(12, b"\0"))
    nonce = (int.from_bytes(key.nonce) ^ mask).to_bytes(12)
    plaintext = Reader(copy.suite.open(key.key, nonce, private.content_aad, private.ciphertext))
    read_content(plaintext, private.content_type)
    auth = ContentAuth.read(plaintext, private.content_type)
    details = MessageDetails(
        group_id=private.group_id,
        epoch=private.epoch,
        content_type=private.content_type,
        leaf=sender.leaf,
        generation=sender.generation,
        nonce=nonce,
        authenticated_data_length=len(private.authenticated_data),
        signature_length=len(auth.signature),
        padding_length=len(plaintext.rest()),
        encrypted_sender_data_length=len(private.encrypted_sender_data),
        ciphertext_length=len(private.ciphertext),
    )
    return details, [key.key, key.nonce, sender.reuse_guard]


@pytest.mark.parametrize("content", [b"", b"hello", b"x" * 180, LONG], ids=["none", "short", "full", "long"])
@pytest.mark.parametrize("authenticated_data", [b"", b"seen by all"])
def test_both_sides_say_what_the_bytes_say(content: bytes, authenticated_data: bytes) -> None:
    world = World(suite=DEFAULT)
    alice, bob = world.group_of("alice", "bob")
    for generation in range(3):
        sent = alice.encrypt(content, authenticated_data=authenticated_data, random=os.urandom)
        alice.merge(sent)
        expected, deleted = recomputed(bob, sent.message)
        received = bob.process(sent.message, now=NOW)
        bob.merge(received)
        assert isinstance(received, StagedApplication)
        assert sent.details == received.details == expected
        assert expected.generation == generation
        printed = [repr(one) for one in (sent, received, sent.protected)]
        assert all(repr(one) not in text for one in deleted for text in printed)
        held = [getattr(expected, name) for name in MessageDetails.__slots__]
        assert all(one[:8] not in value for one in deleted for value in held if isinstance(value, bytes))


def test_the_text_and_the_keys_are_in_no_representation(world: World) -> None:
    alice, bob = world.group_of("alice", "bob")
    sent = alice.encrypt(b"a secret word", random=os.urandom)
    received = bob.process(sent.message, now=NOW)
    for one in (sent.protected, repr(sent), repr(received), repr(sent.details)):
        assert "a secret word" not in repr(one)
