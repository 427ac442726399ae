"""The prime-order group ristretto255 (RFC 9496) and hashing to it (RFC 9380), over libsodium.

Elements and scalars are 32 bytes each. :data:`Element` and :data:`Scalar` are bytes that have been
checked: an element is canonical and not the identity, a scalar is reduced and not zero. libsodium
itself calls the identity, 32 zero bytes, a valid point. It trusts the lengths it is given too, so
nothing unchecked may reach it. Scalars are multiplied and inverted by libsodium, in constant time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final, NewType

from cryptography.hazmat.primitives import constant_time

from sottovoce.crypto.errors import InvalidArgument, InvalidPoint, InvalidScalar
from sottovoce.crypto.libsodium import rbcl
from sottovoce.crypto.xor import xor

ELEMENT_LENGTH: Final = 32
SCALAR_LENGTH: Final = 32

Element = NewType("Element", bytes)
Scalar = NewType("Scalar", bytes)

_WIDE_LENGTH: Final = 64
_SHA512_BLOCK_LENGTH: Final = 128
_SHA512_LENGTH: Final = 64


def deserialize_element(octets: bytes) -> Element:
    """Return ``octets`` as an element (RFC 9497 §4.1 DeserializeElement).

    Raises :class:`~sottovoce.crypto.errors.InvalidPoint` unless they are the canonical encoding of an
    element other than the identity.
    """
    if len(octets) != ELEMENT_LENGTH or octets == bytes(ELEMENT_LENGTH):
        raise InvalidPoint("A group element has 32 bytes and is not the identity.")
    if not rbcl.crypto_core_ristretto255_is_valid_point(octets):
        raise InvalidPoint("These bytes are no canonical ristretto255 element.")
    return Element(octets)


def deserialize_scalar(octets: bytes) -> Scalar:
    """Return ``octets`` as a scalar (RFC 9497 §4.1 DeserializeScalar).

    Raises :class:`~sottovoce.crypto.errors.InvalidScalar` unless they are reduced and not zero.
    """
    if len(octets) != SCALAR_LENGTH:
        raise InvalidScalar("A scalar has 32 bytes.")
    if not constant_time.bytes_eq(_reduce(octets + bytes(_WIDE_LENGTH - SCALAR_LENGTH)), octets):
        raise InvalidScalar("This scalar is not reduced.")
    return _nonzero(octets)


def random_scalar(random: Callable[[int], bytes]) -> Scalar:
    """Return a uniform scalar from 64 bytes of ``random`` (RFC 9497 §4.7.2, wide reduction).

    Raises :class:`~sottovoce.crypto.errors.InvalidScalar` if those bytes reduce to zero, as 64 zeros do.
    """
    return _nonzero(_reduce(random(_WIDE_LENGTH)))


def scalar_mult(scalar: Scalar, element: Element) -> Element:
    """Return ``scalar * element``: in a group of prime order, never the identity for checked operands."""
    return Element(bytes(rbcl.crypto_scalarmult_ristretto255(scalar, element)))


def scalar_mult_base(scalar: Scalar) -> Element:
    """Return ``scalar`` times the generator."""
    return Element(bytes(rbcl.crypto_scalarmult_ristretto255_base(scalar)))


def scalar_invert(scalar: Scalar) -> Scalar:
    """Return the multiplicative inverse of ``scalar`` modulo the group's order."""
    return Scalar(bytes(rbcl.crypto_core_ristretto255_scalar_invert(scalar)))


def hash_to_group(message: bytes, dst: bytes) -> Element:
    """Map ``message`` to an element under the domain separation tag ``dst`` (RFC 9380 appendix B).

    Raises :class:`~sottovoce.crypto.errors.InvalidPoint` if that is the identity, which nobody can find.
    """
    uniform_bytes = expand_message_xmd(message, dst, _WIDE_LENGTH)
    return deserialize_element(bytes(rbcl.crypto_core_ristretto255_from_hash(uniform_bytes)))


def hash_to_scalar(message: bytes, dst: bytes) -> Scalar:
    """Map ``message`` to a scalar under the tag ``dst`` (RFC 9497 §4.1 HashToScalar).

    Raises :class:`~sottovoce.crypto.errors.InvalidScalar` if that is zero, which nobody can find.
    """
    return _nonzero(_reduce(expand_message_xmd(message, dst, _WIDE_LENGTH)))


def expand_message_xmd(message: bytes, dst: bytes, length: int) -> bytes:
    """Return ``length`` uniform bytes by ``expand_message_xmd`` with SHA-512 (RFC 9380 §5.3.1).

    Raises :class:`~sottovoce.crypto.errors.InvalidArgument` for a tag of more than 255 bytes, an empty
    one (§3.1: tags "MUST have nonzero length"), or a length that is not 1 to 16,320.
    """
    blocks = -(-length // _SHA512_LENGTH)
    if not 1 <= len(dst) <= 255 or not 1 <= blocks <= 255:
        raise InvalidArgument("expand_message_xmd takes a tag of 1 to 255 bytes and gives at most 16320.")
    dst_prime = dst + bytes([len(dst)])
    length_prefix = length.to_bytes(2, "big")
    b_0 = hashlib.sha512(bytes(_SHA512_BLOCK_LENGTH) + message + length_prefix + b"\x00" + dst_prime).digest()
    block = hashlib.sha512(b_0 + b"\x01" + dst_prime).digest()
    uniform_bytes = block
    for index in range(2, blocks + 1):
        block = hashlib.sha512(xor(b_0, block) + bytes([index]) + dst_prime).digest()
        uniform_bytes += block
    return uniform_bytes[:length]


def _reduce(wide: bytes) -> bytes:
    """Reduce 64 little-endian bytes modulo the group's order."""
    if len(wide) != _WIDE_LENGTH:
        raise InvalidArgument("A wide scalar has 64 bytes.")
    return bytes(rbcl.crypto_core_ristretto255_scalar_reduce(wide))


def _nonzero(reduced: bytes) -> Scalar:
    if constant_time.bytes_eq(reduced, bytes(SCALAR_LENGTH)):
        raise InvalidScalar("A scalar is not zero.")
    return Scalar(reduced)
