"""What HPKE asks of a key encapsulation mechanism (RFC 9180 §4), on serialised keys."""

from __future__ import annotations

from typing import Protocol, TypeAlias, runtime_checkable

from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from sottovoce.crypto.key_pair import KeyPair

LoadedPublicKey: TypeAlias = X25519PublicKey | ec.EllipticCurvePublicKey | hpke.MLKEM768X25519PublicKey
LoadedPrivateKey: TypeAlias = X25519PrivateKey | ec.EllipticCurvePrivateKey | hpke.MLKEM768X25519PrivateKey


class Kem(Protocol):
    """A KEM whose keys are bytes as RFC 9180 serialises them.

    Encapsulation draws its randomness inside ``cryptography``.
    """

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

    def derive_key_pair(self, ikm: bytes) -> KeyPair:
        """Return the key pair that ``ikm`` determines (``DeriveKeyPair``)."""

    def validate_public_key(self, public_key: bytes) -> None:
        """Raise ``InvalidPublicKey`` for bytes that :meth:`encapsulate` would refuse."""

    def encapsulate(self, public_key: bytes) -> tuple[bytes, bytes]:
        """Return (shared secret, encapsulated key); raise ``InvalidPublicKey``."""

    def decapsulate(self, private_key: bytes, kem_output: bytes) -> bytes:
        """Return the shared secret; raise ``DecryptionError`` or ``InvalidPrivateKey``."""


@runtime_checkable
class SingleShotKem(Kem, Protocol):
    """A KEM that the single-shot HPKE of ``cryptography`` has as well."""

    @property
    def primitive(self) -> hpke.KEM:
        """The same KEM in ``cryptography``."""

    def load_public_key(self, public_key: bytes) -> LoadedPublicKey:
        """Return the key object; raise ``InvalidPublicKey`` for anything but a valid key."""

    def load_private_key(self, private_key: bytes) -> LoadedPrivateKey:
        """Return the key object; raise ``InvalidPrivateKey`` for anything but a valid key."""


def kem_suite_id(kem_id: int) -> bytes:
    """Return the ``suite_id`` of a KEM's own derivations, 5 bytes (RFC 9180 §4.1)."""
    return b"KEM" + kem_id.to_bytes(2, "big")
