import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.crypto.errors import InvalidArgument, InvalidPrivateKey
from sottovoce.crypto.signatures import (
    ECDSA_P256,
    ECDSA_P384,
    ECDSA_P521,
    ED448,
    ED25519,
    SignatureScheme,
    ed25519_key_pair,
    ed25519_sign,
    ed25519_verify,
)

every_scheme = pytest.mark.parametrize(
    "scheme",
    [ED25519, ED448, ECDSA_P256, ECDSA_P384, ECDSA_P521],
    ids=["Ed25519", "Ed448", "P-256", "P-384", "P-521"],
)


def test_ed25519_of_rfc_8032_test_2() -> None:
    key_pair = ed25519_key_pair(
        bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    )
    assert key_pair.public.hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    signature = ed25519_sign(key_pair.private, b"\x72")
    assert signature.hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert ed25519_verify(key_pair.public, b"\x72", signature)


def test_ed448_of_rfc_8032_with_one_octet() -> None:
    key_pair = ED448.key_pair(
        bytes.fromhex(
            "c4eab05d357007c632f3dbb48489924d552b08fe0c353a0d4a1f00acda2c463a"
            "fbea67c5e8d2877c5e3bc397a659949ef8021e954e0a12274e"
        )
    )
    assert key_pair.public.hex() == (
        "43ba28f430cdff456ae531545f7ecd0ac834a55d9358c0372bfa0c6c6798c086"
        "6aea01eb00742802b8438ea4cb82169c235160627b4c3a9480"
    )
    signature = ED448.signer(key_pair.private).sign(b"\x03")
    assert signature.hex().startswith("26b8f91727bd62897af15e41eb43c377efb9c610d48f2335cb0bd0087810f435")
    assert len(signature) == 114
    assert ED448.verify(key_pair.public, b"\x03", signature)


@every_scheme
def test_seeds_of_another_length(scheme: SignatureScheme) -> None:
    for length in (0, scheme.seed_length - 1, scheme.seed_length + 1):
        with pytest.raises(InvalidArgument):
            scheme.key_pair(bytes(length))


@every_scheme
def test_private_keys_that_are_none(scheme: SignatureScheme) -> None:
    with pytest.raises(InvalidPrivateKey):
        scheme.signer(bytes(scheme.seed_length + 1))


@every_scheme
def test_each_bit_of_a_signature_counts(scheme: SignatureScheme) -> None:
    key_pair = scheme.key_pair(b"s" * scheme.seed_length)
    signature = scheme.signer(key_pair.private).sign(b"message")
    assert scheme.verify(key_pair.public, b"message", signature)
    for position in range(len(signature)):
        flipped = bytearray(signature)
        flipped[position] ^= 1
        assert not scheme.verify(key_pair.public, b"message", bytes(flipped))
        assert not scheme.verify(key_pair.public, b"message", signature[:position])
    assert not scheme.verify(key_pair.public, b"message", signature + b"\0")


@every_scheme
def test_random_keys_and_signatures_verify_nothing(scheme: SignatureScheme) -> None:
    @given(st.binary(max_size=140), st.binary(max_size=80))
    def check(public_key: bytes, signature: bytes) -> None:
        assert not scheme.verify(public_key, b"message", signature)

    check()


@every_scheme
def test_repr_of_a_key_pair_hides_the_private_key(scheme: SignatureScheme) -> None:
    key_pair = scheme.key_pair(b"s" * scheme.seed_length)
    assert "private" not in repr(key_pair)
    assert repr(key_pair.private)[2:-1] not in repr(key_pair)


@every_scheme
def test_a_signer_signs_again_and_shows_nothing(scheme: SignatureScheme) -> None:
    key_pair = scheme.key_pair(b"s" * scheme.seed_length)
    signer = scheme.signer(key_pair.private)
    for message in (b"one", b"two"):
        assert scheme.verify(key_pair.public, message, signer.sign(message))
    assert repr(signer) == "Signer(<redacted>)"
