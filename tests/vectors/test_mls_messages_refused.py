"""The vectors of message protection and of key packages, each with one thing spoilt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from official_vectors import Refusals
from spoiling import flipped, truncations
from test_mls_keys import UNLIMITED

from sottovoce.crypto.secret import Secret
from sottovoce.crypto.suites import CipherSuite, cipher_suite
from sottovoce.mls import (
    Group,
    KeyPackage,
    KeyPackageBundle,
    UndecryptableMessage,
    ValidationRule,
)
from sottovoce.mls.framing import (
    ContentAuth,
    FramedContent,
    MLSMessage,
    PrivateMessage,
    PublicMessage,
    Sender,
    WireFormat,
)
from sottovoce.mls.group_info import GroupContext
from sottovoce.mls.key_package import MLS10
from sottovoce.mls.nodes import LeafLimits
from sottovoce.mls.presentation import Reader, decode
from sottovoce.mls.proposals import Commit, read_proposal
from sottovoce.mls.protection import (
    VerifiedContent,
    decrypt_content,
    encrypt_content,
    open_sender_data,
    sign_content,
    verify,
    verify_membership_tag,
)
from sottovoce.mls.secret_tree import SecretTree, ratchet_kind
from sottovoce.mls.tree_math import LeafIndex
from sottovoce.mls.tree_validation import validate_leaf_alone

Vector = dict[str, Any]
hexadecimal = bytes.fromhex
SENDER = LeafIndex(1)


@dataclass(frozen=True)
class Epoch:
    """The keys of a vector's epoch, and its two members, of whom the second sends."""

    suite: CipherSuite
    of: dict[str, bytes]
    context: bytes
    group_id: bytes
    number: int

    @classmethod
    def read(cls, vector: Vector) -> Epoch:
        suite = cipher_suite(vector["cipher_suite"])
        of = {key: hexadecimal(value) for key, value in vector.items() if isinstance(value, str)}
        context = GroupContext(
            MLS10,
            suite.id,
            of["group_id"],
            vector["epoch"],
            of["tree_hash"],
            of["confirmed_transcript_hash"],
            (),
        )
        return cls(suite, of, context.encoded, of["group_id"], vector["epoch"])

    def tree(self) -> SecretTree:
        return SecretTree(self.suite, 2, self.of["encryption_secret"], UNLIMITED)

    def open_private(self, message: PrivateMessage) -> object:
        sender = open_sender_data(self.suite, message, self.of["sender_data_secret"])
        content, _ = decrypt_content(self.suite, message, sender, self.tree())
        return verify(self.suite, self.of["signature_pub"], content, self.context)

    def open_public(self, message: PublicMessage) -> object:
        verify_membership_tag(self.suite, self.of["membership_key"], message, self.context)
        return verify(self.suite, self.of["signature_pub"], message.authenticated(), self.context)

    def signed(self, kind: str, wire_format: WireFormat, **changes: Any) -> VerifiedContent:
        """Return a vector's content signed anew; ``changes`` are made to what is signed."""
        body = self.of[kind]
        readers: dict[str, Callable[[Reader], Any]] = {"proposal": read_proposal, "commit": Commit.read}
        content = decode(readers[kind], body) if kind in readers else body
        framed = FramedContent(self.group_id, self.number, Sender.member(SENDER), b"", content)
        framed = replace(framed, **changes)
        signed = sign_content(self.suite, self.of["signature_priv"], wire_format, framed, self.context)
        tag = bytes(self.suite.hash_length) if kind == "commit" else None
        return replace(signed, auth=ContentAuth(signed.auth.signature, tag))

    def sealed(
        self, signed: VerifiedContent, padding: bytes = b"", sender: LeafIndex = SENDER
    ) -> PrivateMessage:
        """Encrypt with the right keys, with any padding and from any leaf."""
        step = self.tree().plan_next(sender, ratchet_kind(signed.content.content_type))
        suite = PaddingSuite.of(self.suite, padding) if padding else self.suite
        return encrypt_content(
            suite, signed, step, self.of["sender_data_secret"], reuse_guard=b"abcd", padded_length=lambda _: 0
        )


class PaddingSuite(CipherSuite):
    """A suite whose first plaintext has something after its end."""

    __slots__ = ("padding",)

    @classmethod
    def of(cls, suite: CipherSuite, padding: bytes) -> PaddingSuite:
        parts = (suite.id, suite.name, suite.kem, suite.hash_function, suite.aead, suite.signature)
        made = cls(*parts)
        object.__setattr__(made, "padding", [padding])
        return made

    def seal(self, key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
        return super().seal(key, nonce, aad, plaintext + (self.padding.pop() if self.padding else b""))


@pytest.mark.mls_vectors("message-protection")
@pytest.mark.parametrize("kind", ["proposal", "commit", "application"])
def test_private_messages_refused(vector: Vector, kind: str, refusals: Refusals) -> None:
    epoch = Epoch.read(vector)
    honest = MLSMessage.decode(epoch.of[f"{kind}_priv"]).body
    assert isinstance(honest, PrivateMessage)
    for spoilt in (
        replace(honest, ciphertext=flipped(honest.ciphertext)),
        replace(honest, ciphertext=flipped(honest.ciphertext, 0)),
        replace(honest, encrypted_sender_data=flipped(honest.encrypted_sender_data)),
        replace(honest, encrypted_sender_data=honest.encrypted_sender_data[:-1]),
        replace(honest, ciphertext=b""),
        replace(honest, authenticated_data=honest.authenticated_data + b"x"),
        replace(honest, epoch=honest.epoch + 1),
        replace(honest, group_id=flipped(honest.group_id)),
        replace(honest, content_type=type(honest.content_type)(honest.content_type % 3 + 1)),
    ):
        refusals.expect(UndecryptableMessage, lambda spoilt=spoilt: epoch.open_private(spoilt))
    signed = epoch.signed(kind, WireFormat.PRIVATE_MESSAGE)
    epoch.open_private(epoch.sealed(signed, padding=b"\0\0"))
    for padding in (b"\x01", b"\0\0\x80\0"):
        message = epoch.sealed(signed, padding)
        refusals.expect(ValidationRule.FRAMING_PADDING, lambda message=message: epoch.open_private(message))
    auth = replace(signed.auth, signature=flipped(signed.auth.signature))
    for message in (
        epoch.sealed(replace(signed, auth=auth)),
        epoch.sealed(signed, sender=LeafIndex(0)),
        epoch.sealed(epoch.signed(kind, WireFormat.PUBLIC_MESSAGE)),
        epoch.sealed(epoch.signed(kind, WireFormat.PRIVATE_MESSAGE, sender=Sender.member(LeafIndex(0)))),
        epoch.sealed(replace(signed, content=replace(signed.content, authenticated_data=b"x"))),
    ):
        refusals.expect(ValidationRule.FRAMING_SIGNATURE, lambda message=message: epoch.open_private(message))


@pytest.mark.mls_vectors("message-protection")
@pytest.mark.parametrize("kind", ["proposal", "commit"])
def test_public_messages_refused(vector: Vector, kind: str, refusals: Refusals) -> None:
    epoch = Epoch.read(vector)
    honest = MLSMessage.decode(epoch.of[f"{kind}_pub"]).body
    assert isinstance(honest, PublicMessage)
    tag = honest.membership_tag or b""
    content, auth = honest.content, honest.auth
    for spoilt in (
        *(replace(honest, membership_tag=one) for one in (flipped(tag), tag + b"\0", *truncations(tag))),
        replace(honest, auth=replace(auth, signature=flipped(auth.signature))),
        replace(honest, content=replace(content, epoch=content.epoch + 1)),
        replace(honest, content=replace(content, group_id=flipped(content.group_id))),
        replace(honest, content=replace(content, authenticated_data=content.authenticated_data + b"x")),
        replace(honest, content=replace(content, sender=Sender.member(LeafIndex(0)))),
    ):
        refusals.expect(
            ValidationRule.FRAMING_MEMBERSHIP_TAG, lambda spoilt=spoilt: epoch.open_public(spoilt)
        )
    signature = PublicMessage(content, replace(auth, signature=flipped(auth.signature)), None)
    refusals.expect(
        ValidationRule.FRAMING_SIGNATURE,
        lambda: verify(epoch.suite, epoch.of["signature_pub"], signature.authenticated(), epoch.context),
    )
    refusals.expect(
        ValidationRule.FRAMING_SIGNATURE,
        lambda: verify(
            epoch.suite, epoch.of["signature_pub"], honest.authenticated(), flipped(epoch.context)
        ),
    )


@pytest.mark.mls_vectors("welcome")
def test_key_packages_refused(vector: Vector, refusals: Refusals) -> None:
    """The vectors' leaves have no private keys, so here is what can be asked of the key package alone."""
    suite = cipher_suite(vector["cipher_suite"])
    package = KeyPackage.from_message(hexadecimal(vector["key_package"]))
    assert package.leaf_node.lifetime is not None
    now = package.leaf_node.lifetime.not_before
    package.validate(suite, now)
    other = cipher_suite(2 if suite.id == 1 else 1)
    leaf = package.leaf_node
    early, late = now - 1, package.leaf_node.lifetime.not_after + 1
    signature, leaf_signature, lifetime = (
        ValidationRule.KEY_PACKAGE_SIGNATURE,
        ValidationRule.LEAF_SIGNATURE,
        ValidationRule.LEAF_LIFETIME,
    )
    for rule, spoilt, judge, at in (
        (ValidationRule.KEY_PACKAGE_SUITE, package, other, now),
        (ValidationRule.KEY_PACKAGE_SUITE, replace(package, version=2), suite, now),
        (lifetime, package, suite, early),
        (lifetime, package, suite, late),
        (leaf_signature, spoilt_leaf(package, signature=flipped(leaf.signature)), suite, now),
        (leaf_signature, spoilt_leaf(package, encryption_key=flipped(leaf.encryption_key)), suite, now),
        (signature, replace(package, signature=flipped(package.signature)), suite, now),
        (signature, replace(package, init_key=flipped(package.init_key)), suite, now),
        (signature, replace(package, init_key=leaf.encryption_key), suite, now),
    ):
        refusals.expect(rule, lambda spoilt=spoilt, judge=judge, at=at: spoilt.validate(judge, at))
    short = LeafLimits(max_lifetime=late - now - 2, max_size=len(leaf.encoded))
    refusals.expect(ValidationRule.LEAF_TOTAL_LIFETIME, lambda: validate_leaf_alone(leaf, short))
    refusals.expect(ValidationRule.WELCOME_ADDRESSED, lambda: joined(vector, spoilt_bundle(package)))


def spoilt_leaf(package: KeyPackage, **changes: Any) -> KeyPackage:
    return replace(package, leaf_node=replace(package.leaf_node, **changes))


def spoilt_bundle(package: KeyPackage) -> KeyPackageBundle:
    none = Secret(b"")
    return KeyPackageBundle(replace(package, signature=flipped(package.signature)), none, none, none)


def joined(vector: Vector, bundle: KeyPackageBundle) -> Group:
    return Group.join(hexadecimal(vector["welcome"]), bundle)
