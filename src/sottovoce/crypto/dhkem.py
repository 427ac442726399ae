"""DHKEM over Montgomery and NIST curves (RFC 9180 §4.1 and §7.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic

from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from sottovoce.crypto import montgomery, nist_curves
from sottovoce.crypto.errors import DecryptionError, InvalidPublicKey
from sottovoce.crypto.kdf import HashFunction
from sottovoce.crypto.kem import kem_suite_id
from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.labeled import LabeledKdf
from sottovoce.crypto.montgomery import MontgomeryCurve, Private, Public
from sottovoce.crypto.nist_curves import NistCurve


def _extract_and_expand(kem_id: int, hash_function: HashFunction, dh: bytes, kem_context: bytes) -> bytes:
    """Return DHKEM's shared secret, ``Nsecret`` = Nh bytes (RFC 9180 §4.1)."""
    labeled_kdf = LabeledKdf(hash_function, kem_suite_id(kem_id))
    prk = labeled_kdf.extract(b"", b"eae_prk", dh)
    return labeled_kdf.expand(prk, b"shared_secret", kem_context, hash_function.length)


@dataclass(frozen=True, slots=True)
class DhkemMontgomery(Generic[Private, Public]):
    """DHKEM over X25519 or X448: keys and KEM output of the curve's length, the secret of its hash's."""

    id: int
    curve: MontgomeryCurve[Private, Public]

    @property
    def public_key_length(self) -> int:
        """``Npk``."""
        return self.curve.length

    @property
    def private_key_length(self) -> int:
        """``Nsk``."""
        return self.curve.length

    @property
    def output_length(self) -> int:
        """``Nenc``."""
        return self.curve.length

    def derive_key_pair(self, ikm: bytes) -> KeyPair:
        """Return the key pair that ``ikm`` determines (RFC 9180 §7.1.3)."""
        return self.curve.derive_key_pair(kem_suite_id(self.id), ikm)

    def validate_public_key(self, public_key: bytes) -> None:
        """Raise ``InvalidPublicKey`` for another length and for low order."""
        self.curve.validate_public_key(public_key)

    def encapsulate(self, public_key: bytes) -> tuple[bytes, bytes]:
        """Return (shared secret, encapsulated key); raise ``InvalidPublicKey`` for low order too."""
        recipient = self.curve.load_public_key(public_key)
        ephemeral = self.curve.generate()
        kem_output = ephemeral.public_key().public_bytes_raw()
        dh = self.curve.exchange(ephemeral, recipient)
        kem_context = kem_output + public_key
        return _extract_and_expand(self.id, self.curve.hash_function, dh, kem_context), kem_output

    def decapsulate(self, private_key: bytes, kem_output: bytes) -> bytes:
        """Return the shared secret; raise ``DecryptionError`` for a bad or low-order KEM output."""
        recipient = self.curve.load_private_key(private_key)
        try:
            dh = self.curve.exchange(recipient, self.curve.load_public_key(kem_output))
        except InvalidPublicKey:
            raise DecryptionError(f"The KEM output is no {self.curve.name} public key.") from None
        kem_context = kem_output + recipient.public_key().public_bytes_raw()
        return _extract_and_expand(self.id, self.curve.hash_function, dh, kem_context)


@dataclass(frozen=True, slots=True)
class DhkemX25519(DhkemMontgomery[X25519PrivateKey, X25519PublicKey]):
    """DHKEM(X25519, HKDF-SHA256), which the HPKE of ``cryptography`` has; DHKEM(X448) it has not."""

    @property
    def primitive(self) -> hpke.KEM:
        """The same KEM in ``cryptography``."""
        return hpke.KEM.X25519

    def load_public_key(self, public_key: bytes) -> X25519PublicKey:
        """Return the key object; raise ``InvalidPublicKey`` unless it has 32 bytes."""
        return self.curve.load_public_key(public_key)

    def load_private_key(self, private_key: bytes) -> X25519PrivateKey:
        """Return the key object; raise ``InvalidPrivateKey`` unless it has 32 bytes."""
        return self.curve.load_private_key(private_key)


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
        return nist_curves.derive_key_pair(self.curve, kem_suite_id(self.id), ikm)

    def validate_public_key(self, public_key: bytes) -> None:
        """Raise ``InvalidPublicKey`` unless it is an uncompressed point of the curve."""
        nist_curves.load_public_key(self.curve, public_key)

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


DHKEM_P256: Final = DhkemNist(0x0010, nist_curves.P256)
DHKEM_P384: Final = DhkemNist(0x0011, nist_curves.P384)
DHKEM_P521: Final = DhkemNist(0x0012, nist_curves.P521)
DHKEM_X25519: Final = DhkemX25519(0x0020, montgomery.X25519)
DHKEM_X448: Final = DhkemMontgomery(0x0021, montgomery.X448)
