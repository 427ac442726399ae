import os

import pytest

from sottovoce.crypto import suites
from sottovoce.crypto.errors import DecryptionError, InvalidArgument, UnsupportedCipherSuite
from sottovoce.crypto.suites import CipherSuite
from sottovoce.errors import PeerError

every_suite = pytest.mark.parametrize("suite", suites.SUPPORTED.values(), ids=lambda suite: suite.name)


@pytest.mark.parametrize(
    ("id_", "name", "lengths"),
    [
        (1, "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519", (32, 16, 32, 32, 32)),
        (2, "MLS_128_DHKEMP256_AES128GCM_SHA256_P256", (32, 16, 65, 65, 32)),
        (3, "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519", (32, 32, 32, 32, 32)),
        (4, "MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448", (64, 32, 56, 56, 57)),
        (5, "MLS_256_DHKEMP521_AES256GCM_SHA512_P521", (64, 32, 133, 133, 66)),
        (6, "MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448", (64, 32, 56, 56, 57)),
        (7, "MLS_256_DHKEMP384_AES256GCM_SHA384_P384", (48, 32, 97, 97, 48)),
        (83, "MLS_256_XWING_AES256GCM_SHA512_Ed25519", (64, 32, 1216, 1120, 32)),
        (0xF002, "MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519", (48, 32, 1216, 1120, 32)),
    ],
)
def test_each_suite_by_its_number(id_: int, name: str, lengths: tuple[int, ...]) -> None:
    suite = suites.cipher_suite(id_)
    assert suite.name == name
    assert getattr(suites, name) is suite
    assert suite.hash_length == suite.secret_length
    assert suite.nonce_length == 12
    assert lengths == (
        suite.hash_length,
        suite.key_length,
        suite.public_key_length,
        suite.kem_output_length,
        suite.signature_seed_length,
    )


def test_the_default_is_the_hybrid_and_comes_first() -> None:
    assert suites.DEFAULT.name.startswith("MLS_128_MLKEM768X25519")
    assert next(iter(suites.SUPPORTED.values())) is suites.DEFAULT


@pytest.mark.parametrize("id_", [-1, 0, 8, 82, 84, 0x0A0A, 0xF001, 0xFFFF])
def test_a_number_not_supported_is_the_peers_fault(id_: int) -> None:
    with pytest.raises(UnsupportedCipherSuite, match="not supported") as caught:
        suites.cipher_suite(id_)
    assert isinstance(caught.value, PeerError)


@every_suite
def test_mac_is_compared_whole(suite: CipherSuite) -> None:
    tag = suite.mac(b"key", b"data")
    assert len(tag) == suite.hash_length
    assert suite.verify_mac(b"key", b"data", tag)
    assert not suite.verify_mac(b"key", b"Data", tag)
    assert not suite.verify_mac(b"Key", b"data", tag)
    # Threat B9: no prefix of a tag is a tag, and neither is anything longer.
    for length in range(len(tag)):
        assert not suite.verify_mac(b"key", b"data", tag[:length])
    assert not suite.verify_mac(b"key", b"data", tag + b"\0")


@every_suite
def test_seal_and_open(suite: CipherSuite) -> None:
    key, nonce = os.urandom(suite.key_length), os.urandom(suite.nonce_length)
    ciphertext = suite.seal(key, nonce, b"aad", b"plaintext")
    assert suite.open(key, nonce, b"aad", ciphertext) == b"plaintext"
    for aad, sealed in (
        (b"", ciphertext),
        (b"aad", ciphertext[:-1]),
        (b"aad", b""),
        (b"aad", ciphertext[:-1] + bytes([ciphertext[-1] ^ 1])),
    ):
        with pytest.raises(DecryptionError):
            suite.open(key, nonce, aad, sealed)
    for wrong_key, wrong_nonce in ((key[:-1], nonce), (key, nonce + b"\0")):
        with pytest.raises(InvalidArgument):
            suite.seal(wrong_key, wrong_nonce, b"", b"")
        with pytest.raises(InvalidArgument):
            suite.open(wrong_key, wrong_nonce, b"", ciphertext)


@every_suite
def test_derivation_lengths(suite: CipherSuite) -> None:
    prk = suite.extract(b"salt", b"ikm")
    assert len(prk) == suite.secret_length
    assert len(suite.hash(b"")) == suite.hash_length
    longest = 255 * suite.secret_length
    assert suite.expand(prk, b"info", longest).startswith(suite.expand(prk, b"info", 7))
    assert suite.expand(prk, b"info", 0) == b""
    with pytest.raises(InvalidArgument):
        suite.expand(prk, b"info", longest + 1)


@every_suite
def test_signatures(suite: CipherSuite) -> None:
    seed = os.urandom(suite.signature_seed_length)
    key_pair = suite.signature_key_pair(seed)
    assert suite.signature_key_pair(seed) == key_pair
    for key in (key_pair.private, suite.signer(key_pair.private)):
        signature = suite.sign(key, b"message")
        assert suite.verify(key_pair.public, b"message", signature)
        assert not suite.verify(key_pair.public, b"Message", signature)


def test_equality_is_by_number_and_repr_is_short() -> None:
    suite = suites.cipher_suite(1)
    assert suite != suites.DEFAULT
    assert len({suite, suites.cipher_suite(1)}) == 1
    assert repr(suite) == "CipherSuite(id=1, name='MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519')"
