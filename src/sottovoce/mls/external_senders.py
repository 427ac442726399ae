"""Who may propose from outside the group: the external_senders extension (RFC 9420 §12.1.8.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sottovoce.mls.credentials import AuthenticationService, Credential
from sottovoce.mls.extensions import Extension, ExtensionType, find_extension
from sottovoce.mls.presentation import Reader, decode, opaque, vector


@dataclass(frozen=True)
class ExternalSender:
    """Someone outside the group whose proposals its members take."""

    signature_key: bytes
    credential: Credential

    def encode(self) -> bytes:
        """Encode as ``ExternalSender``."""
        return opaque(self.signature_key) + self.credential.encode()

    @classmethod
    def read(cls, reader: Reader) -> ExternalSender:
        """Read one."""
        return cls(reader.opaque(), Credential.read(reader))


@dataclass(frozen=True)
class ExternalSenders:
    """All external senders of a group; a message names its sender by the place in this list."""

    senders: tuple[ExternalSender, ...] = ()

    def encode(self) -> bytes:
        """Encode as ``ExternalSender external_senders<V>``."""
        return vector(sender.encode() for sender in self.senders)

    def extension(self) -> Extension:
        """Return the GroupContext extension that holds this."""
        return Extension(ExtensionType.EXTERNAL_SENDERS, self.encode())

    @classmethod
    def read(cls, reader: Reader) -> ExternalSenders:
        """Read the list."""
        return cls(tuple(reader.vector(ExternalSender.read)))

    @classmethod
    def of(cls, extensions: Iterable[Extension]) -> ExternalSenders:
        """Return the senders a GroupContext's extensions list; raises ``DecodingError``."""
        data = find_extension(extensions, ExtensionType.EXTERNAL_SENDERS)
        return cls() if data is None else decode(cls.read, data)

    def at(self, index: int) -> ExternalSender | None:
        """Return the sender at a place, None where there is none."""
        return self.senders[index] if index < len(self.senders) else None

    def validate(self, authentication: AuthenticationService) -> None:
        """Judge every credential (§5.3.1); raises ``CredentialRefused``."""
        for sender in self.senders:
            authentication.validate(sender.credential, sender.signature_key)


def validate_external_senders(
    extensions: Iterable[Extension], before: Iterable[Extension], authentication: AuthenticationService
) -> None:
    """Judge the external senders of a GroupContext, unless they are those of the one ``before``.

    §5.3.1: a new credential "MUST be validated with the AS", also when "an external_senders extension is
    added to the group" or "updated". Raises ``DecodingError`` or ``CredentialRefused``.
    """
    data = find_extension(extensions, ExtensionType.EXTERNAL_SENDERS)
    if data is not None and data != find_extension(before, ExtensionType.EXTERNAL_SENDERS):
        decode(ExternalSenders.read, data).validate(authentication)
