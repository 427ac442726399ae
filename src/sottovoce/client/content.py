"""What a message is once it is decrypted: MIMI content (draft-ietf-mimi-content-08) in our envelope.

The envelope adds what the log's honesty is checked by (docs/protocol.md, *The log cannot lie quietly*):
its sender's newest log position and chain hash, its own counter, and the hash of its previous envelope.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from sottovoce.client import cbor
from sottovoce.client.errors import ContentError, TextTooLong

SALT_LENGTH: Final = 16
MESSAGE_ID_LENGTH: Final = 32
HASH_LENGTH: Final = 32
MAX_TEXT_LENGTH: Final = 32 * 1024
"""Bytes of UTF-8 in one message: with everything around it, it fits the padding bucket of 64 KiB."""

PLAIN_TEXT: Final = "text/plain;charset=utf-8"
_SHA256_ALGORITHM: Final = b"\x01"  # IANA Named Information Hash Algorithm Registry
_MAX_EXTENSION_LENGTH: Final = 4096
_UINT32: Final = 2**32 - 1


class Disposition(IntEnum):
    """``baseDispos``: what a part is for. Other numbers up to 255 are carried as they are."""

    UNSPECIFIED = 0
    RENDER = 1
    REACTION = 2
    PROFILE = 3
    INLINE = 4
    ICON = 5
    ATTACHMENT = 6
    SESSION = 7
    PREVIEW = 8


class Cardinality(IntEnum):
    """Which of the four kinds of ``NestedPart`` follows."""

    NULL = 0
    SINGLE = 1
    EXTERNAL = 2
    MULTI = 3


class PartSemantics(IntEnum):
    """How the parts of a multipart go together."""

    CHOOSE_ONE = 0
    SINGLE_UNIT = 1
    PROCESS_ALL = 2


@dataclass(frozen=True)
class NullPart:
    """Nothing: the body of a deletion, or of an unliked reaction."""

    disposition: int = Disposition.RENDER
    language: str = ""


@dataclass(frozen=True)
class SinglePart:
    """Content inside the message, of the media type ``content_type``."""

    content_type: str
    content: bytes
    disposition: int = Disposition.RENDER
    language: str = ""


@dataclass(frozen=True)
class ExternalPart:
    """Content elsewhere, encrypted: where it is, and the key and hash to open and check it with."""

    content_type: str
    url: str
    expires: int  # Unix seconds, 32 bits
    size: int
    encryption_algorithm: int  # IANA AEAD number
    key: bytes = field(repr=False)
    nonce: bytes
    aad: bytes
    hash_algorithm: int
    content_hash: bytes
    description: str
    filename: str
    disposition: int = Disposition.ATTACHMENT
    language: str = ""


@dataclass(frozen=True)
class MultiPart:
    """At least two parts."""

    semantics: PartSemantics
    parts: tuple[Part, ...]
    disposition: int = Disposition.RENDER
    language: str = ""


Part = NullPart | SinglePart | ExternalPart | MultiPart


@dataclass(frozen=True)
class Expiration:
    """When a message vanishes: seconds after it was read if ``relative``, else Unix seconds."""

    relative: bool
    time: int


@dataclass(frozen=True)
class MimiContent:
    """One message: an original, a reply, an edit, a deletion or a reaction."""

    salt: bytes
    body: Part
    replaces: bytes | None = None
    topic_id: bytes = b""
    expires: Expiration | None = None
    in_reply_to: bytes | None = None
    extensions: Mapping[int | str, Any] = field(default_factory=dict)

    @classmethod
    def of_text(cls, text: str, *, salt: bytes, in_reply_to: bytes | None = None) -> MimiContent:
        """Return a plain text message; ``salt`` is 16 fresh random bytes.

        Raises :class:`~sottovoce.client.errors.TextTooLong` above 32 KiB of UTF-8. Lone surrogates, which
        UTF-8 has no form for, become ``?``.
        """
        octets = text.encode("utf-8", "replace")
        if len(octets) > MAX_TEXT_LENGTH:
            raise TextTooLong(len(octets), MAX_TEXT_LENGTH)
        return cls(salt=salt, body=SinglePart(PLAIN_TEXT, octets), in_reply_to=in_reply_to)

    @property
    def text(self) -> str | None:
        """The first text that is to be rendered; None if there is none (a deletion, an attachment)."""
        return _text_of(self.body)

    def encode(self) -> bytes:
        """Encode as ``mimiContent``."""
        expires = None if self.expires is None else [self.expires.relative, self.expires.time]
        return cbor.encode([
            self.salt, self.replaces, self.topic_id, expires, self.in_reply_to, dict(self.extensions),
            _encode_part(self.body),
        ])  # fmt: skip

    @classmethod
    def decode(cls, data: bytes) -> MimiContent:
        """Read one; raises :class:`~sottovoce.client.errors.ContentError`."""
        fields = cbor.Fields(cbor.decode(data), "A message")
        content = cls(
            salt=fields.octets("its salt", SALT_LENGTH),
            replaces=fields.optional_octets("what it replaces", MESSAGE_ID_LENGTH),
            topic_id=fields.octets("its topic"),
            expires=_read_expiration(fields.any("its expiry")),
            in_reply_to=fields.optional_octets("what it replies to", MESSAGE_ID_LENGTH),
            extensions=_read_extensions(fields.mapping("its extensions")),
            body=_read_part(fields.any("its body")),
        )
        fields.end()
        return content

    def message_id(self, sender_uri: str, room_uri: str) -> bytes:
        """Return the message's 32-byte id in a room (draft §3.3).

        ``0x01 || SHA-256(senderUri || roomUri || message || salt)[0..30]``.
        """
        hashed = hashlib.sha256(sender_uri.encode() + room_uri.encode() + self.encode() + self.salt)
        return _SHA256_ALGORITHM + hashed.digest()[: MESSAGE_ID_LENGTH - 1]


@dataclass(frozen=True)
class Envelope:
    """What is encrypted as MLS application data.

    ``content`` is MIMI content; ``head_seq`` and ``head_hash`` the newest log entry its sender had seen and
    the chain's hash there; ``counter`` numbers this sender's messages in this room from 1 on;
    ``previous_hash`` is :func:`message_hash` of the one before (32 zero bytes in the first).
    """

    content: bytes
    head_seq: int
    head_hash: bytes
    counter: int
    previous_hash: bytes

    def encode(self) -> bytes:
        """Encode as a CBOR array of the five fields."""
        return cbor.encode([self.content, self.head_seq, self.head_hash, self.counter, self.previous_hash])

    @classmethod
    def decode(cls, data: bytes) -> Envelope:
        """Read one; raises :class:`~sottovoce.client.errors.ContentError`."""
        fields = cbor.Fields(cbor.decode(data), "An envelope")
        envelope = cls(
            content=fields.octets("its content"),
            head_seq=fields.uint("its log position"),
            head_hash=fields.octets("its chain hash", HASH_LENGTH),
            counter=fields.uint("its counter"),
            previous_hash=fields.octets("the hash before", HASH_LENGTH),
        )
        fields.end()
        return envelope


def message_hash(envelope: bytes) -> bytes:
    """Return what the sender's next envelope carries as ``previous_hash``: SHA-256 of this one."""
    return hashlib.sha256(envelope).digest()


def _text_of(part: Part) -> str | None:
    if isinstance(part, MultiPart):
        return next((text for text in map(_text_of, part.parts) if text is not None), None)
    if not isinstance(part, SinglePart) or part.disposition != Disposition.RENDER:
        return None
    media_type = part.content_type.partition(";")[0].strip().lower()
    if media_type not in ("text/plain", "text/markdown"):
        return None
    return part.content.decode("utf-8", "replace")


def _encode_part(part: Part) -> list[Any]:
    head: list[Any] = [part.disposition, part.language]
    match part:
        case NullPart():
            return [*head, Cardinality.NULL]
        case SinglePart():
            return [*head, Cardinality.SINGLE, part.content_type, part.content]
        case ExternalPart():
            return [
                *head, Cardinality.EXTERNAL, part.content_type, part.url, part.expires, part.size,
                part.encryption_algorithm, part.key, part.nonce, part.aad, part.hash_algorithm,
                part.content_hash, part.description, part.filename,
            ]  # fmt: skip
        case MultiPart():
            return [*head, Cardinality.MULTI, part.semantics, [_encode_part(inner) for inner in part.parts]]


def _read_part(value: object) -> Part:
    fields = cbor.Fields(value, "A part")
    disposition = fields.uint("its disposition", 255)
    language = fields.text("its language", 64)
    cardinality = fields.uint("its cardinality", max(Cardinality))
    part: Part
    match cardinality:
        case Cardinality.NULL:
            part = NullPart(disposition, language)
        case Cardinality.SINGLE:
            media_type, octets = fields.text("its media type", 255), fields.octets("its content")
            part = SinglePart(media_type, octets, disposition, language)
        case Cardinality.EXTERNAL:
            part = ExternalPart(
                content_type=fields.text("its media type", 255),
                url=fields.text("its address", 4096),
                expires=fields.uint("its expiry", _UINT32),
                size=fields.uint("its size"),
                encryption_algorithm=fields.uint("its AEAD", 65535),
                key=fields.octets("its key"),
                nonce=fields.octets("its nonce"),
                aad=fields.octets("its associated data"),
                hash_algorithm=fields.uint("its hash algorithm", 255),
                content_hash=fields.octets("its hash"),
                description=fields.text("its description"),
                filename=fields.text("its file name", 4096),
                disposition=disposition,
                language=language,
            )
        case _:
            semantics = PartSemantics(fields.uint("how its parts go together", max(PartSemantics)))
            parts = tuple(map(_read_part, fields.array("its parts")))
            if len(parts) < 2:
                raise ContentError("A multipart has fewer than two parts.")
            part = MultiPart(semantics, parts, disposition, language)
    fields.end()
    return part


def _read_expiration(value: object) -> Expiration | None:
    if value is None:
        return None
    fields = cbor.Fields(value, "An expiry")
    expiration = Expiration(fields.boolean("its kind"), fields.uint("its time", _UINT32))
    fields.end()
    return expiration


def _read_extensions(extensions: Mapping[Any, Any]) -> dict[int | str, Any]:
    for name, value in extensions.items():
        is_name = type(name) is int or (isinstance(name, str) and 1 <= len(name.encode()) <= 255)
        if not is_name or len(cbor.encode(value)) > _MAX_EXTENSION_LENGTH:
            raise ContentError("A message has a malformed extension.")
    return dict(extensions)
