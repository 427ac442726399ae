"""A4 (Threema, USENIX Security '23): what is signed for one purpose verifies for no other."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec
import pytest
from room_world import talking

from sottovoce.client.joining import capabilities
from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.signatures import Signer, ed25519_key_pair, ed25519_sign, ed25519_verify
from sottovoce.crypto.suites import DEFAULT, CipherSuite
from sottovoce.link import certificates
from sottovoce.link.certificates import DeviceCertificate, device_login_content
from sottovoce.link.errors import CertificateError
from sottovoce.mls import Credential, Lifetime, generate_key_package
from sottovoce.mls.framing import FramedContent, Sender, WireFormat
from sottovoce.mls.group_info import GroupInfo
from sottovoce.mls.labels import verify_with_label
from sottovoce.mls.presentation import decode
from sottovoce.mls.protection import sign_content

PURPOSES = ("device certificate", "device login", "leaf node", "key package", "group info", "framed content")
HOLDER = {
    "device certificate": "account",
    "device login": "authentication",
    "leaf node": "leaf",
    "key package": "leaf",
    "group info": "leaf",
    "framed content": "leaf",
}
"""Which of an account's three keys signs what."""


@dataclass(frozen=True)
class Signed:
    """What is signed for one purpose, its signature, and whether another signature would do for it."""

    content: bytes
    signature: bytes
    verifies: Callable[[bytes, bytes], bool]  # (public key, signature)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Everything that is signed, in order."""
    contents: list[bytes] = []

    sign = CipherSuite.sign

    def sign_mls(suite: CipherSuite, private_key: bytes | Signer, message: bytes) -> bytes:
        contents.append(message)
        return sign(suite, private_key, message)

    def sign_ours(private_key: bytes, message: bytes) -> bytes:
        contents.append(message)
        return ed25519_sign(private_key, message)

    monkeypatch.setattr(CipherSuite, "sign", sign_mls)
    monkeypatch.setattr(certificates, "ed25519_sign", sign_ours)
    return contents


def signed_objects(keys: dict[str, KeyPair], recorded: list[bytes]) -> dict[str, Signed]:
    """One of each, made by the code that makes them in earnest."""
    account, leaf, authentication = keys["account"], keys["leaf"], keys["authentication"]
    made: dict[str, Signed] = {}
    certificate = DeviceCertificate.issue(
        account.private,
        user="alice",
        device_id=bytes(16),
        account_key=account.public,
        signature_key=leaf.public,
        authentication_key=authentication.public,
    )

    def certificate_verifies(public: bytes, signature: bytes) -> bool:
        # The account key is in the content; only the signature is exchanged, so that is what is asked.
        try:
            msgspec.structs.replace(certificate, signature=signature).verify()
        except CertificateError:
            return False
        return public == account.public

    made["device certificate"] = Signed(recorded.pop(), certificate.signature, certificate_verifies)
    login = device_login_content(os.urandom(32), bytes(32), "alice", bytes(16))
    made["device login"] = Signed(
        login, ed25519_sign(authentication.private, login), lambda key, s: ed25519_verify(key, login, s)
    )
    credential = Credential.basic(certificate.to_bytes())
    package = generate_key_package(
        DEFAULT, credential, leaf, lifetime=Lifetime(0, 2**40), capabilities=capabilities(), random=os.urandom
    ).key_package
    package_content, leaf_content = recorded.pop(), recorded.pop()
    node = package.leaf_node
    made["leaf node"] = Signed(
        leaf_content,
        node.signature,
        lambda key, s: (
            replace(node, signature_key=node.signature_key, signature=s).verify(DEFAULT)
            and key == node.signature_key
        ),
    )
    made["key package"] = Signed(
        package_content,
        package.signature,
        lambda key, s: verify_with_label(DEFAULT, key, b"KeyPackageTBS", package._signed_part, s),
    )
    alice, _ = talking("alice", "bob")
    encoded = alice.state.group.group_info()
    info = decode(GroupInfo.read, encoded[4:]).signed(DEFAULT, leaf.private)
    made["group info"] = Signed(
        recorded.pop(), info.signature, lambda key, s: replace(info, signature=s).verify(DEFAULT, key)
    )
    context = alice.state.group._state.context.encoded
    framed = FramedContent(
        info.group_context.group_id, info.group_context.epoch, Sender.member(info.signer), b"", b"x"
    )
    content = sign_content(DEFAULT, leaf.private, WireFormat.PRIVATE_MESSAGE, framed, context)
    framed_content = recorded.pop()
    made["framed content"] = Signed(
        framed_content, content.auth.signature, lambda key, s: DEFAULT.verify(key, framed_content, s)
    )
    assert tuple(made) == PURPOSES
    return made


def matrix(keys: dict[str, KeyPair], signed: dict[str, Signed]) -> dict[tuple[str, str], bool]:
    """Each signature, offered to each verifier under the key of who signed."""
    return {
        (signer, verifier): signed[verifier].verifies(keys[HOLDER[signer]].public, signed[signer].signature)
        for signer in PURPOSES
        for verifier in PURPOSES
    }


@pytest.mark.parametrize("one_key_for_all", [False, True], ids=["three keys", "one key"])
def test_all_off_the_diagonal_fails(recorded: list[bytes], one_key_for_all: bool) -> None:
    """Also with one key for everything, which nobody makes: then the labels alone must keep them apart."""
    one = ed25519_key_pair(os.urandom(32))
    keys = {
        name: one if one_key_for_all else ed25519_key_pair(os.urandom(32))
        for name in ("account", "leaf", "authentication")
    }
    outcome = matrix(keys, signed_objects(keys, recorded))
    assert len(outcome) == 36
    assert {pair for pair, verifies in outcome.items() if verifies} == {(one, one) for one in PURPOSES}


def test_what_is_signed_begins_with_a_label_of_its_own(recorded: list[bytes]) -> None:
    """So no choice of the fields that follow makes one content another's."""
    keys = {name: ed25519_key_pair(os.urandom(32)) for name in ("account", "leaf", "authentication")}
    signed = signed_objects(keys, recorded)
    labels = {
        "device certificate": b"Sottovoce 1 Device Certificate",
        "device login": b"Sottovoce 1 Device Login",
        "leaf node": b"MLS 1.0 LeafNodeTBS",
        "key package": b"MLS 1.0 KeyPackageTBS",
        "group info": b"MLS 1.0 GroupInfoTBS",
        "framed content": b"MLS 1.0 FramedContentTBS",
    }
    beginnings = set()
    for purpose, label in labels.items():
        length = len(label).to_bytes(4, "big") if label.startswith(b"Sottovoce") else bytes([len(label)])
        assert signed[purpose].content.startswith(length + label)
        beginnings.add(length + label)
    assert not any(a != b and a.startswith(b) for a in beginnings for b in beginnings)


def test_an_accounts_keys_are_three() -> None:
    alice, _ = talking("alice", "bob")
    certificate = alice.around.own.certificate
    keys = {certificate.account_key, certificate.signature_key, certificate.authentication_key}
    assert len(keys) == 3
