"""Extensions, required capabilities and the numbers of RFC 9420 §17."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from sottovoce.mls.errors import DecodingError
from sottovoce.mls.presentation import Reader, decode, opaque, uint16, vector


class ExtensionType(IntEnum):
    """Registered extension types (RFC 9420 §17.3); every other number is carried as it is."""

    APPLICATION_ID = 1
    RATCHET_TREE = 2
    REQUIRED_CAPABILITIES = 3
    EXTERNAL_PUB = 4
    EXTERNAL_SENDERS = 5
    LAST_RESORT = 0x000A
    """Marks a key package that may be used more than once; empty (IANA, from draft-ietf-mls-extensions)."""


DEFAULT_EXTENSION_TYPES: Final = frozenset(range(1, 6))
"""Types every client supports without listing them (RFC 9420 §7.2)."""
GREASE_VALUES: Final = tuple(0x0A0A + 0x1010 * number for number in range(15))
"""Numbers that stand for nothing, sent so that nobody comes to rely on knowing all (RFC 9420 §13.5)."""


@dataclass(frozen=True)
class Extension:
    """One extension: its type and the bytes whose meaning the type fixes, a secret perhaps."""

    extension_type: int
    data: bytes = field(repr=False)

    def encode(self) -> bytes:
        """Encode as ``Extension`` of RFC 9420 §7.2."""
        return uint16(self.extension_type) + opaque(self.data)

    @classmethod
    def read(cls, reader: Reader) -> Extension:
        """Read one, of a known type or not: RFC 9420 §13.5, unknown ones are carried along."""
        return cls(reader.uint16(), reader.opaque())


Extensions = tuple[Extension, ...]


def encode_extensions(extensions: Iterable[Extension]) -> bytes:
    """Encode ``Extension extensions<V>``."""
    return vector(extension.encode() for extension in extensions)


def read_extensions(reader: Reader) -> Extensions:
    """Read ``Extension extensions<V>``; raises ``DecodingError`` if a type comes twice."""
    extensions = tuple(reader.vector(Extension.read))
    if not extensions:
        return ()
    # RFC 9420 §13.4: a list "MUST NOT have more than one extension of any given type".
    if len({extension.extension_type for extension in extensions}) != len(extensions):
        raise DecodingError("an extension type occurs twice in one list")
    return extensions


def find_extension(extensions: Iterable[Extension], extension_type: int) -> bytes | None:
    """Return the data of the extension of that type, or None where there is none."""
    return next(
        (extension.data for extension in extensions if extension.extension_type == extension_type), None
    )


def grease_value(random: Callable[[int], bytes]) -> int:
    """Return one of :data:`GREASE_VALUES`, of one random byte."""
    return GREASE_VALUES[random(1)[0] % len(GREASE_VALUES)]


def grease_extension(random: Callable[[int], bytes]) -> Extension:
    """Return an extension that means nothing, with up to 15 random bytes (RFC 9420 §13.5).

    It may stand among the extensions of a key package or a GroupInfo; in a leaf, whose capabilities list its
    type; never in a GroupContext.
    """
    return Extension(grease_value(random), random(random(1)[0] % 16))


def read_numbers(reader: Reader) -> tuple[int, ...]:
    """Read a vector of two-byte numbers, known and unknown (GREASE) ones alike."""
    return numbers_of(reader.opaque())


def numbers_of(octets: bytes) -> tuple[int, ...]:
    """Return the two-byte numbers that ``octets`` hold; raises ``DecodingError`` for an odd byte."""
    if len(octets) & 1:
        raise DecodingError("a list of two-byte numbers has an odd length")
    return struct.unpack(f">{len(octets) >> 1}H", octets)


def encode_numbers(numbers: Sequence[int]) -> bytes:
    """Encode a vector of two-byte numbers."""
    return vector(map(uint16, numbers))


@dataclass(frozen=True)
class RequiredCapabilities:
    """What every member of a group must support (RFC 9420 §11.1)."""

    extension_types: tuple[int, ...] = ()
    proposal_types: tuple[int, ...] = ()
    credential_types: tuple[int, ...] = ()

    def encode(self) -> bytes:
        """Encode as ``RequiredCapabilities``."""
        return b"".join(
            map(encode_numbers, (self.extension_types, self.proposal_types, self.credential_types))
        )

    def extension(self) -> Extension:
        """Return the GroupContext extension that holds this."""
        return Extension(ExtensionType.REQUIRED_CAPABILITIES, self.encode())

    @classmethod
    def read(cls, reader: Reader) -> RequiredCapabilities:
        """Read one."""
        return cls(read_numbers(reader), read_numbers(reader), read_numbers(reader))

    @classmethod
    def of(cls, extensions: Iterable[Extension]) -> RequiredCapabilities:
        """Return what a GroupContext's extensions require; nothing, if they hold no such extension."""
        data = find_extension(extensions, ExtensionType.REQUIRED_CAPABILITIES)
        return cls() if data is None else decode(cls.read, data)
