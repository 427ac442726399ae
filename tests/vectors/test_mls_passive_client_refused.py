"""A passive client meets its Welcome and each message spoilt in one way: refused by its rule, no trace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from mls_world import whole
from official_vectors import PASSIVE_CLIENT, Refusals
from spoiling import flipped, truncations
from test_mls_passive_client import CONFIG, PassiveClient
from welcome_parts import group_info_key, parts_of, welcome_of

from sottovoce.crypto.secret import Secret
from sottovoce.mls import (
    DecodingError,
    Group,
    LeafIndex,
    MissingPreSharedKey,
    UndecryptableMessage,
    ValidationRule,
    WrongEpoch,
)
from sottovoce.mls.extensions import ExtensionType
from sottovoce.mls.framing import (
    ContentType,
    FramedContent,
    MLSMessage,
    PrivateMessage,
    PublicMessage,
    Sender,
    SenderType,
)
from sottovoce.mls.group_info import Welcome
from sottovoce.mls.presentation import decode, optional, vector
from sottovoce.mls.proposals import PreSharedKey, ProposalReference
from sottovoce.mls.protection import VerifiedContent, public_message
from sottovoce.mls.ratchet_tree import RatchetTree

Vector = dict[str, Any]
Why = ValidationRule | type[Exception]
STRICT = replace(CONFIG, accept_public_messages=False)
BEYOND = Sender.member(LeafIndex(0xFFFF))


# -- messages --------------------------------------------------------------------------------------------


def reframed(group: Group, message: PublicMessage, **changes: Any) -> bytes:
    """Return a PublicMessage with these changes to its content or its signature, and a fitting tag."""
    authenticated = message.authenticated()
    auth = {name: changes.pop(name) for name in ("signature", "confirmation_tag") if name in changes}
    changed = VerifiedContent(
        authenticated.wire_format, replace(message.content, **changes), replace(message.auth, **auth)
    )
    key, context = group._state.secrets.membership_key, group._state.context.encoded
    return MLSMessage(public_message(group.suite, key, changed, context)).encode()


def spoilt_public(group: Group, message: PublicMessage) -> Iterator[tuple[Why, bytes]]:
    """Yield what each spoilt copy is to be refused for, and the copy."""
    content, auth = message.content, message.auth
    others = {member.leaf_index for member in group.members()} - {content.sender.index, group.own_leaf_index}
    yield ValidationRule.FRAMING_SIGNATURE, reframed(group, message, signature=flipped(auth.signature))
    yield ValidationRule.FRAMING_SIGNATURE, reframed(group, message, signature=b"")
    yield ValidationRule.FRAMING_SIGNATURE, reframed(group, message, authenticated_data=b"another")
    yield ValidationRule.FRAMING_GROUP, reframed(group, message, group_id=flipped(content.group_id))
    yield WrongEpoch, reframed(group, message, epoch=content.epoch + 1)
    yield WrongEpoch, reframed(group, message, epoch=content.epoch - 1)
    if content.content_type is ContentType.COMMIT:
        tag = auth.confirmation_tag or b""
        for spoilt in (flipped(tag), tag[:-1], b"", bytes(len(tag))):
            yield ValidationRule.FRAMING_CONFIRMATION, reframed(group, message, confirmation_tag=spoilt)
    if content.sender.sender_type is not SenderType.MEMBER:
        return
    tag = message.membership_tag or b""
    for spoilt in (flipped(tag), tag[:-1], b"", bytes(len(tag))):
        tagged = MLSMessage(replace(message, membership_tag=spoilt)).encode()
        yield ValidationRule.FRAMING_MEMBERSHIP_TAG, tagged
    yield ValidationRule.FRAMING_SENDER, reframed(group, message, sender=BEYOND)
    if others:
        stolen = Sender.member(LeafIndex(min(others)))
        yield ValidationRule.FRAMING_SIGNATURE, reframed(group, message, sender=stolen)
    framed = FramedContent(content.group_id, content.epoch, content.sender, b"", b"application data")
    application = PublicMessage(framed, replace(auth, confirmation_tag=None), b"")
    yield ValidationRule.FRAMING_APPLICATION_ENCRYPTED, MLSMessage(application).encode()


def spoilt_private(message: PrivateMessage) -> Iterator[tuple[Why, bytes]]:
    for why, spoilt in (
        (ValidationRule.FRAMING_GROUP, replace(message, group_id=flipped(message.group_id))),
        (WrongEpoch, replace(message, epoch=message.epoch + 1)),
        (UndecryptableMessage, replace(message, ciphertext=flipped(message.ciphertext))),
        (UndecryptableMessage, replace(message, authenticated_data=message.authenticated_data + b"x")),
        (
            UndecryptableMessage,
            replace(message, encrypted_sender_data=flipped(message.encrypted_sender_data)),
        ),
    ):
        yield why, MLSMessage(spoilt).encode()


@dataclass
class Judge:
    """Gives a member spoilt messages, and sees to it that nothing in it changes."""

    client: PassiveClient
    refusals: Refusals

    def message(self, data: bytes) -> None:
        """Refuse all spoilt copies of what is to be processed next."""
        group = self.client.group
        before, body = whole(group), MLSMessage.decode(data).body
        spoilt: list[tuple[Why, bytes]] = [
            (DecodingError, one) for one in (*truncations(data, 4), data + b"\0")
        ]
        if isinstance(body, PublicMessage):
            spoilt += spoilt_public(group, body)
        elif isinstance(body, PrivateMessage):
            spoilt += spoilt_private(body)
        for why, one in spoilt:
            self.refusals.expect(why, lambda one=one: self.client.process(one))
        if isinstance(body, PublicMessage) and body.content.sender.sender_type is SenderType.MEMBER:
            strict = Group.restore(before, config=STRICT)
            self.refusals.expect(
                ValidationRule.FRAMING_MEMBER_ENCRYPTS, lambda: strict.process(data, now=self.client.now)
            )
        assert whole(group) == before

    def commit(self, data: bytes, proposals: list[bytes]) -> None:
        """Refuse the commit before its proposals are here, and without its pre-shared keys."""
        client, body = self.client, MLSMessage.decode(data).body
        before = whole(client.group)
        if proposals:
            self.refusals.expect(ValidationRule.PROPOSAL_KNOWN, lambda: client.process(data))
        for one in proposals:
            client.merge(one)
        self.message(data)
        sent = [sent.proposal for sent in client.group._pending.values()]
        if isinstance(body, PublicMessage):
            entries = getattr(body.content.content, "proposals", ())
            sent += [entry for entry in entries if not isinstance(entry, ProposalReference)]
        if any(isinstance(one, PreSharedKey) and one.psk.psk_id in client.psks for one in sent):
            none = {name: Secret(flipped(psk.reveal())) for name, psk in client.psks.items()}
            self.refusals.expect(MissingPreSharedKey, lambda: client.process(data, psks={}))
            self.refusals.expect(ValidationRule.FRAMING_CONFIRMATION, lambda: client.process(data, psks=none))
        with_proposals = whole(client.group)
        client.group = Group.restore(before, config=CONFIG)
        for one in proposals:
            client.merge(one)
        assert whole(client.group) == with_proposals, "the same messages lead to the same state"
        client.merge(data)
        self.refusals.expect(WrongEpoch, lambda: client.process(data))


@pytest.mark.mls_vectors(PASSIVE_CLIENT)
def test_messages_refused(vector: Vector, refusals: Refusals) -> None:
    client = PassiveClient.join(vector)
    judge = Judge(client, refusals)
    for epoch in vector["epochs"]:
        proposals = [bytes.fromhex(one) for one in epoch["proposals"]]
        for one in proposals:
            judge.message(one)
        judge.commit(bytes.fromhex(epoch["commit"]), proposals)
        assert client.group.epoch_authenticator.hex() == epoch["epoch_authenticator"]
    welcome = bytes.fromhex(vector["welcome"])
    refusals.expect(ValidationRule.FRAMING_WIRE_FORMAT, lambda: client.process(welcome))


# -- the Welcome -----------------------------------------------------------------------------------------


def spoilt_welcomes(client: PassiveClient) -> Iterator[tuple[Why, bytes]]:
    data, bundle = client.welcome, client.bundle
    body = MLSMessage.decode(data).body
    assert isinstance(body, Welcome)
    at = next(at for at, one in enumerate(body.secrets) if one.new_member == bundle.ref)

    def with_entry(**changes: bytes) -> bytes:
        entry = replace(body.secrets[at], **changes)
        return MLSMessage(
            replace(body, secrets=(*body.secrets[:at], entry, *body.secrets[at + 1 :]))
        ).encode()

    entry = body.secrets[at]
    for one in (*truncations(data, 4), data + b"\0"):
        yield DecodingError, one
    yield ValidationRule.FRAMING_WIRE_FORMAT, bundle.message
    other = 2 if body.suite_id == 1 else 1
    yield ValidationRule.WELCOME_SUITE, MLSMessage(replace(body, suite_id=other)).encode()
    yield ValidationRule.WELCOME_SUITE, MLSMessage(replace(body, suite_id=0x7A7A)).encode()
    yield ValidationRule.WELCOME_ADDRESSED, with_entry(new_member=flipped(entry.new_member))
    yield ValidationRule.WELCOME_SECRETS, with_entry(kem_output=entry.kem_output[:-1])
    yield ValidationRule.WELCOME_SECRETS, with_entry(kem_output=flipped(entry.kem_output))
    yield ValidationRule.WELCOME_SECRETS, with_entry(ciphertext=flipped(entry.ciphertext))
    box = flipped(body.encrypted_group_info)
    yield ValidationRule.WELCOME_SECRETS, MLSMessage(replace(body, encrypted_group_info=box)).encode()


def resealed_welcomes(client: PassiveClient) -> Iterator[tuple[Why, bytes]]:
    """Yield Welcomes whose sealing is right, and what is inside is not."""
    bundle, suite = client.bundle, client.bundle.suite
    secrets, info = parts_of(client.welcome, bundle, client.psks)
    key = group_info_key(suite, secrets, client.psks)

    def with_secrets(**changes: Any) -> bytes:
        return welcome_of(bundle, replace(secrets, **changes).encode(), info.encoded, key)

    def with_info(**changes: Any) -> bytes:
        return welcome_of(bundle, secrets.encode(), replace(info, **changes).encoded, key)

    joiner = flipped(secrets.joiner_secret)
    yield ValidationRule.WELCOME_SECRETS, with_secrets(joiner_secret=joiner)
    wrong = b"w" * suite.secret_length
    yield ValidationRule.WELCOME_PATH_SECRET, with_secrets(path_secret=wrong)
    yield ValidationRule.WELCOME_PATH_SECRET, with_secrets(path_secret=wrong[:-1])
    if secrets.path_secret is not None:
        yield ValidationRule.WELCOME_PATH_SECRET, with_secrets(path_secret=None)
    if secrets.psks:
        yield ValidationRule.WELCOME_PSK, with_secrets(psks=(*secrets.psks, secrets.psks[0]))
        short = replace(secrets.psks[0], nonce=secrets.psks[0].nonce[:-1])
        yield ValidationRule.WELCOME_PSK, with_secrets(psks=(short, *secrets.psks[1:]))
    context = info.group_context
    for changes in (
        {"signature": flipped(info.signature)},
        {"signer": LeafIndex(0xFFFF)},
        {"confirmation_tag": flipped(info.confirmation_tag)},
        {"group_context": replace(context, epoch=context.epoch + 1)},
        {"group_context": replace(context, tree_hash=flipped(context.tree_hash))},
    ):
        yield ValidationRule.WELCOME_SIGNATURE, with_info(**changes)
    other = 2 if suite.id == 1 else 1
    yield ValidationRule.WELCOME_SUITE, with_info(group_context=replace(context, suite_id=other))
    yield ValidationRule.WELCOME_SUITE, with_info(group_context=replace(context, version=2))
    yield DecodingError, welcome_of(bundle, secrets.encode(), info.encoded + b"\0", key)
    yield DecodingError, welcome_of(bundle, secrets.encode() + b"\0", info.encoded, key)
    if client.ratchet_tree is None:
        rest = [one for one in info.extensions if one.extension_type != ExtensionType.RATCHET_TREE]
        yield ValidationRule.WELCOME_TREE, with_info(extensions=tuple(rest))


def spoilt_trees(client: PassiveClient, tree: bytes) -> Iterator[tuple[Why, bytes | None]]:
    """Yield trees that do not belong beside the Welcome."""
    read = RatchetTree.decode(tree)
    _, info = parts_of(client.welcome, client.bundle, client.psks)
    yield ValidationRule.WELCOME_TREE, None
    yield ValidationRule.TREE_NOT_EMPTY, vector([])
    yield DecodingError, tree + b"\0"
    yield DecodingError, tree[:-1]
    yield ValidationRule.TREE_LAST_NODE, vector([tree_inside(tree), optional(None)])
    for index, leaf in read.members():
        if index != info.signer:
            changed = read.copy()
            changed.update(index, replace(leaf, signature=flipped(leaf.signature)))
            yield ValidationRule.TREE_HASH, changed.encode()
            break
    unsigned = read.copy()
    unsigned.remove(info.signer)
    yield ValidationRule.WELCOME_SIGNATURE, unsigned.encode()


def tree_inside(tree: bytes) -> bytes:
    return decode(lambda reader: reader.opaque(), tree)


@pytest.mark.mls_vectors(PASSIVE_CLIENT)
def test_welcomes_refused(vector: Vector, refusals: Refusals) -> None:
    client = PassiveClient.read(vector)
    for why, welcome in (*spoilt_welcomes(client), *resealed_welcomes(client)):
        refusals.expect(why, lambda welcome=welcome: client.open(welcome))
    if client.ratchet_tree is not None:
        for why, tree in spoilt_trees(client, client.ratchet_tree):
            beside = replace(client, ratchet_tree=tree)
            refusals.expect(why, lambda beside=beside: beside.open(client.welcome))
    needed = parts_of(client.welcome, client.bundle, client.psks)[0].psks
    if needed:
        others = {name: Secret(flipped(psk.reveal())) for name, psk in client.psks.items()}
        without, wrong = replace(client, psks={}), replace(client, psks=others)
        refusals.expect(MissingPreSharedKey, lambda: without.open(client.welcome))
        refusals.expect(ValidationRule.WELCOME_SECRETS, lambda: wrong.open(client.welcome))
