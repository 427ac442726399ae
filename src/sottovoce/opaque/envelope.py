"""Storing and recovering the client's credentials under its password (RFC 9807 §4 and §5.2.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sottovoce.crypto.kdf import SHA512, hkdf_expand, hkdf_extract, mac, verify_mac
from sottovoce.crypto.ristretto import Element
from sottovoce.crypto.secret import Secret
from sottovoce.opaque.encoding import prefixed
from sottovoce.opaque.errors import LoginFailed
from sottovoce.opaque.key_exchange import SEED_LENGTH, Identities, derive_dh_key_pair, identities
from sottovoce.opaque.messages import MASKED_RESPONSE_LENGTH, MASKING_KEY_LENGTH, NONCE_LENGTH, Envelope
from sottovoce.opaque.oprf import DhKeyPair

EXPORT_KEY_LENGTH: Final = 64
_AUTH_KEY_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class StoredCredentials:
    """What :func:`store` makes of a password: three parts of the record, and the export key."""

    envelope: Envelope
    client_public_key: Element
    masking_key: bytes = field(repr=False)
    export_key: Secret


@dataclass(frozen=True, slots=True)
class RecoveredCredentials:
    """What :func:`recover` gets back: the client's key pair, the identities and the export key."""

    client_key_pair: DhKeyPair
    names: Identities
    export_key: Secret


def randomized_password(oprf_output: bytes, ksf: Callable[[bytes], bytes]) -> bytes:
    """Return the stretched OPRF output, 64 bytes (RFC 9807 §5.2.3 and §6.3.2.3)."""
    return hkdf_extract(SHA512, b"", oprf_output + ksf(oprf_output))


def masking_key(password_key: bytes) -> bytes:
    """Return the 64 bytes by which the server hides the envelope (RFC 9807 §4.1.2)."""
    return hkdf_expand(SHA512, password_key, b"MaskingKey", MASKING_KEY_LENGTH)


def credential_response_pad(record_masking_key: bytes, masking_nonce: bytes) -> bytes:
    """Return the 128 bytes that are added to server key and envelope (RFC 9807 §6.3.2.2)."""
    info = masking_nonce + b"CredentialResponsePad"
    return hkdf_expand(SHA512, record_masking_key, info, MASKED_RESPONSE_LENGTH)


def store(
    password_key: bytes,
    server_public_key: Element,
    server_identity: bytes | None,
    client_identity: bytes | None,
    random: Callable[[int], bytes],
) -> StoredCredentials:
    """Make the envelope for a randomized password of 64 bytes (RFC 9807 §4.1.2).

    Takes 32 bytes of ``random`` for the envelope's nonce.
    """
    envelope_nonce = random(NONCE_LENGTH)
    keys = _envelope_keys(password_key, envelope_nonce)
    names = identities(client_identity, keys.key_pair.public, server_identity, server_public_key)
    auth_tag = mac(SHA512, keys.auth_key, _authenticated(envelope_nonce, server_public_key, names))
    return StoredCredentials(
        Envelope(envelope_nonce, auth_tag), keys.key_pair.public, masking_key(password_key), keys.export_key
    )


def recover(
    password_key: bytes,
    server_public_key: Element,
    envelope: Envelope,
    server_identity: bytes | None,
    client_identity: bytes | None,
) -> RecoveredCredentials:
    """Open the envelope with a randomized password of 64 bytes (RFC 9807 §4.1.3).

    Raises :class:`~sottovoce.opaque.errors.LoginFailed` if its tag does not hold (EnvelopeRecoveryError).
    """
    keys = _envelope_keys(password_key, envelope.nonce)
    names = identities(client_identity, keys.key_pair.public, server_identity, server_public_key)
    authenticated = _authenticated(envelope.nonce, server_public_key, names)
    if not verify_mac(SHA512, keys.auth_key, authenticated, envelope.auth_tag):
        raise LoginFailed("The envelope does not open with this password.")
    return RecoveredCredentials(keys.key_pair, names, keys.export_key)


@dataclass(frozen=True, slots=True)
class _EnvelopeKeys:
    auth_key: bytes = field(repr=False)
    export_key: Secret
    key_pair: DhKeyPair


def _envelope_keys(password_key: bytes, envelope_nonce: bytes) -> _EnvelopeKeys:
    def expand(label: bytes, length: int) -> bytes:
        return hkdf_expand(SHA512, password_key, envelope_nonce + label, length)

    return _EnvelopeKeys(
        expand(b"AuthKey", _AUTH_KEY_LENGTH),
        Secret(expand(b"ExportKey", EXPORT_KEY_LENGTH)),
        derive_dh_key_pair(expand(b"PrivateKey", SEED_LENGTH)),
    )


def _authenticated(envelope_nonce: bytes, server_public_key: Element, names: Identities) -> bytes:
    """Return the nonce and ``CleartextCredentials``, what the envelope's tag covers (RFC 9807 §4)."""
    return envelope_nonce + server_public_key + prefixed(names.server) + prefixed(names.client)
