import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sottovoce.crypto import suites
from sottovoce.crypto.aead import AES_128_GCM
from sottovoce.crypto.dhkem import DHKEM_X25519
from sottovoce.crypto.errors import DecryptionError, InvalidArgument, InvalidPrivateKey, InvalidPublicKey
from sottovoce.crypto.hpke import Hpke
from sottovoce.crypto.kdf import SHA256
from sottovoce.crypto.suites import CipherSuite

every_suite = pytest.mark.parametrize("suite", suites.SUPPORTED.values(), ids=lambda suite: suite.name)


@every_suite
def test_our_key_schedule_opens_what_cryptography_sealed(suite: CipherSuite) -> None:
    key_pair = suite.derive_key_pair(os.urandom(suite.secret_length))
    kem_output, ciphertext = suite.hpke_seal(key_pair.public, b"info", b"", b"plaintext")
    shared_secret = suite.kem.decapsulate(key_pair.private, kem_output)
    context = Hpke(suite.kem, suite.hash_function, suite.aead)._key_schedule(shared_secret, b"info")
    assert suite.open(context.key, context.base_nonce, b"", ciphertext) == b"plaintext"


@every_suite
def test_cryptography_opens_what_our_key_schedule_sealed(suite: CipherSuite) -> None:
    key_pair = suite.derive_key_pair(os.urandom(suite.secret_length))
    shared_secret, kem_output = suite.kem.encapsulate(key_pair.public)
    context = Hpke(suite.kem, suite.hash_function, suite.aead)._key_schedule(shared_secret, b"info")
    ciphertext = suite.seal(context.key, context.base_nonce, b"", b"plaintext")
    assert suite.hpke_open(key_pair.private, kem_output, b"info", b"", ciphertext) == b"plaintext"


@every_suite
@pytest.mark.parametrize("aad", [b"", b"aad"])
def test_every_part_is_bound(suite: CipherSuite, aad: bytes) -> None:
    key_pair = suite.derive_key_pair(bytes(suite.secret_length))
    other = suite.derive_key_pair(b"\x01" * suite.secret_length)
    kem_output, ciphertext = suite.hpke_seal(key_pair.public, b"info", aad, b"plaintext")
    assert len(kem_output) == suite.kem_output_length
    assert len(ciphertext) == len(b"plaintext") + 16
    assert suite.hpke_open(key_pair.private, kem_output, b"info", aad, ciphertext) == b"plaintext"
    flipped = bytes([ciphertext[0] ^ 1]) + ciphertext[1:]
    for private_key, output, info, sealed in (
        (other.private, kem_output, b"info", ciphertext),
        (key_pair.private, kem_output, b"Info", ciphertext),
        (key_pair.private, kem_output, b"info", flipped),
        (key_pair.private, kem_output, b"info", ciphertext[:-1]),
        (key_pair.private, kem_output[:-1], b"info", ciphertext),
        (key_pair.private, kem_output + b"\0", b"info", ciphertext),
        (key_pair.private, bytes(len(kem_output)), b"info", ciphertext),
        (key_pair.private, b"", b"info", ciphertext),
    ):
        with pytest.raises(DecryptionError):
            suite.hpke_open(private_key, output, info, aad, sealed)


def test_aad_is_bound() -> None:
    suite = suites.DEFAULT
    key_pair = suite.derive_key_pair(bytes(48))
    kem_output, ciphertext = suite.hpke_seal(key_pair.public, b"", b"aad", b"plaintext")
    for aad in (b"", b"AAD"):
        with pytest.raises(DecryptionError):
            suite.hpke_open(key_pair.private, kem_output, b"", aad, ciphertext)


@every_suite
def test_export_agrees_and_is_bound(suite: CipherSuite) -> None:
    key_pair = suite.derive_key_pair(bytes(suite.secret_length))
    kem_output, secret = suite.hpke_export_to(key_pair.public, b"info", b"context", 48)
    assert len(secret) == 48
    assert suite.hpke_export_from(key_pair.private, kem_output, b"info", b"context", 48) == secret
    assert suite.hpke_export_from(key_pair.private, kem_output, b"other", b"context", 48) != secret
    assert suite.hpke_export_from(key_pair.private, kem_output, b"info", b"other", 48) != secret
    for damaged in (b"", kem_output[:-1], bytes(len(kem_output))):
        with pytest.raises(DecryptionError):
            suite.hpke_export_from(key_pair.private, damaged, b"info", b"context", 48)


@pytest.mark.parametrize("length", [-1, 48 * 255 + 1, 70000])
def test_export_of_an_impossible_length(length: int) -> None:
    key_pair = suites.DEFAULT.derive_key_pair(bytes(48))
    with pytest.raises(InvalidArgument):
        suites.DEFAULT.hpke_export_to(key_pair.public, b"", b"", length)


@every_suite
@pytest.mark.parametrize("aad", [b"", b"aad"])
def test_keys_that_are_none(suite: CipherSuite, aad: bytes) -> None:
    good = suite.derive_key_pair(bytes(suite.secret_length))
    for public_key in (b"", good.public[:-1], good.public + b"\0", b"\xff" * len(good.public)):
        if public_key in (b"\xff" * 32, b"\xff" * 56):
            continue  # X25519 and X448 take every string of their length; low order is tested apart
        with pytest.raises(InvalidPublicKey):
            suite.hpke_seal(public_key, b"", aad, b"")
        with pytest.raises(InvalidPublicKey):
            suite.hpke_export_to(public_key, b"", b"", 32)
        with pytest.raises(InvalidPublicKey):
            suite.validate_public_key(public_key)
    suite.validate_public_key(good.public)
    kem_output, ciphertext = suite.hpke_seal(good.public, b"", aad, b"")
    with pytest.raises(InvalidPrivateKey):
        suite.hpke_open(good.private + b"\0", kem_output, b"", aad, ciphertext)


@pytest.mark.parametrize(("id_", "length"), [(suites.DEFAULT.id, 32), (1, 32), (4, 56), (6, 56), (83, 32)])
@pytest.mark.parametrize("aad", [b"", b"aad"])
def test_low_order_is_refused(id_: int, length: int, aad: bytes) -> None:
    suite = suites.cipher_suite(id_)
    public_key = suite.derive_key_pair(bytes(32)).public[:-length] + bytes(length)
    with pytest.raises(InvalidPublicKey):
        suite.hpke_seal(public_key, b"", aad, b"")
    with pytest.raises(InvalidPublicKey):
        suite.hpke_sealer(b"").seal(public_key, b"")
    with pytest.raises(InvalidPublicKey):
        suite.hpke_export_to(public_key, b"", b"", 32)
    with pytest.raises(InvalidPublicKey):
        suite.validate_public_key(public_key)


@every_suite
def test_random_bytes_meet_only_decryption_error(suite: CipherSuite) -> None:
    key_pair = suite.derive_key_pair(bytes(suite.secret_length))
    kem_output, ciphertext = suite.hpke_seal(key_pair.public, b"", b"", b"x" * 40)

    @settings(max_examples=60)
    @given(st.integers(0, len(kem_output) - 1), st.integers(1, 255), st.binary(max_size=80))
    def check(position: int, difference: int, garbage: bytes) -> None:
        mutated = bytearray(kem_output)
        mutated[position] ^= difference
        # X25519 ignores the highest bit of a coordinate, but the KEM context binds all of them.
        with pytest.raises(DecryptionError):
            suite.hpke_open(key_pair.private, bytes(mutated), b"", b"", ciphertext)
        with pytest.raises(DecryptionError):
            suite.hpke_open(key_pair.private, garbage, b"", b"", garbage)

    check()


@every_suite
def test_one_sealer_seals_to_many(suite: CipherSuite) -> None:
    sealer = suite.hpke_sealer(b"info")
    for plaintext in (b"to one", b"to another"):
        key_pair = suite.derive_key_pair(os.urandom(suite.secret_length))
        kem_output, ciphertext = sealer.seal(key_pair.public, plaintext)
        assert suite.hpke_open(key_pair.private, kem_output, b"info", b"", ciphertext) == plaintext
        with pytest.raises(DecryptionError):
            suite.hpke_open(key_pair.private, kem_output, b"other", b"", ciphertext)
    assert "key_schedule_context" not in repr(sealer)


def test_context_repr_shows_no_key() -> None:
    context = Hpke(DHKEM_X25519, SHA256, AES_128_GCM)._key_schedule(b"s" * 32, b"")
    assert repr(context) == "_Context()"
