"""Authenticated encryption with associated data (RFC 5116): AES-GCM and ChaCha20-Poly1305.

All lengths are in bytes; every algorithm here has a nonce of 12 and a tag of 16.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from sottovoce.crypto.errors import DecryptionError, InvalidArgument

NONCE_LENGTH: Final = 12
TAG_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class Aead:
    """One AEAD algorithm: ``id`` as in RFC 9180 §7.3, key length ``Nk``, nonce length ``Nn``."""

    id: int
    name: str
    key_length: int
    nonce_length: int
    _algorithm: Callable[[bytes], AESGCM | ChaCha20Poly1305] = field(repr=False, compare=False)

    def seal(self, key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
        """Return the ciphertext, 16 bytes longer than ``plaintext``.

        Raises :class:`~sottovoce.crypto.errors.InvalidArgument` for a key or nonce of another length.
        """
        self._check_lengths(key, nonce)
        return self._algorithm(key).encrypt(nonce, plaintext, aad)

    def open(self, key: bytes, nonce: bytes, aad: bytes, ciphertext: bytes) -> bytes:
        """Return the plaintext.

        Raises :class:`~sottovoce.crypto.errors.DecryptionError` if ``ciphertext`` or ``aad`` is not
        what was sealed, and :class:`~sottovoce.crypto.errors.InvalidArgument` as :meth:`seal` does.
        """
        self._check_lengths(key, nonce)
        try:
            return self._algorithm(key).decrypt(nonce, ciphertext, aad)
        except InvalidTag:
            raise DecryptionError("The ciphertext is not authentic.") from None

    def _check_lengths(self, key: bytes, nonce: bytes) -> None:
        if len(key) != self.key_length or len(nonce) != self.nonce_length:
            raise InvalidArgument(
                f"{self.name} takes a key of {self.key_length} and a nonce of {self.nonce_length} bytes."
            )


AES_128_GCM: Final = Aead(0x0001, "AES-128-GCM", 16, NONCE_LENGTH, AESGCM)
AES_256_GCM: Final = Aead(0x0002, "AES-256-GCM", 32, NONCE_LENGTH, AESGCM)
CHACHA20_POLY1305: Final = Aead(0x0003, "ChaCha20-Poly1305", 32, NONCE_LENGTH, ChaCha20Poly1305)


def seal(key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
    """AES-256-GCM: :meth:`Aead.seal` with a key of 32 and a nonce of 12 bytes, never used twice."""
    return AES_256_GCM.seal(key, nonce, aad, plaintext)


def open(key: bytes, nonce: bytes, aad: bytes, ciphertext: bytes) -> bytes:  # noqa: A001 - RFC 5116's word
    """AES-256-GCM: :meth:`Aead.open` of what :func:`seal` returned."""
    return AES_256_GCM.open(key, nonce, aad, ciphertext)
