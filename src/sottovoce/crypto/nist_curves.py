"""Keys on P-256, P-384 and P-521 as fixed-length bytes (RFC 9180 §7.1, SEC 1).

A private scalar stays bytes: it is wrapped into a SEC 1 ``ECPrivateKey`` and handed to OpenSSL, which
checks its range and computes the point.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

from sottovoce.crypto.errors import InvalidPrivateKey, InvalidPublicKey
from sottovoce.crypto.kdf import SHA256, SHA384, SHA512, HashFunction
from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.labeled import LabeledKdf

_UNCOMPRESSED: Final = 0x04


@dataclass(frozen=True, slots=True)
class NistCurve:
    """A prime-order curve: scalars of ``scalar_length`` bytes, points of twice that and one."""

    name: str
    scalar_length: int
    hash_function: HashFunction
    order: bytes = field(repr=False)
    oid: bytes = field(repr=False)
    top_byte_mask: int = field(repr=False)
    curve: ec.EllipticCurve = field(repr=False, compare=False)

    @property
    def point_length(self) -> int:
        """The length of an uncompressed point (SEC 1 §2.3.3)."""
        return 1 + 2 * self.scalar_length


P256: Final = NistCurve(
    "P-256",
    32,
    SHA256,
    bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
    bytes.fromhex("06082a8648ce3d030107"),
    0xFF,
    ec.SECP256R1(),
)
P384: Final = NistCurve(
    "P-384",
    48,
    SHA384,
    bytes.fromhex("ff" * 24 + "c7634d81f4372ddf581a0db248b0a77aecec196accc52973"),
    bytes.fromhex("06052b81040022"),
    0xFF,
    ec.SECP384R1(),
)
P521: Final = NistCurve(
    "P-521",
    66,
    SHA512,
    bytes.fromhex("01ff" + "ff" * 31 + "fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409"),
    bytes.fromhex("06052b81040023"),
    0x01,
    ec.SECP521R1(),
)


def load_private_key(curve: NistCurve, scalar: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the key object of a big-endian scalar of at most ``curve.scalar_length`` bytes.

    Shorter scalars are taken as well: the official MLS vectors leave out leading zero bytes. Raises
    :class:`~sottovoce.crypto.errors.InvalidPrivateKey` for a longer one, for zero, and for a value
    not below the order.
    """
    if len(scalar) > curve.scalar_length:
        raise InvalidPrivateKey(f"A {curve.name} private key has {curve.scalar_length} bytes.")
    scalar = scalar.rjust(curve.scalar_length, b"\x00")
    # ECPrivateKey (SEC 1 §C.4): version 1, the scalar, the curve's name; short DER lengths suffice.
    body = b"\x02\x01\x01\x04" + bytes([len(scalar)]) + scalar + b"\xa0" + bytes([len(curve.oid)]) + curve.oid
    try:
        key = load_der_private_key(b"\x30" + bytes([len(body)]) + body, None)
    except ValueError:
        raise InvalidPrivateKey(f"These bytes are no {curve.name} private key.") from None
    return key  # type: ignore[return-value]  # the OID above names a curve, so it is an EC key


@lru_cache(maxsize=256)  # a loaded point takes 2 KiB, and loading one a seventh of a verification
def load_public_key(curve: NistCurve, point: bytes) -> ec.EllipticCurvePublicKey:
    """Return the key object of an uncompressed point.

    Raises :class:`~sottovoce.crypto.errors.InvalidPublicKey` for another length or form, and for
    coordinates that are not on the curve (RFC 9180 §7.1.4 partial validation).
    """
    if len(point) != curve.point_length or point[0] != _UNCOMPRESSED:
        raise InvalidPublicKey(f"A {curve.name} public key is an uncompressed point.")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve.curve, point)
    except ValueError:
        raise InvalidPublicKey(f"These bytes are no point of {curve.name}.") from None


def serialize_point(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return the uncompressed point of ``key``."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def derive_key_pair(curve: NistCurve, suite_id: bytes, ikm: bytes) -> KeyPair:
    """Derive a key pair by rejection sampling (RFC 9180 §7.1.3), separated by ``suite_id``.

    The comparison with the order takes variable time, as the RFC's loop does: what it can tell is
    that a candidate, thrown away, was too large.
    """
    labeled_kdf = LabeledKdf(curve.hash_function, suite_id)
    prk = labeled_kdf.extract(b"", b"dkp_prk", ikm)
    length = curve.scalar_length
    for counter in range(256):
        candidate = labeled_kdf.expand(prk, b"candidate", bytes([counter]), length)
        scalar = bytes([candidate[0] & curve.top_byte_mask]) + candidate[1:]
        if bytes(length) < scalar < curve.order:
            return KeyPair(scalar, serialize_point(load_private_key(curve, scalar).public_key()))
    raise InvalidPrivateKey("No scalar can be derived from this key material.")  # RFC: DeriveKeyPairError
