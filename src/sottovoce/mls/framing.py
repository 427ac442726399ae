"""Messages as they travel: framed content, public and private, and the envelope (RFC 9420 §6)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Final

from sottovoce.mls.errors import DecodingError
from sottovoce.mls.group_info import GroupInfo, Welcome
from sottovoce.mls.key_package import MLS10, KeyPackage
from sottovoce.mls.presentation import Reader, decode, opaque, uint8, uint16, uint32, uint64
from sottovoce.mls.proposals import Commit, Proposal, encode_proposal, read_proposal
from sottovoce.mls.tree_math import LeafIndex


class WireFormat(IntEnum):
    """What an MLSMessage holds (RFC 9420 §6)."""

    PUBLIC_MESSAGE = 1
    PRIVATE_MESSAGE = 2
    WELCOME = 3
    GROUP_INFO = 4
    KEY_PACKAGE = 5


class ContentType(IntEnum):
    """What a framed content is (RFC 9420 §6)."""

    APPLICATION = 1
    PROPOSAL = 2
    COMMIT = 3


class SenderType(IntEnum):
    """Who may send framed content (RFC 9420 §6)."""

    MEMBER = 1
    EXTERNAL = 2
    NEW_MEMBER_PROPOSAL = 3
    NEW_MEMBER_COMMIT = 4


_CONTENT_TYPES: Final = dict(enumerate(ContentType, start=1))


def read_content_type(reader: Reader) -> ContentType:
    """Read a content type; raises ``DecodingError`` for one that is not defined."""
    number = reader.uint8()
    if number not in _CONTENT_TYPES:
        raise DecodingError(f"a content type is {number}")
    return _CONTENT_TYPES[number]


@dataclass(frozen=True)
class Sender:
    """A sender; ``index`` is a leaf for a member, a place in the list for an external sender, else 0."""

    sender_type: SenderType
    index: int = 0

    @classmethod
    def member(cls, leaf: LeafIndex) -> Sender:
        """Return the member at ``leaf``."""
        return cls(SenderType.MEMBER, leaf)

    def encode(self) -> bytes:
        """Encode as ``Sender``."""
        has_index = self.sender_type in (SenderType.MEMBER, SenderType.EXTERNAL)
        return uint8(self.sender_type) + (uint32(self.index) if has_index else b"")

    @classmethod
    def read(cls, reader: Reader) -> Sender:
        """Read one."""
        number = reader.uint8()
        if number in (SenderType.MEMBER, SenderType.EXTERNAL):
            return cls(SenderType(number), reader.uint32())
        if number not in (SenderType.NEW_MEMBER_PROPOSAL, SenderType.NEW_MEMBER_COMMIT):
            raise DecodingError(f"a sender type is {number}")
        return cls(SenderType(number))


Content = bytes | Proposal | Commit
"""Application data, a proposal, or a commit."""


def encode_content(content: Content) -> bytes:
    """Encode what follows the content type."""
    if isinstance(content, bytes):
        return opaque(content)
    return content.encoded if isinstance(content, Commit) else encode_proposal(content)


def content_type_of(content: Content) -> ContentType:
    """Return the content type of ``content``."""
    if isinstance(content, bytes):
        return ContentType.APPLICATION
    return ContentType.COMMIT if isinstance(content, Commit) else ContentType.PROPOSAL


def read_content(reader: Reader, content_type: ContentType) -> Content:
    """Read the content of that type."""
    if content_type is ContentType.APPLICATION:
        return reader.opaque()
    return read_proposal(reader) if content_type is ContentType.PROPOSAL else Commit.read(reader)


def group_and_epoch(group_id: bytes, epoch: int) -> bytes:
    """Encode what every framed content and every PrivateMessage begins with."""
    return opaque(group_id) + uint64(epoch)


@dataclass(frozen=True)
class FramedContent:
    """Content with its group, epoch and sender (RFC 9420 §6)."""

    group_id: bytes
    epoch: int
    sender: Sender
    authenticated_data: bytes
    content: Content = field(repr=False)

    @property
    def content_type(self) -> ContentType:
        """What the content is."""
        return content_type_of(self.content)

    @cached_property
    def encoded(self) -> bytes:
        """The content as ``FramedContent``."""
        return (
            group_and_epoch(self.group_id, self.epoch)
            + self.sender.encode()
            + opaque(self.authenticated_data)
            + uint8(self.content_type)
            + encode_content(self.content)
        )

    @classmethod
    def read(cls, reader: Reader) -> FramedContent:
        """Read one; the bytes it was read from are kept as its encoding."""
        start = reader.position
        group_id, epoch, sender = reader.opaque(), reader.uint64(), Sender.read(reader)
        authenticated_data, content_type = reader.opaque(), read_content_type(reader)
        content = cls(group_id, epoch, sender, authenticated_data, read_content(reader, content_type))
        content.__dict__["encoded"] = reader.since(start)
        return content


@dataclass(frozen=True)
class ContentAuth:
    """The signature of a framed content and, for a commit, its confirmation tag (RFC 9420 §6.1)."""

    signature: bytes
    confirmation_tag: bytes | None

    def encode(self) -> bytes:
        """Encode as ``FramedContentAuthData``."""
        tag = b"" if self.confirmation_tag is None else opaque(self.confirmation_tag)
        return opaque(self.signature) + tag

    @classmethod
    def read(cls, reader: Reader, content_type: ContentType) -> ContentAuth:
        """Read one; a commit's has a confirmation tag, the others have none."""
        signature = reader.opaque()
        return cls(signature, reader.opaque() if content_type is ContentType.COMMIT else None)


@dataclass(frozen=True)
class AuthenticatedContent:
    """A framed content with its signature, which may not have been checked (RFC 9420 §6.1)."""

    wire_format: WireFormat
    content: FramedContent
    auth: ContentAuth

    def encode(self) -> bytes:
        """Encode as ``AuthenticatedContent``."""
        return uint16(self.wire_format) + self.content.encoded + self.auth.encode()

    @classmethod
    def read(cls, reader: Reader) -> AuthenticatedContent:
        """Read one."""
        wire_format = reader.uint16()
        if wire_format not in (WireFormat.PUBLIC_MESSAGE, WireFormat.PRIVATE_MESSAGE):
            raise DecodingError(f"an authenticated content's wire format is {wire_format}")
        content = FramedContent.read(reader)
        return cls(WireFormat(wire_format), content, ContentAuth.read(reader, content.content_type))


@dataclass(frozen=True)
class PublicMessage:
    """A framed content that anybody can read (RFC 9420 §6.2)."""

    content: FramedContent
    auth: ContentAuth
    membership_tag: bytes | None

    @cached_property
    def encoded(self) -> bytes:
        """The message as ``PublicMessage``."""
        tag = b"" if self.membership_tag is None else opaque(self.membership_tag)
        return self.content.encoded + self.auth.encode() + tag

    @classmethod
    def read(cls, reader: Reader) -> PublicMessage:
        """Read one; a member's has a membership tag, the others' have none."""
        content = FramedContent.read(reader)
        auth = ContentAuth.read(reader, content.content_type)
        from_member = content.sender.sender_type is SenderType.MEMBER
        return cls(content, auth, reader.opaque() if from_member else None)

    def authenticated(self) -> AuthenticatedContent:
        """Return the content with its signature, still to be checked."""
        return AuthenticatedContent(WireFormat.PUBLIC_MESSAGE, self.content, self.auth)


@dataclass(frozen=True)
class PrivateMessage:
    """A framed content that members alone can read (RFC 9420 §6.3).

    Both AADs are beginnings of the encoding, so the parts are put together, or read, once.
    """

    group_id: bytes
    epoch: int
    content_type: ContentType
    authenticated_data: bytes
    encrypted_sender_data: bytes
    ciphertext: bytes

    @cached_property
    def sender_data_aad(self) -> bytes:
        """``SenderDataAAD``: group, epoch and content type (§6.3.2)."""
        return group_and_epoch(self.group_id, self.epoch) + uint8(self.content_type)

    @cached_property
    def content_aad(self) -> bytes:
        """``PrivateContentAAD``: the same, and the authenticated data (§6.3.1)."""
        return self.sender_data_aad + opaque(self.authenticated_data)

    @cached_property
    def encoded(self) -> bytes:
        """The message as ``PrivateMessage``."""
        return self.content_aad + opaque(self.encrypted_sender_data) + opaque(self.ciphertext)

    @classmethod
    def read(cls, reader: Reader) -> PrivateMessage:
        """Read one; the bytes it was read from are kept as its encoding."""
        start = reader.position
        group_id, epoch, content_type = reader.opaque(), reader.uint64(), read_content_type(reader)
        sender_data_aad, authenticated_data = reader.since(start), reader.opaque()
        content_aad = reader.since(start)
        message = cls(group_id, epoch, content_type, authenticated_data, reader.opaque(), reader.opaque())
        message.__dict__.update(
            sender_data_aad=sender_data_aad, content_aad=content_aad, encoded=reader.since(start)
        )
        return message


Body = PublicMessage | PrivateMessage | Welcome | GroupInfo | KeyPackage
_BODIES: dict[int, type[Body]] = {
    WireFormat.PUBLIC_MESSAGE: PublicMessage,
    WireFormat.PRIVATE_MESSAGE: PrivateMessage,
    WireFormat.WELCOME: Welcome,
    WireFormat.GROUP_INFO: GroupInfo,
    WireFormat.KEY_PACKAGE: KeyPackage,
}
_WIRE_FORMATS = {kind: WireFormat(number) for number, kind in _BODIES.items()}


@dataclass(frozen=True)
class MLSMessage:
    """The envelope of everything that is sent (RFC 9420 §6)."""

    body: Body

    @property
    def wire_format(self) -> WireFormat:
        """What the envelope holds."""
        return _WIRE_FORMATS[type(self.body)]

    def encode(self) -> bytes:
        """Encode as ``MLSMessage`` of version mls10."""
        return uint16(MLS10) + uint16(self.wire_format) + self.body.encoded

    @classmethod
    def read(cls, reader: Reader) -> MLSMessage:
        """Read one; raises ``DecodingError`` for another version or an unknown wire format."""
        version, wire_format = reader.uint16(), reader.uint16()
        if version != MLS10:
            raise DecodingError(f"a message is of protocol version {version}, not MLS 1.0")
        if wire_format not in _BODIES:
            raise DecodingError(f"a message's wire format is {wire_format}")
        return cls(_BODIES[wire_format].read(reader))

    @classmethod
    def decode(cls, data: bytes) -> MLSMessage:
        """Read exactly one message from ``data``."""
        return decode(cls.read, data)
