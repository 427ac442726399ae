"""MLKEM768-X25519, also known as X-Wing (draft-ietf-hpke-pq-05 §4, draft-connolly-cfrg-xwing-kem)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from sottovoce.crypto.errors import DecryptionError, InvalidPrivateKey, InvalidPublicKey
from sottovoce.crypto.kem import kem_suite_id
from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.labeled import labeled_derive
from sottovoce.crypto.montgomery import X25519

KEM_ID: Final = 0x647A

_SEED_LENGTH: Final = 32
_MLKEM_PUBLIC_KEY_LENGTH: Final = 1184
_MLKEM_CIPHERTEXT_LENGTH: Final = 1088
_MLKEM_SEED_LENGTH: Final = 64
_HYBRID_LABEL: Final = b"\\.//^\\"


def _load_post_quantum(public_key: bytes) -> MLKEM768PublicKey:
    if len(public_key) != _MLKEM_PUBLIC_KEY_LENGTH + 32:
        raise InvalidPublicKey("An MLKEM768-X25519 public key has 1216 bytes.")
    try:
        return MLKEM768PublicKey.from_public_bytes(public_key[:_MLKEM_PUBLIC_KEY_LENGTH])
    except ValueError:
        # FIPS 203 §7.2, the modulus check on the encapsulation key.
        raise InvalidPublicKey("These bytes are no ML-KEM-768 public key.") from None


def _load_public_key(public_key: bytes) -> tuple[MLKEM768PublicKey, X25519PublicKey]:
    # Not cached: a loaded ML-KEM key takes some 8 KiB, and loading it 15 % of an encapsulation.
    return _load_post_quantum(public_key), X25519.load_public_key(public_key[_MLKEM_PUBLIC_KEY_LENGTH:])


def _expand_seed(seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    """Expand the 32-byte private key (``expandDecapsKey`` of draft-irtf-cfrg-hybrid-kems)."""
    if len(seed) != _SEED_LENGTH:
        raise InvalidPrivateKey("An MLKEM768-X25519 private key has 32 bytes.")
    expanded = hashlib.shake_256(seed).digest(_MLKEM_SEED_LENGTH + 32)
    return (
        MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_LENGTH]),
        X25519.load_private_key(expanded[_MLKEM_SEED_LENGTH:]),
    )


def _combine(post_quantum: bytes, traditional: bytes, x25519_output: bytes, x25519_public: bytes) -> bytes:
    """Return the hybrid's shared secret, 32 bytes: the C2PRI combiner with SHA3-256."""
    return hashlib.sha3_256(
        post_quantum + traditional + x25519_output + x25519_public + _HYBRID_LABEL
    ).digest()


def _labeled_seed(ikm: bytes) -> bytes:
    """Return the seed of draft-ietf-hpke-pq-05 §4, ``SHAKE256.LabeledDerive``."""
    return labeled_derive(kem_suite_id(KEM_ID), ikm, b"DeriveKeyPair", b"", _SEED_LENGTH)


def _hashed_seed(ikm: bytes) -> bytes:
    """Return the seed as draft-connolly-cfrg-xwing-kem uses X-Wing in HPKE: ``SHAKE256(ikm, 32)``."""
    return hashlib.shake_256(ikm).digest(_SEED_LENGTH)


@dataclass(frozen=True, slots=True)
class MlKem768X25519:
    """MLKEM768-X25519: private key 32 (a seed), public key 1216, KEM output 1120, secret 32 bytes.

    ``derive_seed`` is what the drafts differ in: how ``DeriveKeyPair`` makes the 32 bytes of private key.
    """

    derive_seed: Callable[[bytes], bytes]
    id: int = KEM_ID
    public_key_length: int = _MLKEM_PUBLIC_KEY_LENGTH + 32
    private_key_length: int = _SEED_LENGTH
    output_length: int = _MLKEM_CIPHERTEXT_LENGTH + 32

    @property
    def primitive(self) -> hpke.KEM:
        """The same KEM in ``cryptography``."""
        return hpke.KEM.MLKEM768_X25519

    def derive_key_pair(self, ikm: bytes) -> KeyPair:
        """Return the key pair that ``ikm`` determines (``DeriveKeyPair``)."""
        seed = self.derive_seed(ikm)
        return KeyPair(seed, self.public_key(seed))

    def public_key(self, seed: bytes) -> bytes:
        """Return the 1216 bytes of public key that belong to a 32-byte private key."""
        post_quantum, traditional = _expand_seed(seed)
        return post_quantum.public_key().public_bytes_raw() + traditional.public_key().public_bytes_raw()

    def validate_public_key(self, public_key: bytes) -> None:
        """Raise ``InvalidPublicKey`` for a wrong length, by FIPS 203 §7.2, and for low order."""
        _load_post_quantum(public_key)
        X25519.validate_public_key(public_key[_MLKEM_PUBLIC_KEY_LENGTH:])

    def load_public_key(self, public_key: bytes) -> hpke.MLKEM768X25519PublicKey:
        """Return the key object; raise ``InvalidPublicKey`` for a wrong length or modulus check."""
        return hpke.MLKEM768X25519PublicKey(*_load_public_key(public_key))

    def load_private_key(self, private_key: bytes) -> hpke.MLKEM768X25519PrivateKey:
        """Return the key object; raise ``InvalidPrivateKey`` unless it has 32 bytes."""
        return hpke.MLKEM768X25519PrivateKey(*_expand_seed(private_key))

    def encapsulate(self, public_key: bytes) -> tuple[bytes, bytes]:
        """Return (shared secret, encapsulated key); raise ``InvalidPublicKey``."""
        post_quantum, traditional = _load_public_key(public_key)
        post_quantum_secret, ciphertext = post_quantum.encapsulate()
        ephemeral = X25519.generate()
        x25519_output = ephemeral.public_key().public_bytes_raw()
        dh = X25519.exchange(ephemeral, traditional)
        x25519_public = public_key[_MLKEM_PUBLIC_KEY_LENGTH:]
        shared_secret = _combine(post_quantum_secret, dh, x25519_output, x25519_public)
        return shared_secret, ciphertext + x25519_output

    def decapsulate(self, private_key: bytes, kem_output: bytes) -> bytes:
        """Return the shared secret; raise ``DecryptionError`` for a KEM output that cannot be one.

        A changed ML-KEM ciphertext gives another secret (FIPS 203 §6.3, implicit rejection).
        """
        post_quantum, traditional = _expand_seed(private_key)
        if len(kem_output) != self.output_length:
            raise DecryptionError("The KEM output has a wrong length.")
        x25519_output = kem_output[_MLKEM_CIPHERTEXT_LENGTH:]
        try:
            dh = X25519.exchange(traditional, X25519.load_public_key(x25519_output))
        except InvalidPublicKey:
            raise DecryptionError("The KEM output holds no X25519 public key.") from None
        post_quantum_secret = post_quantum.decapsulate(kem_output[:_MLKEM_CIPHERTEXT_LENGTH])
        return _combine(post_quantum_secret, dh, x25519_output, traditional.public_key().public_bytes_raw())


MLKEM768_X25519: Final = MlKem768X25519(_labeled_seed)
X_WING: Final = MlKem768X25519(_hashed_seed)
