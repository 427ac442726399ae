"""``Group.process`` and joining, for input that has come past the keys: structure first, then mutation.

Bytes that nobody has signed or encrypted go no further than the first check. So here the input is what is
*inside*: an insider's plaintext is encrypted, its sender data too, a GroupInfo is sealed into a Welcome,
a tree gets the hash its context names. Where the first bit says so, the victim takes every signature and
every tag for good, and only the checks of structure are left between the input and the state.
"""

from __future__ import annotations

import random
from dataclasses import replace

from join_steps import joining
from mls_world import NOW, World, whole
from target import Target
from trusting import credulous

from sottovoce.crypto.secret import Secret
from sottovoce.errors import PeerError
from sottovoce.mls import Credential, Group, LeafIndex
from sottovoce.mls.framing import ContentType, MLSMessage, PrivateMessage, encode_content
from sottovoce.mls.labels import expand_with_label
from sottovoce.mls.presentation import opaque, uint8, uint32, uint64
from sottovoce.mls.protection import decrypt_content, open_sender_data
from sottovoce.mls.secret_tree import ratchet_kind

PSKS = {b"the key": Secret(b"\x07" * 32)}
GUARD = bytes(4)


def targets() -> list[Target]:
    """Return the targets of processing and of joining."""
    return [processing(), joining()]


def processing() -> Target:
    """Return the target of :meth:`Group.process`; the first byte says how the others are wrapped."""
    draw = random.Random(9420).randbytes
    world = World()
    world.config = replace(world.config, accept_public_messages=True)
    insider, victim, _, _ = world.group_of("insider", "victim", "carol", "dave")
    bundle = world.bundle("erin")
    proposal = insider.propose_update(random=draw)
    victim.merge(victim.process(proposal.message, now=NOW))
    insider.merge(proposal)
    joins = Group.join_externally(
        insider.group_info(),
        Credential.basic(b"frank"),
        world.keys(),
        suite=world.suite,
        psks=PSKS,
        config=world.config,
        random=draw,
    )
    commits = [
        insider.commit(add=[bundle.message], remove=[LeafIndex(2)], random=draw, now=NOW),
        insider.commit(psks=PSKS, group_context_extensions=(), random=draw, now=NOW),
        insider.commit(add=[bundle.message], force_path=False, random=draw, now=NOW),
        insider.commit(remove=[victim.own_leaf_index], random=draw, now=NOW),
    ]
    private = [
        *(commit.message for commit in commits),
        insider.encrypt(b"text", random=draw).message,
        insider.propose_update(random=draw).message,
        insider.propose_add(bundle.message, random=draw, now=NOW).message,
        insider.propose_remove(LeafIndex(2), random=draw).message,
    ]
    victims = (victim, credulous(victim))
    before = [whole(one) for one in victims]

    def process(data: bytes) -> None:
        way, inside = (data[0], data[1:]) if data else (0, b"")
        at = way & 1
        try:
            staged = victims[at].process(wrapped(insider, way >> 1, inside), psks=PSKS, now=NOW)
        finally:
            if whole(victims[at]) != before[at]:
                raise AssertionError("processing has changed the group")
        copy = Group.restore(before[at], config=world.config)
        copy._state = victims[at]._state
        copy.merge(staged)
        Group.restore(whole(copy), config=world.config)

    seeds = [bytes([way]) + message for way in (0, 1) for message in (*private, joins.commit)]
    for message in private:
        content_type, generation, plaintext = opened(victim, message)
        seeds += [bytes([2 * content_type | way]) + GUARD + plaintext for way in (0, 1)]
        sender_data = uint32(insider.own_leaf_index) + uint32(generation) + GUARD
        seeds += [bytes([8 | 2 * content_type]) + sender_data + plaintext]
    return Target("step process", process, seeds, (PeerError,), 1, is_decoder=False)


def wrapped(insider: Group, way: int, inside: bytes) -> bytes:
    """Return the message that an insider makes of the input.

    Way 0 is the input as it is; 1 to 3 encrypt it, after 4 bytes of authenticated data, as content of that
    type; 5 to 7 do so under 12 bytes of sender data from the input.
    """
    number = way & 7
    if number & 3 == 0:
        return inside
    content_type = ContentType(number & 3)
    state, tree = insider._state, insider._epochs[insider.epoch].secret_tree
    suite = state.suite
    step = tree.plan_next(insider.own_leaf_index, ratchet_kind(content_type))
    sender_data = uint32(step.leaf) + uint32(step.generation) + GUARD
    if number & 4:
        sender_data, inside = inside[:12], inside[12:]
        authenticated = b""
    else:
        authenticated, inside = inside[:4].rstrip(b"\0"), inside[4:]
    # §6.3.1: with a reuse guard of zeros the nonce is the ratchet's; §6.3.2: a sample of the ciphertext gives
    # the sender data's key.
    header = opaque(state.context.group_id) + uint64(state.epoch) + uint8(content_type)
    key = step.message_key
    ciphertext = suite.seal(key.key, key.nonce, header + opaque(authenticated), inside)
    secret, sample = state.secrets.sender_data_secret, ciphertext[: suite.secret_length]
    keys = (
        expand_with_label(suite, secret, label, sample, length)
        for label, length in ((b"key", suite.key_length), (b"nonce", suite.nonce_length))
    )
    sealed = suite.seal(*keys, header, sender_data)
    message = PrivateMessage(
        state.context.group_id, state.epoch, content_type, authenticated, sealed, ciphertext
    )
    return MLSMessage(message).encode()


def opened(victim: Group, message: bytes) -> tuple[ContentType, int, bytes]:
    """Return a PrivateMessage's content type, its generation, and its plaintext without the padding."""
    body = MLSMessage.decode(message).body
    assert isinstance(body, PrivateMessage)
    sender = open_sender_data(victim.suite, body, victim._state.secrets.sender_data_secret)
    content, _ = decrypt_content(victim.suite, body, sender, victim._epochs[victim.epoch].secret_tree)
    plaintext = encode_content(content.content.content) + content.auth.encode()
    return body.content_type, sender.generation, plaintext
