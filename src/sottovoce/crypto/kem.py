"""Key encapsulation for HPKE: DHKEM (RFC 9180 §4.1) and MLKEM768-X25519 (draft-ietf-hpke-pq-05 §4).

Keys are bytes as RFC 9180 serialises them. Encapsulation draws its randomness inside ``cryptography``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol, TypeAlias

from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from sottovoce.crypto import nist_curves
from sottovoce.crypto.errors import DecryptionError, InvalidPrivateKey, InvalidPublicKey
from sottovoce.crypto.kdf import SHA256, HashFunction
from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.labeled import LabeledKdf, labeled_derive
from sottovoce.crypto.nist_curves import NistCurve

LoadedPublicKey: TypeAlias = X25519PublicKey | ec.EllipticCurvePublicKey | hpke.MLKEM768X25519PublicKey
LoadedPrivateKey: TypeAlias = X25519PrivateKey | ec.EllipticCurvePrivateKey | hpke.MLKEM768X25519PrivateKey


class Kem(Protocol):
    """What RFC 9180 §4 asks of a KEM, on serialised keys."""

    @property
    def id(self) -> int:
        """The number of RFC 9180 §7.1."""

    @property
    def public_key_length(self) -> int:
        """``Npk`` in bytes."""

    @property
    def private_key_length(self) -> int:
        """``Nsk`` in bytes."""

    @property
    def output_length(self) -> int:
        """``Nenc``, the length of an encapsulated key, in bytes."""

    @property
    def primitive(self) -> hpke.KEM:
        """The same KEM in ``cryptography``."""

    def derive_key_pair(self, ikm: bytes) -> KeyPair:
        """Return the key pair that ``ikm`` determines (``DeriveKeyPair``)."""

    def load_public_key(self, public_key: bytes) -> LoadedPublicKey:
        """Return the key object; raise ``InvalidPublicKey`` for anything but a valid key."""

    def load_private_key(self, private_key: bytes) -> LoadedPrivateKey:
        """Return the key object; raise ``InvalidPrivateKey`` for anything but a valid key."""

    def encapsulate(self, public_key: bytes) -> tuple[bytes, bytes]:
        """Return (shared secret, encapsulated key); raise ``InvalidPublicKey``."""

    def decapsulate(self, private_key: bytes, kem_output: bytes) -> bytes:
        """Return the shared secret; raise ``DecryptionError`` or ``InvalidPrivateKey``."""


def _suite_id(kem_id: int) -> bytes:
    return b"KEM" + kem_id.to_bytes(2, "big")


def _extract_and_expand(kem_id: int, hash_function: HashFunction, dh: bytes, kem_context: bytes) -> bytes:
    """Return DHKEM's shared secret, ``Nsecret`` = Nh bytes (RFC 9180 §4.1)."""
    labeled_kdf = LabeledKdf(hash_function, _suite_id(kem_id))
    prk = labeled_kdf.extract(b"", b"eae_prk", dh)
    return labeled_kdf.expand(prk, b"shared_secret", kem_context, hash_function.length)


@lru_cache(maxsize=4096)
def _load_x25519_public_key(public_key: bytes) -> X25519PublicKey:
    try:
        return X25519PublicKey.from_public_bytes(public_key)
    except ValueError:
        raise InvalidPublicKey("An X25519 public key has 32 bytes.") from None


def _load_x25519_private_key(private_key: bytes) -> X25519PrivateKey:
    try:
        return X25519PrivateKey.from_private_bytes(private_key)
    except ValueError:
        raise InvalidPrivateKey("An X25519 private key has 32 bytes.") from None


def _x25519_to(ephemeral: X25519PrivateKey, public_key: X25519PublicKey) -> bytes:
    # RFC 9180 §7.1.4: "implementations MUST check whether the DH shared secret is the all-zero value";
    # OpenSSL does, and `exchange` raises ValueError then.
    try:
        return ephemeral.exchange(public_key)
    except ValueError:
        raise InvalidPublicKey("This X25519 public key is of low order.") from None


def _x25519_from(private_key: X25519PrivateKey, kem_output: bytes) -> bytes:
    try:
        return private_key.exchange(X25519PublicKey.from_public_bytes(kem_output))
    except ValueError:
        raise DecryptionError("The KEM output is no X25519 public key.") from None


@dataclass(frozen=True, slots=True)
class DhkemX25519:
    """DHKEM(X25519, HKDF-SHA256): keys, shared secret and KEM output of 32 bytes each."""

    id: int = 0x0020
    public_key_length: int = 32
    private_key_length: int = 32
    output_length: int = 32

    @property
    def primitive(self) -> hpke.KEM:
        """The same KEM in ``cryptography``."""
        return hpke.KEM.X25519

    def derive_key_pair(self, ikm: bytes) -> KeyPair:
        """Return the key pair that ``ikm`` determines (RFC 9180 §7.1.3)."""
        labeled_kdf = LabeledKdf(SHA256, _suite_id(self.id))
        prk = labeled_kdf.extract(b"", b"dkp_prk", ikm)
        private_key = labeled_kdf.expand(prk, b"sk", b"", self.private_key_length)
        public_key = X25519PrivateKey.from_private_bytes(private_key).public_key()
        return KeyPair(private_key, public_key.public_bytes_raw())

    def load_public_key(self, public_key: bytes) -> X25519PublicKey:
        """Return the key object; raise ``InvalidPublicKey`` unless it has 32 bytes."""
        return _load_x25519_public_key(public_key)

    def load_private_key(self, private_key: bytes) -> X25519PrivateKey:
        """Return the key object; raise ``InvalidPrivateKey`` unless it has 32 bytes."""
        return _load_x25519_private_key(private_key)

    def encapsulate(self, public_key: bytes) -> tuple[bytes, bytes]:
        """Return (shared secret, encapsulated key); raise ``InvalidPublicKey`` for low order too."""
        recipient = self.load_public_key(public_key)
        ephemeral = X25519PrivateKey.generate()
        kem_output = ephemeral.public_key().public_bytes_raw()
        dh = _x25519_to(ephemeral, recipient)
        return _extract_and_expand(self.id, SHA256, dh, kem_output + public_key), kem_output

    def decapsulate(self, private_key: bytes, kem_output: bytes) -> bytes:
        """Return the shared secret; raise ``DecryptionError`` for a bad or low-order KEM output."""
        recipient = self.load_private_key(private_key)
        dh = _x25519_from(recipient, kem_output)
        kem_context = kem_output + recipient.public_key().public_bytes_raw()
        return _extract_and_expand(self.id, SHA256, dh, kem_context)


@dataclass(frozen=True, slots=True)
class DhkemNist:
    """DHKEM over a NIST curve with the HKDF of the same strength (RFC 9180 §7.1)."""

    id: int
    curve: NistCurve

    @property
    def public_key_length(self) -> int:
        """``Npk``: an uncompressed point."""
        return self.curve.point_length

    @property
    def private_key_length(self) -> int:
        """``Nsk``: a scalar."""
        return self.curve.scalar_length

    @property
    def output_length(self) -> int:
        """``Nenc``: an uncompressed point."""
        return self.curve.point_length

    @property
    def primitive(self) -> hpke.KEM:
        """The same KEM in ``cryptography``."""
        return {0x0010: hpke.KEM.P256, 0x0011: hpke.KEM.P384, 0x0012: hpke.KEM.P521}[self.id]

    def derive_key_pair(self, ikm: bytes) -> KeyPair:
        """Return the key pair that ``ikm`` determines (RFC 9180 §7.1.3)."""
        return nist_curves.derive_key_pair(self.curve, _suite_id(self.id), ikm)

    def load_public_key(self, public_key: bytes) -> ec.EllipticCurvePublicKey:
        """Return the key object; raise ``InvalidPublicKey`` unless it is a point of the curve."""
        return nist_curves.load_public_key(self.curve, public_key)

    def load_private_key(self, private_key: bytes) -> ec.EllipticCurvePrivateKey:
        """Return the key object; raise ``InvalidPrivateKey`` unless it is a scalar in range."""
        return nist_curves.load_private_key(self.curve, private_key)

    def encapsulate(self, public_key: bytes) -> tuple[bytes, bytes]:
        """Return (shared secret, encapsulated key); raise ``InvalidPublicKey``."""
        recipient = self.load_public_key(public_key)
        ephemeral = ec.generate_private_key(self.curve.curve)
        kem_output = nist_curves.serialize_point(ephemeral.public_key())
        dh = ephemeral.exchange(ec.ECDH(), recipient)
        shared_secret = _extract_and_expand(self.id, self.curve.hash_function, dh, kem_output + public_key)
        return shared_secret, kem_output

    def decapsulate(self, private_key: bytes, kem_output: bytes) -> bytes:
        """Return the shared secret; raise ``DecryptionError`` for a KEM output off the curve."""
        recipient = self.load_private_key(private_key)
        try:
            ephemeral = nist_curves.load_public_key(self.curve, kem_output)
        except InvalidPublicKey:
            raise DecryptionError("The KEM output is no point of the curve.") from None
        dh = recipient.exchange(ec.ECDH(), ephemeral)
        kem_context = kem_output + nist_curves.serialize_point(recipient.public_key())
        return _extract_and_expand(self.id, self.curve.hash_function, dh, kem_context)


_MLKEM_PUBLIC_KEY_LENGTH: Final = 1184
_MLKEM_CIPHERTEXT_LENGTH: Final = 1088
_MLKEM_SEED_LENGTH: Final = 64
_HYBRID_LABEL: Final = b"\\.//^\\"


@lru_cache(maxsize=1024)  # a loaded key takes 8 KiB: 8 MiB in all
def _load_hybrid_public_key(public_key: bytes) -> tuple[MLKEM768PublicKey, X25519PublicKey]:
    if len(public_key) != _MLKEM_PUBLIC_KEY_LENGTH + 32:
        raise InvalidPublicKey("An MLKEM768-X25519 public key has 1216 bytes.")
    try:
        post_quantum = MLKEM768PublicKey.from_public_bytes(public_key[:_MLKEM_PUBLIC_KEY_LENGTH])
    except ValueError:
        # FIPS 203 §7.2, the modulus check on the encapsulation key.
        raise InvalidPublicKey("These bytes are no ML-KEM-768 public key.") from None
    return post_quantum, X25519PublicKey.from_public_bytes(public_key[_MLKEM_PUBLIC_KEY_LENGTH:])


def _expand_seed(seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    """Expand the 32-byte private key (``expandDecapsKey`` of draft-irtf-cfrg-hybrid-kems)."""
    if len(seed) != 32:
        raise InvalidPrivateKey("An MLKEM768-X25519 private key has 32 bytes.")
    expanded = hashlib.shake_256(seed).digest(_MLKEM_SEED_LENGTH + 32)
    return (
        MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_LENGTH]),
        X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_LENGTH:]),
    )


def _combine(post_quantum: bytes, traditional: bytes, x25519_output: bytes, x25519_public: bytes) -> bytes:
    """Return the hybrid's shared secret, 32 bytes: the C2PRI combiner with SHA3-256."""
    return hashlib.sha3_256(
        post_quantum + traditional + x25519_output + x25519_public + _HYBRID_LABEL
    ).digest()


@dataclass(frozen=True, slots=True)
class MlKem768X25519:
    """MLKEM768-X25519: private key 32 (a seed), public key 1216, KEM output 1120, secret 32 bytes."""

    id: int = 0x647A
    public_key_length: int = _MLKEM_PUBLIC_KEY_LENGTH + 32
    private_key_length: int = 32
    output_length: int = _MLKEM_CIPHERTEXT_LENGTH + 32

    @property
    def primitive(self) -> hpke.KEM:
        """The same KEM in ``cryptography``."""
        return hpke.KEM.MLKEM768_X25519

    def derive_key_pair(self, ikm: bytes) -> KeyPair:
        """Return the key pair that ``ikm`` determines (draft-ietf-hpke-pq-05 §4)."""
        seed = labeled_derive(_suite_id(self.id), ikm, b"DeriveKeyPair", b"", self.private_key_length)
        return KeyPair(seed, self.public_key(seed))

    def public_key(self, seed: bytes) -> bytes:
        """Return the 1216 bytes of public key that belong to a 32-byte private key."""
        post_quantum, traditional = _expand_seed(seed)
        return post_quantum.public_key().public_bytes_raw() + traditional.public_key().public_bytes_raw()

    def load_public_key(self, public_key: bytes) -> hpke.MLKEM768X25519PublicKey:
        """Return the key object; raise ``InvalidPublicKey`` for a wrong length or modulus check."""
        return hpke.MLKEM768X25519PublicKey(*_load_hybrid_public_key(public_key))

    def load_private_key(self, private_key: bytes) -> hpke.MLKEM768X25519PrivateKey:
        """Return the key object; raise ``InvalidPrivateKey`` unless it has 32 bytes."""
        return hpke.MLKEM768X25519PrivateKey(*_expand_seed(private_key))

    def encapsulate(self, public_key: bytes) -> tuple[bytes, bytes]:
        """Return (shared secret, encapsulated key); raise ``InvalidPublicKey``."""
        post_quantum, traditional = _load_hybrid_public_key(public_key)
        post_quantum_secret, ciphertext = post_quantum.encapsulate()
        ephemeral = X25519PrivateKey.generate()
        x25519_output = ephemeral.public_key().public_bytes_raw()
        dh = _x25519_to(ephemeral, traditional)
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
        dh = _x25519_from(traditional, x25519_output)
        post_quantum_secret = post_quantum.decapsulate(kem_output[:_MLKEM_CIPHERTEXT_LENGTH])
        return _combine(post_quantum_secret, dh, x25519_output, traditional.public_key().public_bytes_raw())


DHKEM_P256: Final = DhkemNist(0x0010, nist_curves.P256)
DHKEM_P384: Final = DhkemNist(0x0011, nist_curves.P384)
DHKEM_P521: Final = DhkemNist(0x0012, nist_curves.P521)
DHKEM_X25519: Final = DhkemX25519()
MLKEM768_X25519: Final = MlKem768X25519()
