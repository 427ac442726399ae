"""The labelled functions every other part of MLS derives, signs and seals with (RFC 9420 §5).

Each label is prefixed with ``MLS 1.0 ``, so nothing made here is valid in another protocol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sottovoce.mls.presentation import opaque, uint16, uint32

if TYPE_CHECKING:
    from sottovoce.crypto.suites import CipherSuite

PREFIX: Final = b"MLS 1.0 "


def ref_hash(suite: CipherSuite, label: bytes, value: bytes) -> bytes:
    """Return ``RefHash(label, value)``, Nh bytes (RFC 9420 §5.2); ``label`` comes with its prefix."""
    return suite.hash(opaque(label) + opaque(value))


def sign_with_label(suite: CipherSuite, private_key: bytes, label: bytes, content: bytes) -> bytes:
    """Return the signature of ``content`` under ``label`` (RFC 9420 §5.1.2)."""
    return suite.sign(private_key, opaque(PREFIX + label) + opaque(content))


def verify_with_label(
    suite: CipherSuite, public_key: bytes, label: bytes, content: bytes, signature: bytes
) -> bool:
    """Whether ``signature`` is one of ``content`` under ``label`` (RFC 9420 §5.1.2)."""
    return suite.verify(public_key, opaque(PREFIX + label) + opaque(content), signature)


def encryption_context(label: bytes, context: bytes) -> bytes:
    """Return ``EncryptContext``, HPKE's ``info``: once for all that is sealed in one context (§5.1.3)."""
    return opaque(PREFIX + label) + opaque(context)


def encrypt_with_label(
    suite: CipherSuite, public_key: bytes, label: bytes, context: bytes, plaintext: bytes
) -> tuple[bytes, bytes]:
    """Seal ``plaintext`` to an HPKE key; returns (KEM output, ciphertext) (RFC 9420 §5.1.3)."""
    return suite.hpke_seal(public_key, encryption_context(label, context), b"", plaintext)


def decrypt_with_label(
    suite: CipherSuite, private_key: bytes, label: bytes, context: bytes, sealed: tuple[bytes, bytes]
) -> bytes:
    """Open what :func:`encrypt_with_label` sealed; raises ``DecryptionError`` (RFC 9420 §5.1.3)."""
    kem_output, ciphertext = sealed
    return suite.hpke_open(private_key, kem_output, encryption_context(label, context), b"", ciphertext)


def expand_with_label(suite: CipherSuite, secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """Return ``length`` bytes derived from ``secret`` (RFC 9420 §8)."""
    return suite.expand(secret, uint16(length) + opaque(PREFIX + label) + opaque(context), length)


def derive_secret(suite: CipherSuite, secret: bytes, label: bytes) -> bytes:
    """Return the Nh-byte secret that ``label`` names under ``secret`` (RFC 9420 §8)."""
    return expand_with_label(suite, secret, label, b"", suite.secret_length)


def derive_tree_secret(
    suite: CipherSuite, secret: bytes, label: bytes, generation: int, length: int
) -> bytes:
    """Return ``length`` bytes for one ratchet generation (RFC 9420 §9)."""
    return expand_with_label(suite, secret, label, uint32(generation), length)
