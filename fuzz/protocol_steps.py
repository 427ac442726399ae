"""``Group.process`` and joining, for input that has come past the keys: structure first, then mutation.

Bytes that nobody has signed or encrypted go no further than the first check. So here the input is what is
*inside*: an insider's plaintext is encrypted, its sender data too, a GroupInfo is sealed into a Welcome,
a tree gets the hash its context names. Where the first bit says so, the victim takes every signature and
every tag for good, and only the checks of structure are left between the input and the state.
"""

from __future__ import annotations

import random
from dataclasses import replace

from mls_world import NOW, World, restored, stored
from target import Target

from sottovoce.crypto.secret import Secret
from sottovoce.crypto.suites import CipherSuite
from sottovoce.errors import PeerError
from sottovoce.mls import Credential, Group, KeyPackageBundle, LeafIndex, inspect_group_info
from sottovoce.mls.extensions import Extension, ExtensionType
from sottovoce.mls.framing import (
    ContentType,
    MLSMessage,
    PrivateMessage,
    WireFormat,
    encode_content,
)
from sottovoce.mls.group_info import EncryptedGroupSecrets, GroupInfo, GroupSecrets, Welcome
from sottovoce.mls.key_schedule import psk_secret, welcome_key_and_nonce, welcome_secret
from sottovoce.mls.labels import decrypt_with_label, encrypt_with_label, expand_with_label
from sottovoce.mls.presentation import decode, opaque, uint8, uint16, uint32, uint64
from sottovoce.mls.proposal_list import resolve_psks
from sottovoce.mls.protection import decrypt_content, open_sender_data
from sottovoce.mls.ratchet_tree import RatchetTree
from sottovoce.mls.secret_tree import ratchet_kind

PSKS = {b"the key": Secret(b"\x07" * 32)}
GUARD = bytes(4)


class TrustingSuite(CipherSuite):
    """A suite for which every signature and every tag is right."""

    __slots__ = ()

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:  # noqa: ARG002 - it trusts
        """Return True."""
        return True

    def verify_mac(self, key: bytes, data: bytes, tag: bytes) -> bool:  # noqa: ARG002 - it trusts
        """Return True."""
        return True


def trusting(suite: CipherSuite) -> TrustingSuite:
    """Return ``suite`` without its judgement."""
    parts = (suite.id, suite.name, suite.kem, suite.hash_function, suite.aead, suite.signature)
    return TrustingSuite(*parts)


def credulous(group: Group) -> Group:
    """Return a copy of ``group`` that takes every signature and tag for good."""
    copy = restored(stored(group), group._config)
    copy._state = replace(copy._state, suite=trusting(group.suite))
    return copy


def targets() -> list[Target]:
    """Return the targets of processing and of joining."""
    return [processing(), joining()]


# -- processing ------------------------------------------------------------------------------------------


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
    before = [stored(one) for one in victims]

    def process(data: bytes) -> None:
        way, inside = (data[0], data[1:]) if data else (0, b"")
        at = way & 1
        try:
            staged = victims[at].process(wrapped(insider, way >> 1, inside), psks=PSKS, now=NOW)
        finally:
            if stored(victims[at]) != before[at]:
                raise AssertionError("processing has changed the group")
        copy = restored(before[at], world.config)
        copy._state = victims[at]._state
        copy.merge(staged)
        restored(stored(copy), world.config)

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


# -- joining ---------------------------------------------------------------------------------------------


def joining() -> Target:
    """Return the target of joining, by Welcome and externally; the first byte says what the others are."""
    draw = random.Random(9421).randbytes
    world = World()
    alice, *_ = world.group_of("alice", "bob", "carol", "dave")
    bundle = world.bundle("erin")
    staged = alice.commit(add=[bundle.message], psks=PSKS, random=draw, now=NOW)
    message = staged.welcome or b""
    welcome = MLSMessage.decode(message).body
    assert isinstance(welcome, Welcome)
    secrets, info = inside_of(welcome, bundle)
    external = MLSMessage.decode(alice.group_info()).body
    assert isinstance(external, GroupInfo)
    keys, config = world.keys(), world.config

    def join(welcome: bytes, suite: CipherSuite) -> None:
        kept = bundle
        if isinstance(suite, TrustingSuite):
            kept = CredulousBundle(*(getattr(bundle, name) for name in bundle.__dataclass_fields__))
        group = Group.join(welcome, kept, psks=PSKS, config=config)
        restored(stored(group), config)

    def join_externally(message: bytes, suite: CipherSuite) -> None:
        inspect_group_info(message, suite=suite, authentication=config.authentication)
        joined = Group.join_externally(
            message, Credential.basic(b"frank"), keys, suite=suite, psks=PSKS, config=config, random=draw
        )
        restored(stored(joined.group), config)

    def with_tree(info: GroupInfo, tree: bytes) -> GroupInfo:
        others = [one for one in info.extensions if one.extension_type != ExtensionType.RATCHET_TREE]
        context = replace(info.group_context, tree_hash=RatchetTree.decode(tree).tree_hash(world.suite))
        extensions = (*others, Extension(ExtensionType.RATCHET_TREE, tree))
        unsigned = replace(info, group_context=context, extensions=extensions)
        return unsigned.signed(world.suite, alice._state.signature_key_pair.private)

    def read(data: bytes) -> None:
        way, inside = (data[0], data[1:]) if data else (0, b"")
        suite = trusting(world.suite) if way & 1 else world.suite
        match way >> 1 & 7:
            case 0:
                join(inside, suite)
            case 1:
                join_externally(inside, suite)
            case 2:
                join(welcome_of(bundle, inside, info.encoded), suite)
            case 3:
                join(welcome_of(bundle, secrets, inside), suite)
            case 4:
                join(welcome_of(bundle, secrets, with_tree(info, inside).encoded), suite)
            case 5:
                join_externally(MLSMessage(with_tree(external, inside)).encode(), suite)
            case _:
                join_externally(uint16(1) + uint16(WireFormat.GROUP_INFO) + inside, suite)

    trees = [alice._state.tree.encode(), staged.next.tree.encode() if staged.next else b""]
    starts = [(0, message), (2, alice.group_info()), (4, secrets), (6, info.encoded), (12, external.encoded)]
    starts += [(8, trees[1]), (10, trees[0])]
    seeds = [bytes([way | trusts]) + start for way, start in starts for trusts in (0, 1)]
    return Target("step join", read, seeds, (PeerError,), 1, is_decoder=False)


class CredulousBundle(KeyPackageBundle):
    """A joiner's keys, of a suite that trusts."""

    @property
    def suite(self) -> CipherSuite:
        """The suite, without its judgement."""
        return trusting(super().suite)


def inside_of(welcome: Welcome, bundle: KeyPackageBundle) -> tuple[bytes, GroupInfo]:
    """Return the encoded GroupSecrets and the GroupInfo of an honest Welcome."""
    suite, entry = bundle.suite, welcome.secrets[0]
    sealed = (entry.kem_output, entry.ciphertext)
    private = bundle.init_private_key.reveal()
    secrets = decrypt_with_label(suite, private, b"Welcome", welcome.encrypted_group_info, sealed)
    key, nonce = keys_of(suite, secrets)
    return secrets, decode(GroupInfo.read, suite.open(key, nonce, b"", welcome.encrypted_group_info))


def keys_of(suite: CipherSuite, secrets: bytes) -> tuple[bytes, bytes]:
    """Return key and nonce of a Welcome's GroupInfo, with the pre-shared keys its secrets name."""
    read = decode(GroupSecrets.read, secrets)
    combined = psk_secret(suite, resolve_psks(read.psks, PSKS, b"", {}))
    return welcome_key_and_nonce(suite, welcome_secret(suite, read.joiner_secret, combined))


def welcome_of(bundle: KeyPackageBundle, secrets: bytes, info: bytes) -> bytes:
    """Return a Welcome that holds these, well sealed; raises ``PeerError`` where that cannot be."""
    suite = bundle.suite
    key, nonce = keys_of(suite, secrets)
    sealed = suite.seal(key, nonce, b"", info)
    pair = encrypt_with_label(suite, bundle.key_package.init_key, b"Welcome", sealed, secrets)
    entry = EncryptedGroupSecrets(bundle.ref, *pair)
    return MLSMessage(Welcome(suite.id, (entry,), sealed)).encode()
