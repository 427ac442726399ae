"""Hash functions, HMAC and HKDF (FIPS 180-4, RFC 2104, RFC 5869).

All lengths are in bytes. ``Nh`` is the length of the hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives import constant_time, hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from sottovoce.crypto.errors import InvalidArgument


@dataclass(frozen=True, slots=True)
class HashFunction:
    """A hash of the SHA-2 family: its name in :mod:`hashlib` and its output length ``Nh``."""

    name: str
    length: int
    algorithm: hashes.HashAlgorithm = field(repr=False, compare=False)
    _hash: Callable[[bytes], hashlib._Hash] = field(repr=False, compare=False)

    def digest(self, data: bytes) -> bytes:
        """Return the ``length`` bytes of the hash of ``data``."""
        return self._hash(data).digest()


SHA256: Final = HashFunction("sha256", 32, hashes.SHA256(), hashlib.sha256)
SHA384: Final = HashFunction("sha384", 48, hashes.SHA384(), hashlib.sha384)
SHA512: Final = HashFunction("sha512", 64, hashes.SHA512(), hashlib.sha512)


def mac(hash_function: HashFunction, key: bytes, data: bytes) -> bytes:
    """Return ``HMAC(key, data)``, ``Nh`` bytes (RFC 2104).

    HKDF-Extract is nothing else (RFC 5869 §2.2), and in ``cryptography`` it is one call: an HMAC object
    takes three, and :func:`hmac.digest` longer than either.
    """
    return HKDF.extract(hash_function.algorithm, key, data)


def verify_mac(hash_function: HashFunction, key: bytes, data: bytes, tag: bytes) -> bool:
    """Tell whether ``tag`` is the whole ``HMAC(key, data)``: exact length, constant time."""
    return constant_time.bytes_eq(mac(hash_function, key, data), tag)


def hkdf_extract(hash_function: HashFunction, salt: bytes, ikm: bytes) -> bytes:
    """Return the pseudorandom key of ``Nh`` bytes (RFC 5869 §2.2); an empty salt means Nh zeros."""
    return mac(hash_function, salt, ikm)


def check_expand_length(hash_function: HashFunction, length: int) -> None:
    """Raise :class:`~sottovoce.crypto.errors.InvalidArgument` unless ``0 <= length <= 255 * Nh``."""
    if not 0 <= length <= 255 * hash_function.length:
        raise InvalidArgument(f"HKDF-Expand cannot give {length} bytes.")


def hkdf_expand(hash_function: HashFunction, prk: bytes, info: bytes, length: int) -> bytes:
    """Return ``length`` bytes of keying material (RFC 5869 §2.3).

    Raises :class:`~sottovoce.crypto.errors.InvalidArgument` above ``255 * Nh`` bytes or below 0.
    """
    if 0 < length <= hash_function.length:
        # One block, as nearly always: T(1) = HMAC(PRK, info || 0x01).
        return mac(hash_function, prk, info + b"\x01")[:length]
    check_expand_length(hash_function, length)
    if length == 0:
        return b""
    return HKDFExpand(hash_function.algorithm, length, info).derive(prk)


def hkdf(secret: bytes, salt: bytes, info: bytes, length: int, hash_function: HashFunction = SHA256) -> bytes:
    """Extract, then expand (RFC 5869 §2): ``length`` bytes bound to ``salt`` and ``info``."""
    return hkdf_expand(hash_function, hkdf_extract(hash_function, salt, secret), info, length)
