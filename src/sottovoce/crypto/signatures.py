"""Signatures: Ed25519 and Ed448 (RFC 8032), ECDSA on the NIST curves (FIPS 186-5), over serialised keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey, Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sottovoce.crypto import nist_curves
from sottovoce.crypto.errors import InvalidArgument, InvalidPrivateKey, InvalidPublicKey
from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.nist_curves import NistCurve

ED25519_KEY_LENGTH: Final = 32
ED25519_SIGNATURE_LENGTH: Final = 64
ED448_KEY_LENGTH: Final = 57


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """A private key that is loaded once and signs many times.

    To load an Ed25519 key takes as long as to sign, since its public key is computed. A signer lives as
    long as somebody holds it; nothing here keeps one.
    """

    sign: Callable[[bytes], bytes]
    """Return the signature of a message."""

    def __repr__(self) -> str:
        return "Signer(<redacted>)"


@lru_cache(maxsize=256)  # half a KiB each; a key met again saves 3 % of a verification
def _load_ed25519_public_key(public_key: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public_key)


def ed25519_key_pair(seed: bytes) -> KeyPair:
    """Return the key pair of a 32-byte seed; the private key is the seed (RFC 8032 §5.1.5).

    Raises :class:`~sottovoce.crypto.errors.InvalidArgument` for a seed of another length.
    """
    if len(seed) != ED25519_KEY_LENGTH:
        raise InvalidArgument("An Ed25519 seed has 32 bytes.")
    return KeyPair(seed, Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


def ed25519_sign(private_key: bytes, message: bytes) -> bytes:
    """Return the 64-byte signature of ``message`` (RFC 8032 §5.1.6).

    Raises :class:`~sottovoce.crypto.errors.InvalidPrivateKey` unless the key has 32 bytes.
    """
    return _ed25519_signer(private_key).sign(message)


def _ed25519_signer(private_key: bytes) -> Signer:
    if len(private_key) != ED25519_KEY_LENGTH:
        raise InvalidPrivateKey("An Ed25519 private key has 32 bytes.")
    return Signer(Ed25519PrivateKey.from_private_bytes(private_key).sign)


def ed25519_verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether ``signature`` is one of ``message``; a malformed key verifies nothing."""
    try:
        _load_ed25519_public_key(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class SignatureScheme(Protocol):
    """A signature algorithm of a cipher suite (RFC 9420 §5.1.2)."""

    @property
    def seed_length(self) -> int:
        """The length in bytes of the seed that determines a key pair."""

    def key_pair(self, seed: bytes) -> KeyPair:
        """Return the key pair of a uniformly random ``seed`` of ``seed_length`` bytes."""

    def signer(self, private_key: bytes) -> Signer:
        """Return what signs with ``private_key``; raise ``InvalidPrivateKey`` for bytes that are none."""

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Tell whether ``signature`` is one of ``message`` by ``public_key``."""


@dataclass(frozen=True, slots=True)
class Ed25519:
    """Ed25519: keys of 32 bytes, signatures of 64."""

    seed_length: int = ED25519_KEY_LENGTH

    def key_pair(self, seed: bytes) -> KeyPair:
        """Return the key pair of a 32-byte seed; see :func:`ed25519_key_pair`."""
        return ed25519_key_pair(seed)

    def signer(self, private_key: bytes) -> Signer:
        """Return what signs with 64 bytes; raise ``InvalidPrivateKey`` unless the key has 32 bytes."""
        return _ed25519_signer(private_key)

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Tell whether the signature holds; see :func:`ed25519_verify`."""
        return ed25519_verify(public_key, message, signature)


@dataclass(frozen=True, slots=True)
class Ed448:
    """Ed448 with an empty context: keys of 57 bytes, signatures of 114 (RFC 8032 §5.2)."""

    seed_length: int = ED448_KEY_LENGTH

    def key_pair(self, seed: bytes) -> KeyPair:
        """Return the key pair of a 57-byte seed; the private key is the seed (RFC 8032 §5.2.5).

        Raises :class:`~sottovoce.crypto.errors.InvalidArgument` for a seed of another length.
        """
        if len(seed) != ED448_KEY_LENGTH:
            raise InvalidArgument("An Ed448 seed has 57 bytes.")
        return KeyPair(seed, Ed448PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())

    def signer(self, private_key: bytes) -> Signer:
        """Return what signs with 114 bytes; raise ``InvalidPrivateKey`` unless the key has 57 bytes."""
        if len(private_key) != ED448_KEY_LENGTH:
            raise InvalidPrivateKey("An Ed448 private key has 57 bytes.")
        return Signer(Ed448PrivateKey.from_private_bytes(private_key).sign)

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Tell whether ``signature`` is one of ``message``; a malformed key verifies nothing."""
        try:
            Ed448PublicKey.from_public_bytes(public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Ecdsa:
    """ECDSA with the hash of the curve's strength.

    Public keys are uncompressed points, signatures DER ``ECDSA-Sig-Value`` (RFC 9420 §5.1.2), private
    keys fixed-length big-endian scalars.
    """

    curve: NistCurve

    @property
    def seed_length(self) -> int:
        """As many bytes as a scalar has."""
        return self.curve.scalar_length

    def key_pair(self, seed: bytes) -> KeyPair:
        """Return the key pair of ``seed``, derived as HPKE derives one but under a name of its own.

        Raises :class:`~sottovoce.crypto.errors.InvalidArgument` for a seed of another length.
        """
        if len(seed) != self.seed_length:
            raise InvalidArgument(f"A seed of ECDSA on {self.curve.name} has {self.seed_length} bytes.")
        return nist_curves.derive_key_pair(self.curve, b"ECDSA " + self.curve.name.encode(), seed)

    def signer(self, private_key: bytes) -> Signer:
        """Return what makes DER signatures; raise ``InvalidPrivateKey`` for a scalar out of range."""
        key = nist_curves.load_private_key(self.curve, private_key)
        algorithm = ec.ECDSA(self.curve.hash_function.algorithm)
        return Signer(lambda message: key.sign(message, algorithm))

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Tell whether the DER signature holds; a malformed key verifies nothing."""
        try:
            key = nist_curves.load_public_key(self.curve, public_key)
            key.verify(signature, message, ec.ECDSA(self.curve.hash_function.algorithm))
        except (InvalidSignature, InvalidPublicKey):
            return False
        return True


ED25519: Final = Ed25519()
ED448: Final = Ed448()
ECDSA_P256: Final = Ecdsa(nist_curves.P256)
ECDSA_P384: Final = Ecdsa(nist_curves.P384)
ECDSA_P521: Final = Ecdsa(nist_curves.P521)
