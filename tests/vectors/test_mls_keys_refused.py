"""The vectors of codec and keys, each with one thing spoilt: refused by its rule, or another result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from official_vectors import Refusals
from spoiling import flipped, truncations

from sottovoce.crypto.errors import DecryptionError
from sottovoce.crypto.suites import cipher_suite
from sottovoce.mls import (
    DecodingError,
    GenerationTooFar,
    KeyConsumed,
    labels,
)
from sottovoce.mls.framing import (
    AuthenticatedContent,
    ContentAuth,
)
from sottovoce.mls.key_schedule import confirmed_transcript_hash, joiner_secret, key_schedule, psk_secret
from sottovoce.mls.presentation import Reader, decode
from sottovoce.mls.proposals import PreSharedKeyID, PSKType
from sottovoce.mls.protection import (
    VerifiedContent,
)
from sottovoce.mls.secret_tree import APPLICATION, RatchetLimits, SecretTree
from sottovoce.mls.tree_math import LeafIndex

Vector = dict[str, Any]
hexadecimal = bytes.fromhex


@pytest.mark.mls_vectors("deserialization")
def test_deserialization_refused(vector: Vector, refusals: Refusals) -> None:
    header = hexadecimal(vector["vlbytes_header"])
    length = vector["length"]
    spoilt = [bytes([0xC0 | header[0]]) + header[1:], *truncations(header)]
    if length < 0x4000:
        spoilt.append((length | 0x8000_0000).to_bytes(4, "big"))
    if length < 0x40:
        spoilt.append((length | 0x4000).to_bytes(2, "big"))
    for one in spoilt:
        refusals.expect(DecodingError, Reader(one).variable_length)


@pytest.mark.mls_vectors("crypto-basics")
def test_crypto_basics_refused(vector: Vector, refusals: Refusals) -> None:
    suite = cipher_suite(vector["cipher_suite"])
    one = vector["sign_with_label"]
    key, content, signature = (hexadecimal(one[name]) for name in ("pub", "content", "signature"))
    label = one["label"].encode()
    honest = {"public_key": key, "label": label, "content": content, "signature": signature}
    for name, value in honest.items():
        for spoilt in (flipped(value, 0), flipped(value), value[:-1], value + b"\0"):
            refusals.differs(labels.verify_with_label(suite, *({**honest, name: spoilt}).values()), True)
    one = vector["encrypt_with_label"]
    private, context, kem_output, ciphertext = (
        hexadecimal(one[name]) for name in ("priv", "context", "kem_output", "ciphertext")
    )
    opened = {"label": one["label"].encode(), "context": context, "kem": kem_output, "ciphertext": ciphertext}
    for name, value in opened.items():
        for spoilt in (flipped(value), value[:-1], value + b"\0"):
            given = {**opened, name: spoilt}
            refusals.expect(
                DecryptionError,
                lambda given=given: labels.decrypt_with_label(
                    suite, private, given["label"], given["context"], (given["kem"], given["ciphertext"])
                ),
            )


@pytest.mark.mls_vectors("key-schedule")
def test_key_schedule_refused(vector: Vector, refusals: Refusals) -> None:
    suite = cipher_suite(vector["cipher_suite"])
    init = hexadecimal(vector["initial_init_secret"])
    for epoch in vector["epochs"]:
        commit, context, psk = (
            hexadecimal(epoch[name]) for name in ("commit_secret", "group_context", "psk_secret")
        )
        honest = (init, commit, context, psk)
        for at in range(4):
            init_, commit_, context_, psk_ = (
                flipped(one) if number == at else one for number, one in enumerate(honest)
            )
            joiner = joiner_secret(suite, init_, commit_, context_)
            secrets = key_schedule(suite, joiner, psk_, context_).secrets
            refusals.differs(secrets.epoch_authenticator, hexadecimal(epoch["epoch_authenticator"]))
            refusals.differs(secrets.confirmation_key, hexadecimal(epoch["confirmation_key"]))
        init = hexadecimal(epoch["init_secret"])


@pytest.mark.mls_vectors("psk_secret")
def test_psk_secret_refused(vector: Vector, refusals: Refusals) -> None:
    suite = cipher_suite(vector["cipher_suite"])
    psks = [
        tuple(hexadecimal(one[name]) for name in ("psk_nonce", "psk_id", "psk")) for one in vector["psks"]
    ]

    def combined(psks: list[tuple[bytes, ...]]) -> bytes:
        return psk_secret(
            suite, [(PreSharedKeyID(PSKType.EXTERNAL, nonce, name), psk) for nonce, name, psk in psks]
        )

    expected = hexadecimal(vector["psk_secret"])
    for at, psk in enumerate(psks):
        for part in range(3):
            spoilt = (*psk[:part], flipped(psk[part]), *psk[part + 1 :])
            refusals.differs(combined([*psks[:at], spoilt, *psks[at + 1 :]]), expected)
        refusals.differs(combined([*psks[:at], *psks[at + 1 :]]), expected)
    if len(psks) > 1:
        refusals.differs(combined(psks[::-1]), expected)


@pytest.mark.mls_vectors("secret-tree")
def test_secret_tree_refused(vector: Vector, refusals: Refusals) -> None:
    suite = cipher_suite(vector["cipher_suite"])
    secret, leaves = hexadecimal(vector["encryption_secret"]), vector["leaves"]
    limits = RatchetLimits(max_forward_generations=20)
    tree = SecretTree(suite, len(leaves), secret, limits)
    other = SecretTree(suite, len(leaves), flipped(secret), limits)
    for leaf, generations in enumerate(leaves):
        for one in generations:
            at = LeafIndex(leaf), APPLICATION, one["generation"]
            refusals.differs(other.plan(*at).message_key.key, hexadecimal(one["application_key"]))
            tree.apply(tree.plan(*at))
            refusals.expect(KeyConsumed, lambda at=at: tree.plan(*at))
        far = LeafIndex(leaf), APPLICATION, generations[-1]["generation"] + 22
        refusals.expect(GenerationTooFar, lambda far=far: tree.plan(*far))
    refusals.expect(KeyConsumed, lambda: tree.plan(LeafIndex(len(leaves)), APPLICATION, 0))


@pytest.mark.mls_vectors("transcript-hashes")
def test_transcript_hashes_refused(vector: Vector, refusals: Refusals) -> None:
    suite = cipher_suite(vector["cipher_suite"])
    data = hexadecimal(vector["authenticated_content"])
    before, key = (
        hexadecimal(vector[name]) for name in ("interim_transcript_hash_before", "confirmation_key")
    )
    expected = hexadecimal(vector["confirmed_transcript_hash_after"])
    read = decode(AuthenticatedContent.read, data)
    honest = VerifiedContent(read.wire_format, read.content, read.auth)
    refusals.differs(confirmed_transcript_hash(suite, flipped(before), honest.commit_input()), expected)
    signature = ContentAuth(flipped(read.auth.signature), read.auth.confirmation_tag)
    refusals.differs(
        confirmed_transcript_hash(suite, before, replace(honest, auth=signature).commit_input()), expected
    )
    tag = read.auth.confirmation_tag or b""
    for spoilt in (flipped(tag), tag + b"\0", *truncations(tag)):
        refusals.differs(suite.verify_mac(key, expected, spoilt), True)
    refusals.differs(suite.verify_mac(flipped(key), expected, tag), True)
