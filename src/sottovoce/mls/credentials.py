"""Credentials (RFC 9420 §5.3) and the authentication service that judges them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

from sottovoce.mls.errors import CredentialRefused, DecodingError
from sottovoce.mls.presentation import Reader, opaque, uint16


class CredentialType(IntEnum):
    """Registered credential types that can be read (RFC 9420 §17.5)."""

    BASIC = 1
    X509 = 2


_TYPES: Final[dict[int, CredentialType]] = {one.value: one for one in CredentialType}


@dataclass(frozen=True)
class Credential:
    """What a member says of who it is.

    ``data`` is the identity of a basic credential, or the undivided certificate list of an X.509 one.
    """

    credential_type: CredentialType
    data: bytes

    @classmethod
    def basic(cls, identity: bytes) -> Credential:
        """Make a basic credential; what ``identity`` means is the application's affair."""
        return cls(CredentialType.BASIC, identity)

    @property
    def identity(self) -> bytes:
        """The identity of a basic credential; raises :class:`CredentialRefused` for another kind."""
        if self.credential_type is not CredentialType.BASIC:
            raise CredentialRefused("only basic credentials name an identity that this group understands")
        return self.data

    def encode(self) -> bytes:
        """Encode as ``Credential`` of RFC 9420 §5.3."""
        return uint16(self.credential_type) + opaque(self.data)

    @classmethod
    def read(cls, reader: Reader) -> Credential:
        """Read one; a type whose body has no known form cannot be read and raises ``DecodingError``."""
        number = reader.uint16()
        credential_type = _TYPES.get(number)
        if credential_type is None:
            raise DecodingError(f"a credential of type {number} cannot be read")
        return cls(credential_type, reader.opaque())


class AuthenticationService(Protocol):
    """The application's judgement of credentials (RFC 9420 §5.3.1)."""

    def validate(self, credential: Credential, signature_key: bytes) -> None:
        """Return if ``credential`` vouches for ``signature_key``, else raise ``CredentialRefused``."""

    def same_client(self, old: Credential, new: Credential) -> bool:
        """Whether ``new`` is a valid successor of ``old`` in the same leaf (RFC 9420 §5.3.1)."""


class AnyBasicCredential:
    """The weakest service: every basic credential stands, and a successor is an equal credential."""

    def validate(self, credential: Credential, signature_key: bytes) -> None:  # noqa: ARG002  # the protocol's
        """Refuse all but basic credentials."""
        _ = credential.identity

    def same_client(self, old: Credential, new: Credential) -> bool:
        """Whether the two are equal."""
        return old == new
