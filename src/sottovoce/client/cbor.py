"""Deterministic CBOR (RFC 8949 §4.2.1), read strictly: a value has exactly one encoding.

No tags, no indefinite lengths, no duplicate keys, no trailing bytes, 16 levels at most. What a structure's
fields may be is asked of :class:`Fields`, one at a time, so that a decoder reads as its definition does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NoReturn

import cbor2

from sottovoce.client.errors import ContentError

MAX_DEPTH: Final = 16
MAX_UINT: Final = 2**63 - 1


def encode(value: object) -> bytes:
    """Encode ``value`` the one way there is."""
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes) -> Any:
    """Decode one value; raises :class:`~sottovoce.client.errors.ContentError` for anything not strict."""
    try:
        value = cbor2.loads(
            data,
            tag_hook=_refuse_tag,
            semantic_decoders=_NO_TAGS,
            max_depth=MAX_DEPTH,
            allow_indefinite=False,
            allow_duplicate_keys=False,
        )
        canonical = encode(value)
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError):
        raise ContentError("The bytes are not CBOR.") from None
    if canonical != data:
        raise ContentError("The CBOR is not deterministic, or bytes follow it.")
    return value


def _refuse_tag(*_: object) -> NoReturn:
    raise ContentError("CBOR tags are not used here.")


_KNOWN_TAGS: Final = (
    *range(6), 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799
)  # fmt: skip
_NO_TAGS: Final = dict.fromkeys(_KNOWN_TAGS, _refuse_tag)


class Fields:
    """A cursor over a CBOR array: each method takes the next item or raises ``ContentError`` naming it."""

    def __init__(self, value: object, what: str) -> None:
        if not isinstance(value, list):
            raise ContentError(f"{what} is not an array.")
        self._items: Final[list[Any]] = value
        self._what: Final = what
        self._at = 0

    @property
    def has_more(self) -> bool:
        """Whether an item is left."""
        return self._at < len(self._items)

    def any(self, name: str) -> Any:
        """Take whatever comes."""
        if not self.has_more:
            raise ContentError(f"{self._what} ends before {name}.")
        self._at += 1
        return self._items[self._at - 1]

    def octets(self, name: str, size: int | None = None) -> bytes:
        """Take a byte string, of exactly ``size`` bytes where it is given."""
        value = self.any(name)
        if not isinstance(value, bytes) or (size is not None and len(value) != size):
            self._refuse(name)
        return value

    def optional_octets(self, name: str, size: int | None = None) -> bytes | None:
        """Take null or a byte string."""
        if self.has_more and self._items[self._at] is None:
            self._at += 1
            return None
        return self.octets(name, size)

    def text(self, name: str, limit: int = 65536) -> str:
        """Take a text of at most ``limit`` characters."""
        value = self.any(name)
        if not isinstance(value, str) or len(value) > limit:
            self._refuse(name)
        return value

    def uint(self, name: str, limit: int = MAX_UINT) -> int:
        """Take a number from 0 to ``limit``."""
        value = self.any(name)
        if type(value) is not int or not 0 <= value <= limit:
            self._refuse(name)
        return value

    def boolean(self, name: str) -> bool:
        """Take true or false."""
        value = self.any(name)
        if not isinstance(value, bool):
            self._refuse(name)
        return value

    def array(self, name: str, limit: int = 4096) -> list[Any]:
        """Take an array of at most ``limit`` items."""
        value = self.any(name)
        if not isinstance(value, list) or len(value) > limit:
            self._refuse(name)
        return value

    def mapping(self, name: str) -> Mapping[Any, Any]:
        """Take a map."""
        value = self.any(name)
        if not isinstance(value, dict):
            self._refuse(name)
        return value

    def end(self) -> None:
        """Check that nothing is left."""
        if self.has_more:
            raise ContentError(f"{self._what} has items after its last field.")

    def _refuse(self, name: str) -> NoReturn:
        raise ContentError(f"{self._what}: {name} is malformed.")
