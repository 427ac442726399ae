"""Device certificates and labelled signing."""

from __future__ import annotations

import os
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.crypto.signatures import ed25519_key_pair, ed25519_sign
from sottovoce.link import certificates
from sottovoce.link.certificates import (
    DEVICE_CERTIFICATE,
    DEVICE_LOGIN,
    DeviceCertificate,
    device_login_content,
    opaque_context,
    signed_content,
)
from sottovoce.link.errors import CertificateError
from sottovoce.link.parts import Stretching

ACCOUNT = ed25519_key_pair(bytes(range(32)))
CERTIFICATE = DeviceCertificate.issue(
    ACCOUNT.private,
    user="Alice",
    device_id=b"d" * 16,
    account_key=ACCOUNT.public,
    signature_key=b"s" * 32,
    authentication_key=b"a" * 32,
)


def test_a_certificate_survives_its_encoding_and_verifies():
    again = DeviceCertificate.from_bytes(CERTIFICATE.to_bytes())
    assert again == CERTIFICATE
    assert again.account_name == "alice"
    again.verify()


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_no_bit_of_a_certificate_can_change(position, bit):
    octets = bytearray(CERTIFICATE.to_bytes())
    octets[position % len(octets)] ^= 1 << bit
    with pytest.raises(CertificateError):
        DeviceCertificate.from_bytes(bytes(octets)).verify()


@pytest.mark.parametrize(
    "octets",
    [
        b"", b"\x90", CERTIFICATE.to_bytes()[:-1], CERTIFICATE.to_bytes() + b"\0",
        msgspec.msgpack.encode(["Alice", *list(msgspec.structs.astuple(CERTIFICATE))[1:], b"more"]),
        b"\xdc\x00\x06" + CERTIFICATE.to_bytes()[1:],
    ],
)  # fmt: skip
def test_there_is_one_encoding(octets):
    with pytest.raises(CertificateError):
        DeviceCertificate.from_bytes(octets)


def test_random_bytes_give_only_the_documented_error():
    rng = random.Random(1)
    for _ in range(2000):
        with pytest.raises(CertificateError):
            DeviceCertificate.from_bytes(rng.randbytes(rng.randrange(300)))


def test_a_signature_for_one_purpose_verifies_for_no_other():
    """Threats A4: every kind of content, signed by the account key, against the certificate's verifier."""
    fields = (b"Alice", b"d" * 16, ACCOUNT.public, b"s" * 32, b"a" * 32)
    contents = {
        DEVICE_LOGIN: signed_content(DEVICE_LOGIN, *fields),
        b"OPAQUE": signed_content(b"OPAQUE", *fields),
        b"": b"".join(fields),
        DEVICE_CERTIFICATE: signed_content(DEVICE_CERTIFICATE, *fields),
    }
    for label, content in contents.items():
        forged = msgspec.structs.replace(CERTIFICATE, signature=ed25519_sign(ACCOUNT.private, content))
        if label == DEVICE_CERTIFICATE:
            forged.verify()
        else:
            with pytest.raises(CertificateError):
                forged.verify()


@given(st.lists(st.binary(max_size=8), max_size=4), st.lists(st.binary(max_size=8), max_size=4))
def test_different_fields_never_give_the_same_content(one, other):
    assert (signed_content(b"x", *one) == signed_content(b"x", *other)) == (one == other)


def test_a_login_is_bound_to_challenge_server_user_and_device():
    content = device_login_content(bytes(32), bytes(32), "Alice", bytes(16))
    assert content == device_login_content(bytes(32), bytes(32), "alice", bytes(16))
    others = {
        device_login_content(os.urandom(32), bytes(32), "alice", bytes(16)),
        device_login_content(bytes(32), os.urandom(32), "alice", bytes(16)),
        device_login_content(bytes(32), bytes(32), "bob", bytes(16)),
        device_login_content(bytes(32), bytes(32), "alice", os.urandom(16)),
    }
    assert content not in others
    assert len(others) == 4


def test_the_opaque_context_binds_server_and_stretching():
    contexts = {
        opaque_context(pin, Stretching(memory, passes, lanes))
        for pin in (bytes(32), b"p" * 32)
        for memory in (65536, 8192)
        for passes in (1, 3)
        for lanes in (1, 4)
    }
    assert len(contexts) == 16
    assert certificates.opaque_context(bytes(32), Stretching(1, 2, 3)).startswith(
        b"\0\0\0\x12Sottovoce 1 OPAQUE"
    )
