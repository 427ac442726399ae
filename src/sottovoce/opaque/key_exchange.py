"""What both sides of OPAQUE-3DH compute: transcript, key derivation, identities (RFC 9807 §6.4)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from sottovoce.crypto.kdf import SHA512, hkdf_expand, hkdf_extract, mac
from sottovoce.crypto.ristretto import Element
from sottovoce.opaque.encoding import prefixed
from sottovoce.opaque.errors import InvalidInput
from sottovoce.opaque.messages import KE1, CredentialResponse
from sottovoce.opaque.oprf import DhKeyPair, derive_key_pair

SEED_LENGTH: Final = 32
_EXTRACT_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class Identities:
    """The names both sides mix into the transcript; each is 1 to 65,535 bytes, by default a public key."""

    client: bytes
    server: bytes

    def __post_init__(self) -> None:
        # RFC 9807 §4: "opaque server_identity<1..2^16-1>", and the same for the client's.
        if not self.client or not self.server:
            raise InvalidInput("An identity is not empty; leave it out to use the public key.")


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """The two MACs of the handshake and the key that both sides get, 64 bytes each."""

    server_mac: bytes
    client_mac: bytes = field(repr=False)
    session_key: bytes = field(repr=False)


def identities(
    client: bytes | None, client_public_key: Element, server: bytes | None, server_public_key: Element
) -> Identities:
    """Return the identities, each the public key where none is given (RFC 9807 §4).

    Raises :class:`~sottovoce.opaque.errors.InvalidInput` for an empty one.
    """
    return Identities(
        client_public_key if client is None else client,
        server_public_key if server is None else server,
    )


def derive_dh_key_pair(seed: bytes) -> DhKeyPair:
    """Return ``DeriveDiffieHellmanKeyPair(seed)`` for a seed of 32 bytes (RFC 9807 §6.4.1)."""
    return derive_key_pair(seed, b"OPAQUE-DeriveDiffieHellmanKeyPair")


def preamble(
    *,
    context: bytes,
    names: Identities,
    ke1: KE1,
    credential_response: CredentialResponse,
    server_nonce: bytes,
    server_public_keyshare: Element,
) -> bytes:
    """Return the transcript up to the server's MAC (RFC 9807 §6.4.2.1).

    Raises :class:`~sottovoce.opaque.errors.InvalidInput` for a context or identity above 65,535 bytes.
    """
    return (
        b"OPAQUEv1-"
        + prefixed(context)
        + prefixed(names.client)
        + ke1.to_bytes()
        + prefixed(names.server)
        + credential_response.to_bytes()
        + server_nonce
        + server_public_keyshare
    )


def derive_keys(ikm: bytes, transcript: bytes) -> SessionKeys:
    """Derive the MACs and the session key from three DH results of 32 bytes (RFC 9807 §6.4.2.2)."""
    transcript_hash = hashlib.sha512(transcript).digest()
    prk = hkdf_extract(SHA512, b"", ikm)
    handshake_secret = _derive_secret(prk, b"HandshakeSecret", transcript_hash)
    session_key = _derive_secret(prk, b"SessionKey", transcript_hash)
    server_mac_key = _derive_secret(handshake_secret, b"ServerMAC", b"")
    client_mac_key = _derive_secret(handshake_secret, b"ClientMAC", b"")
    server_mac = mac(SHA512, server_mac_key, transcript_hash)
    client_mac = mac(SHA512, client_mac_key, hashlib.sha512(transcript + server_mac).digest())
    return SessionKeys(server_mac, client_mac, session_key)


def _derive_secret(secret: bytes, label: bytes, transcript_hash: bytes) -> bytes:
    """Return ``Derive-Secret(secret, label, transcript_hash)``, Nx = 64 bytes."""
    full_label = b"OPAQUE-" + label
    custom_label = (
        _EXTRACT_LENGTH.to_bytes(2, "big")
        + bytes([len(full_label)])
        + full_label
        + bytes([len(transcript_hash)])
        + transcript_hash
    )
    return hkdf_expand(SHA512, secret, custom_label, _EXTRACT_LENGTH)
