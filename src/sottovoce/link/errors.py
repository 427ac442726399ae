"""What the link refuses, each with the :class:`~sottovoce.link.messages.ErrorCode` the peer is told."""

from __future__ import annotations

from typing import ClassVar

from sottovoce.errors import LocalError, PeerError
from sottovoce.link.parts import ErrorCode


class LinkError(PeerError):
    """The peer broke a rule of the link; the connection is closed."""

    code: ClassVar[ErrorCode] = ErrorCode.MALFORMED


class MalformedMessage(LinkError):
    """A frame whose body is no message: not MessagePack, a field of the wrong type or out of its limits."""


class FrameTooLarge(LinkError):
    """A length prefix over the cap of the connection's state; nothing was reserved for it."""

    code: ClassVar[ErrorCode] = ErrorCode.FRAME_TOO_LARGE


class UnexpectedEnd(LinkError):
    """The peer closed in the middle of a frame."""


class UnexpectedReply(LinkError):
    """A reply to no request under way, of a type that does not answer it, or a push before login."""

    code: ClassVar[ErrorCode] = ErrorCode.NOT_ALLOWED


class CertificateError(PeerError):
    """A device certificate that does not decode, has another encoding than its one, or is signed wrongly."""


class MisusedConnection(LocalError):
    """Our own side asked the connection to send what its state does not allow."""
