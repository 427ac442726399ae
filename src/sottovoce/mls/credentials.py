"""Credentials (RFC 9420 §5.3) and the authentication service that judges them."""

from __future__ import annotations

from collections.abc import Iterable
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

    ``data`` is the identity of a basic credential, or the encoded certificate list of an X.509 one.
    """

    credential_type: CredentialType
    data: bytes

    @classmethod
    def basic(cls, identity: bytes) -> Credential:
        """Make a basic credential; what ``identity`` means is the application's affair."""
        return cls(CredentialType.BASIC, identity)

    @classmethod
    def x509(cls, chain: Iterable[bytes]) -> Credential:
        """Make an X.509 credential of DER certificates, the end entity's first (RFC 9420 §5.3)."""
        return cls(CredentialType.X509, b"".join(map(opaque, chain)))

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """The chain of an X.509 credential, DER, the end entity's first; else :class:`CredentialRefused`."""
        if self.credential_type is not CredentialType.X509:
            raise CredentialRefused("only X.509 credentials hold certificates")
        return _certificates(self.data)

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
        credential = cls(credential_type, reader.opaque())
        if credential_type is CredentialType.X509:
            _certificates(credential.data)  # a list that cannot be read is refused here, not where it is used
        return credential


def _certificates(data: bytes) -> tuple[bytes, ...]:
    reader = Reader(data)
    chain = []
    while reader.position < len(data):
        chain.append(reader.opaque())
    return tuple(chain)


class AuthenticationService(Protocol):
    """The application's judgement of credentials (RFC 9420 §5.3.1)."""

    def validate(self, credential: Credential, signature_key: bytes) -> None:
        """Return if ``credential`` vouches for ``signature_key``, else raise ``CredentialRefused``.

        §5.3: the public key of an X.509 credential's end entity "MUST be identical to the signature_key":
        that is for this to check.
        """

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
