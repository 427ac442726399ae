"""The messages of OPAQUE-3DH and their encodings (RFC 9807 §5.1, §6.1), all of fixed length.

A message object holds checked group elements only: ``from_bytes`` refuses the identity, what is not
canonical, and every other length (RFC 9807 §10.7, RFC 9497 §4.1).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Self

from sottovoce.crypto.errors import InvalidPoint
from sottovoce.crypto.ristretto import ELEMENT_LENGTH, Element, deserialize_element
from sottovoce.opaque.errors import InvalidMessage

NONCE_LENGTH: Final = 32
MAC_LENGTH: Final = 64
ENVELOPE_LENGTH: Final = NONCE_LENGTH + MAC_LENGTH
MASKED_RESPONSE_LENGTH: Final = ELEMENT_LENGTH + ENVELOPE_LENGTH
MASKING_KEY_LENGTH: Final = 64
REGISTRATION_RECORD_LENGTH: Final = ELEMENT_LENGTH + MASKING_KEY_LENGTH + ENVELOPE_LENGTH
CREDENTIAL_RESPONSE_LENGTH: Final = ELEMENT_LENGTH + NONCE_LENGTH + MASKED_RESPONSE_LENGTH


def _split(octets: bytes, *lengths: int) -> list[bytes]:
    """Cut ``octets`` into fields of these lengths; raise ``InvalidMessage`` unless they fill it."""
    if len(octets) != sum(lengths):
        raise InvalidMessage(f"This message has {len(octets)} bytes instead of {sum(lengths)}.")
    fields, start = [], 0
    for length in lengths:
        fields.append(octets[start : start + length])
        start += length
    return fields


def element(octets: bytes) -> Element:
    """Return a checked element; raise ``InvalidMessage`` for the identity and what is not canonical."""
    try:
        return deserialize_element(octets)
    except InvalidPoint:
        raise InvalidMessage("A group element of this message is not valid.") from None


@dataclass(frozen=True, slots=True)
class RegistrationRequest:
    """The blinded password: 32 bytes (RFC 9807 §5.1)."""

    blinded_message: Element

    @classmethod
    def from_bytes(cls, octets: bytes) -> Self:
        """Parse 32 bytes; raise ``InvalidMessage``."""
        return cls(element(octets))

    def to_bytes(self) -> bytes:
        """Return the 32 bytes of the message."""
        return self.blinded_message


@dataclass(frozen=True, slots=True)
class RegistrationResponse:
    """The evaluated element and the server's public key: 64 bytes (RFC 9807 §5.1)."""

    evaluated_message: Element
    server_public_key: Element

    @classmethod
    def from_bytes(cls, octets: bytes) -> Self:
        """Parse 64 bytes; raise ``InvalidMessage``."""
        evaluated_message, server_public_key = _split(octets, ELEMENT_LENGTH, ELEMENT_LENGTH)
        return cls(element(evaluated_message), element(server_public_key))

    def to_bytes(self) -> bytes:
        """Return the 64 bytes of the message."""
        return self.evaluated_message + self.server_public_key


@dataclass(frozen=True, slots=True)
class Envelope:
    """What lets the client recover its key: a nonce of 32 bytes and a tag of 64 (RFC 9807 §4)."""

    nonce: bytes
    auth_tag: bytes

    @classmethod
    def from_bytes(cls, octets: bytes) -> Self:
        """Parse 96 bytes; raise ``InvalidMessage``."""
        return cls(*_split(octets, NONCE_LENGTH, MAC_LENGTH))

    def to_bytes(self) -> bytes:
        """Return the 96 bytes of the envelope."""
        return self.nonce + self.auth_tag


@dataclass(frozen=True, slots=True)
class RegistrationRecord:
    """What the client uploads and the server stores for an account: 192 bytes (RFC 9807 §5.1)."""

    client_public_key: Element
    masking_key: bytes = field(repr=False)
    envelope: Envelope

    @classmethod
    def from_bytes(cls, octets: bytes) -> Self:
        """Parse 192 bytes; raise ``InvalidMessage``."""
        client_public_key, masking_key, envelope = _split(
            octets, ELEMENT_LENGTH, MASKING_KEY_LENGTH, ENVELOPE_LENGTH
        )
        return cls(element(client_public_key), masking_key, Envelope.from_bytes(envelope))

    def to_bytes(self) -> bytes:
        """Return the 192 bytes of the record."""
        return self.client_public_key + self.masking_key + self.envelope.to_bytes()


@dataclass(frozen=True, slots=True)
class KE1:
    """The client's first message: 96 bytes (RFC 9807 §6.1)."""

    blinded_message: Element
    client_nonce: bytes
    client_public_keyshare: Element

    @classmethod
    def from_bytes(cls, octets: bytes) -> Self:
        """Parse 96 bytes; raise ``InvalidMessage``."""
        blinded_message, client_nonce, keyshare = _split(octets, ELEMENT_LENGTH, NONCE_LENGTH, ELEMENT_LENGTH)
        return cls(element(blinded_message), client_nonce, element(keyshare))

    def to_bytes(self) -> bytes:
        """Return the 96 bytes of the message."""
        return self.blinded_message + self.client_nonce + self.client_public_keyshare


@dataclass(frozen=True, slots=True)
class CredentialResponse:
    """The evaluated element and the masked envelope: 192 bytes (RFC 9807 §6.3.1)."""

    evaluated_message: Element
    masking_nonce: bytes
    masked_response: bytes

    @classmethod
    def from_bytes(cls, octets: bytes) -> Self:
        """Parse 192 bytes; raise ``InvalidMessage``."""
        evaluated_message, masking_nonce, masked_response = _split(
            octets, ELEMENT_LENGTH, NONCE_LENGTH, MASKED_RESPONSE_LENGTH
        )
        return cls(element(evaluated_message), masking_nonce, masked_response)

    def to_bytes(self) -> bytes:
        """Return the 192 bytes of the structure."""
        return self.evaluated_message + self.masking_nonce + self.masked_response


@dataclass(frozen=True, slots=True)
class KE2:
    """The server's message: 320 bytes (RFC 9807 §6.1)."""

    credential_response: CredentialResponse
    server_nonce: bytes
    server_public_keyshare: Element
    server_mac: bytes

    @classmethod
    def from_bytes(cls, octets: bytes) -> Self:
        """Parse 320 bytes; raise ``InvalidMessage``."""
        credential_response, server_nonce, keyshare, server_mac = _split(
            octets, CREDENTIAL_RESPONSE_LENGTH, NONCE_LENGTH, ELEMENT_LENGTH, MAC_LENGTH
        )
        return cls(
            CredentialResponse.from_bytes(credential_response), server_nonce, element(keyshare), server_mac
        )

    def to_bytes(self) -> bytes:
        """Return the 320 bytes of the message."""
        return (
            self.credential_response.to_bytes()
            + self.server_nonce
            + self.server_public_keyshare
            + self.server_mac
        )
