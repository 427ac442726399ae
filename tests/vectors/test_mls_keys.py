"""Vectors of the key schedule, secret tree, PSKs, transcript hashes and message protection."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sottovoce.crypto.suites import cipher_suite
from sottovoce.mls.config import no_padding
from sottovoce.mls.framing import (
    AuthenticatedContent,
    ContentAuth,
    ContentType,
    FramedContent,
    MLSMessage,
    PrivateMessage,
    PublicMessage,
    Sender,
    WireFormat,
)
from sottovoce.mls.group_info import GroupContext, GroupInfo, GroupSecrets, Welcome
from sottovoce.mls.key_package import MLS10, KeyPackage
from sottovoce.mls.key_schedule import (
    confirmed_transcript_hash,
    exported,
    external_key_pair,
    interim_transcript_hash,
    joiner_secret,
    key_schedule,
    psk_secret,
    welcome_key_and_nonce,
    welcome_secret,
)
from sottovoce.mls.labels import decrypt_with_label
from sottovoce.mls.presentation import decode
from sottovoce.mls.proposals import Commit, PreSharedKeyID, PSKType, read_proposal
from sottovoce.mls.protection import (
    VerifiedContent,
    _sender_data_key,
    decrypt_content,
    encrypt_content,
    open_sender_data,
    public_message,
    sign_content,
    verify,
    verify_membership_tag,
)
from sottovoce.mls.secret_tree import APPLICATION, HANDSHAKE, RatchetLimits, SecretTree, ratchet_kind
from sottovoce.mls.tree_math import LeafIndex

Vector = dict[str, Any]
hexadecimal = bytes.fromhex
UNLIMITED = RatchetLimits(2**32, 2**32, 2**32)


@pytest.mark.mls_vectors("key-schedule")
def test_key_schedule(vector: Vector) -> None:
    suite = cipher_suite(vector["cipher_suite"])
    init = hexadecimal(vector["initial_init_secret"])
    for number, epoch in enumerate(vector["epochs"]):
        one = {key: hexadecimal(value) for key, value in epoch.items() if isinstance(value, str)}
        context = GroupContext(
            MLS10,
            suite.id,
            hexadecimal(vector["group_id"]),
            number,
            one["tree_hash"],
            one["confirmed_transcript_hash"],
            (),
        ).encoded
        assert context == one["group_context"]
        joiner = joiner_secret(suite, init, one["commit_secret"], context)
        assert joiner == one["joiner_secret"]
        schedule = key_schedule(suite, joiner, one["psk_secret"], context)
        secrets = schedule.secrets
        assert (
            schedule.welcome_secret
            == one["welcome_secret"]
            == welcome_secret(suite, joiner, one["psk_secret"])
        )
        assert schedule.encryption_secret == one["encryption_secret"]
        for name in (
            "sender_data_secret",
            "exporter_secret",
            "external_secret",
            "confirmation_key",
            "membership_key",
            "resumption_psk",
            "epoch_authenticator",
            "init_secret",
        ):
            assert getattr(secrets, name) == one[name], name
        assert external_key_pair(suite, secrets.external_secret).public == one["external_pub"]
        export = epoch["exporter"]
        assert exported(
            suite,
            secrets.exporter_secret,
            export["label"].encode(),
            hexadecimal(export["context"]),
            export["length"],
        ) == hexadecimal(export["secret"])
        init = secrets.init_secret


@pytest.mark.mls_vectors("psk_secret")
def test_psk_secret(vector: Vector) -> None:
    suite = cipher_suite(vector["cipher_suite"])
    psks = [
        (
            PreSharedKeyID(PSKType.EXTERNAL, hexadecimal(one["psk_nonce"]), hexadecimal(one["psk_id"])),
            hexadecimal(one["psk"]),
        )
        for one in vector["psks"]
    ]
    assert psk_secret(suite, psks) == hexadecimal(vector["psk_secret"])


@pytest.mark.mls_vectors("secret-tree")
def test_secret_tree(vector: Vector) -> None:
    suite = cipher_suite(vector["cipher_suite"])
    data = vector["sender_data"]
    assert _sender_data_key(
        suite, hexadecimal(data["sender_data_secret"]), hexadecimal(data["ciphertext"])
    ) == (hexadecimal(data["key"]), hexadecimal(data["nonce"]))
    tree = SecretTree(suite, len(vector["leaves"]), hexadecimal(vector["encryption_secret"]), UNLIMITED)
    for leaf, generations in enumerate(vector["leaves"]):
        for one in generations:
            for kind, name in ((APPLICATION, "application"), (HANDSHAKE, "handshake")):
                step = tree.plan(LeafIndex(leaf), kind, one["generation"])
                assert step.message_key.key == hexadecimal(one[f"{name}_key"])
                assert step.message_key.nonce == hexadecimal(one[f"{name}_nonce"])
                tree.apply(step)
    assert not [key for key in tree.records() if key[:1] == b"N"], "every node secret is used up"


@pytest.mark.mls_vectors("transcript-hashes")
def test_transcript_hashes(vector: Vector) -> None:
    suite = cipher_suite(vector["cipher_suite"])
    content = decode(AuthenticatedContent.read, hexadecimal(vector["authenticated_content"]))
    verified = VerifiedContent(content.wire_format, content.content, content.auth)
    before = hexadecimal(vector["interim_transcript_hash_before"])
    confirmed = confirmed_transcript_hash(suite, before, verified.commit_input())
    assert confirmed == hexadecimal(vector["confirmed_transcript_hash_after"])
    tag = content.auth.confirmation_tag
    assert tag is not None
    assert suite.verify_mac(hexadecimal(vector["confirmation_key"]), confirmed, tag)
    assert interim_transcript_hash(suite, confirmed, tag) == hexadecimal(
        vector["interim_transcript_hash_after"]
    )


@pytest.mark.mls_vectors("message-protection")
def test_message_protection(vector: Vector) -> None:
    for kind in ("proposal", "commit", "application"):
        check_protection(vector, kind)


def check_protection(vector: Vector, kind: str) -> None:
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
    ).encoded
    raw = of[kind]
    body = raw if kind == "application" else decode(read_proposal if kind == "proposal" else Commit.read, raw)
    sender = LeafIndex(1)

    def opened(message: PrivateMessage) -> object:
        tree = SecretTree(suite, 2, of["encryption_secret"], UNLIMITED)
        data = open_sender_data(suite, message, of["sender_data_secret"])
        assert data.leaf == sender
        content, _ = decrypt_content(suite, message, data, tree)
        return verify(suite, of["signature_pub"], content, context).content.content

    private = MLSMessage.decode(of[f"{kind}_priv"]).body
    assert isinstance(private, PrivateMessage)
    assert opened(private) == body
    framed = FramedContent(of["group_id"], vector["epoch"], Sender.member(sender), b"", body)
    signed = sign_content(suite, of["signature_priv"], WireFormat.PRIVATE_MESSAGE, framed, context)
    if kind == "commit":
        signed = replace(signed, auth=ContentAuth(signed.auth.signature, bytes(suite.hash_length)))
    step = SecretTree(suite, 2, of["encryption_secret"], UNLIMITED).plan_next(
        sender, ratchet_kind(framed.content_type)
    )
    ours = encrypt_content(
        suite, signed, step, of["sender_data_secret"], reuse_guard=b"abcd", padded_length=no_padding
    )
    assert opened(ours) == body
    if kind == "application":
        assert framed.content_type is ContentType.APPLICATION
        return
    public = MLSMessage.decode(of[f"{kind}_pub"]).body
    assert isinstance(public, PublicMessage)
    verify_membership_tag(suite, of["membership_key"], public, context)
    assert verify(suite, of["signature_pub"], public.authenticated(), context).content.content == body
    signed = sign_content(suite, of["signature_priv"], WireFormat.PUBLIC_MESSAGE, framed, context)
    if kind == "commit":
        signed = replace(signed, auth=ContentAuth(signed.auth.signature, bytes(suite.hash_length)))
    verify_membership_tag(
        suite, of["membership_key"], public_message(suite, of["membership_key"], signed, context), context
    )


@pytest.mark.mls_vectors("welcome")
def test_welcome(vector: Vector) -> None:
    suite = cipher_suite(vector["cipher_suite"])
    package = MLSMessage.decode(hexadecimal(vector["key_package"])).body
    welcome = MLSMessage.decode(hexadecimal(vector["welcome"])).body
    assert isinstance(package, KeyPackage)
    assert isinstance(welcome, Welcome)
    entry = next(one for one in welcome.secrets if one.new_member == package.reference(suite))
    octets = decrypt_with_label(
        suite,
        hexadecimal(vector["init_priv"]),
        b"Welcome",
        welcome.encrypted_group_info,
        (entry.kem_output, entry.ciphertext),
    )
    secrets = decode(GroupSecrets.read, octets)
    none = bytes(suite.secret_length)
    key, nonce = welcome_key_and_nonce(suite, welcome_secret(suite, secrets.joiner_secret, none))
    info = decode(GroupInfo.read, suite.open(key, nonce, b"", welcome.encrypted_group_info))
    assert info.verify(suite, hexadecimal(vector["signer_pub"]))
    context = info.group_context
    schedule = key_schedule(suite, secrets.joiner_secret, none, context.encoded)
    assert suite.verify_mac(
        schedule.secrets.confirmation_key, context.confirmed_transcript_hash, info.confirmation_tag
    )
