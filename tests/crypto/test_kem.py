import hashlib
import os

import pytest

from sottovoce.crypto.dhkem import DHKEM_P256, DHKEM_P384, DHKEM_P521, DHKEM_X448, DHKEM_X25519
from sottovoce.crypto.errors import DecryptionError, InvalidPrivateKey, InvalidPublicKey
from sottovoce.crypto.hybrid_kem import MLKEM768_X25519, X_WING
from sottovoce.crypto.kem import Kem, SingleShotKem

SINGLE_SHOT: tuple[SingleShotKem, ...] = (
    DHKEM_P256,
    DHKEM_P384,
    DHKEM_P521,
    DHKEM_X25519,
    MLKEM768_X25519,
    X_WING,
)
ALL: tuple[Kem, ...] = (*SINGLE_SHOT, DHKEM_X448)

every_kem = pytest.mark.parametrize("kem", ALL, ids=lambda kem: f"{kem.id:04x}")


def test_hybrid_derives_its_seed_by_labeled_derive() -> None:
    """draft-ietf-hpke-pq §4: LabeledDerive(ikm, "DeriveKeyPair", "", 32) over SHAKE256, spelled out."""
    ikm = bytes(range(48))
    labeled_ikm = ikm + b"HPKE-v1" + b"KEM\x64\x7a" + b"\x00\x0dDeriveKeyPair" + b"\x00\x20"
    assert MLKEM768_X25519.derive_key_pair(ikm).private == hashlib.shake_256(labeled_ikm).digest(32)


def test_x_wing_hashes_the_key_material_to_its_seed() -> None:
    ikm = bytes(range(64))
    assert X_WING.derive_key_pair(ikm).private == hashlib.shake_256(ikm).digest(32)
    assert X_WING.id == MLKEM768_X25519.id


@every_kem
def test_lengths_and_agreement(kem: Kem) -> None:
    key_pair = kem.derive_key_pair(os.urandom(66))
    assert len(key_pair.private) == kem.private_key_length
    assert len(key_pair.public) == kem.public_key_length
    shared_secret, kem_output = kem.encapsulate(key_pair.public)
    assert len(kem_output) == kem.output_length
    assert kem.decapsulate(key_pair.private, kem_output) == shared_secret


@pytest.mark.parametrize("kem", SINGLE_SHOT, ids=lambda kem: f"{kem.id:04x}")
def test_cryptography_has_the_same_lengths_and_refuses_the_same(kem: SingleShotKem) -> None:
    assert kem.primitive.enc_length() == kem.output_length
    for length in (0, 1, kem.public_key_length - 1, kem.public_key_length + 1):
        with pytest.raises(InvalidPublicKey):
            kem.load_public_key(bytes(length))
    with pytest.raises(InvalidPrivateKey):
        kem.load_private_key(bytes(kem.private_key_length + 1))


def test_x448_is_not_among_them() -> None:
    assert not isinstance(DHKEM_X448, SingleShotKem)


@every_kem
def test_encapsulation_is_fresh(kem: Kem) -> None:
    public_key = kem.derive_key_pair(bytes(32)).public
    first, second = kem.encapsulate(public_key), kem.encapsulate(public_key)
    assert first[0] != second[0]
    assert first[1] != second[1]


@every_kem
def test_what_is_no_key_is_refused(kem: Kem) -> None:
    key_pair = kem.derive_key_pair(bytes(32))
    for length in (0, 1, kem.public_key_length - 1, kem.public_key_length + 1):
        with pytest.raises(InvalidPublicKey):
            kem.encapsulate(bytes(length))
        with pytest.raises(InvalidPublicKey):
            kem.validate_public_key(bytes(length))
        with pytest.raises(DecryptionError):
            kem.decapsulate(key_pair.private, bytes(length))
    with pytest.raises(InvalidPrivateKey):
        kem.decapsulate(bytes(kem.private_key_length + 1), bytes(kem.output_length))


def test_hybrid_refuses_coefficients_above_the_modulus() -> None:
    public_key = b"\xff" * 1184 + b"\x09" + bytes(31)
    with pytest.raises(InvalidPublicKey, match="ML-KEM-768"):
        MLKEM768_X25519.load_public_key(public_key)
    with pytest.raises(InvalidPublicKey, match="ML-KEM-768"):
        MLKEM768_X25519.validate_public_key(public_key)


def test_hybrid_rejects_a_changed_ciphertext_implicitly() -> None:
    key_pair = MLKEM768_X25519.derive_key_pair(bytes(32))
    shared_secret, kem_output = MLKEM768_X25519.encapsulate(key_pair.public)
    changed = bytes([kem_output[0] ^ 1]) + kem_output[1:]
    assert MLKEM768_X25519.decapsulate(key_pair.private, changed) != shared_secret


def test_hybrid_public_key_of_a_seed() -> None:
    key_pair = MLKEM768_X25519.derive_key_pair(b"ikm")
    assert MLKEM768_X25519.public_key(key_pair.private) == key_pair.public
    with pytest.raises(InvalidPrivateKey):
        MLKEM768_X25519.public_key(bytes(31))
