"""The labelled functions every other part of MLS derives, signs and seals with (RFC 9420 §5).

Each label is prefixed with ``MLS 1.0 ``, so nothing made here is valid in another protocol.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sottovoce.mls.presentation import opaque, uint16, uint32

if TYPE_CHECKING:
    from sottovoce.crypto.hpke import HpkeSealer
    from sottovoce.crypto.signatures import Signer
    from sottovoce.crypto.suites import CipherSuite

PREFIX: Final = b"MLS 1.0 "

# Some forty labels are in use, each with one or two lengths; an application's own may come with an export.
_LABELS: Final = 256


@lru_cache(maxsize=_LABELS)
def _prefixed(label: bytes) -> bytes:
    """Return ``label`` with its prefix, as the opaque vector that begins every labelled input."""
    return opaque(PREFIX + label)


@lru_cache(maxsize=_LABELS)
def _kdf_label(label: bytes, length: int) -> bytes:
    """Return a KDFLabel up to its context (§8)."""
    return uint16(length) + _prefixed(label)


@lru_cache(maxsize=_LABELS)
def _secret_label(label: bytes, length: int) -> bytes:
    """Return a whole KDFLabel whose context is empty, as that of DeriveSecret is (§8)."""
    return _kdf_label(label, length) + opaque(b"")


def ref_hash(suite: CipherSuite, label: bytes, value: bytes) -> bytes:
    """Return ``RefHash(label, value)``, Nh bytes (RFC 9420 §5.2); ``label`` comes with its prefix."""
    return suite.hash(opaque(label) + opaque(value))


def sign_with_label(suite: CipherSuite, private_key: bytes | Signer, label: bytes, content: bytes) -> bytes:
    """Return the signature of ``content`` under ``label``, by a key or a signer of it (RFC 9420 §5.1.2)."""
    return suite.sign(private_key, _prefixed(label) + opaque(content))


def verify_with_label(
    suite: CipherSuite, public_key: bytes, label: bytes, content: bytes, signature: bytes
) -> bool:
    """Whether ``signature`` is one of ``content`` under ``label`` (RFC 9420 §5.1.2)."""
    return suite.verify(public_key, _prefixed(label) + opaque(content), signature)


def _encrypt_context(label: bytes, context: bytes) -> bytes:
    return _prefixed(label) + opaque(context)


def sealer_with_label(suite: CipherSuite, label: bytes, context: bytes) -> HpkeSealer:
    """Return what seals as :func:`encrypt_with_label` does, to any number of keys."""
    return suite.hpke_sealer(_encrypt_context(label, context))


def encrypt_with_label(
    suite: CipherSuite, public_key: bytes, label: bytes, context: bytes, plaintext: bytes
) -> tuple[bytes, bytes]:
    """Seal ``plaintext`` to an HPKE key; returns (KEM output, ciphertext) (RFC 9420 §5.1.3)."""
    return suite.hpke_seal(public_key, _encrypt_context(label, context), b"", plaintext)


def decrypt_with_label(
    suite: CipherSuite, private_key: bytes, label: bytes, context: bytes, sealed: tuple[bytes, bytes]
) -> bytes:
    """Open what :func:`encrypt_with_label` sealed; raises ``DecryptionError`` (RFC 9420 §5.1.3)."""
    kem_output, ciphertext = sealed
    return suite.hpke_open(private_key, kem_output, _encrypt_context(label, context), b"", ciphertext)


def expand_with_label(suite: CipherSuite, secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """Return ``length`` bytes derived from ``secret`` (RFC 9420 §8)."""
    return suite.expand(secret, _kdf_label(label, length) + opaque(context), length)


def derive_secret(suite: CipherSuite, secret: bytes, label: bytes) -> bytes:
    """Return the Nh-byte secret that ``label`` names under ``secret`` (RFC 9420 §8)."""
    length = suite.secret_length
    return suite.expand(secret, _secret_label(label, length), length)


def derive_tree_secret(
    suite: CipherSuite, secret: bytes, label: bytes, generation: int, length: int
) -> bytes:
    """Return ``length`` bytes for one ratchet generation (RFC 9420 §9)."""
    return expand_with_label(suite, secret, label, uint32(generation), length)
