"""How a record becomes the bytes of one column and back: MessagePack, with :class:`Secret` as bytes.

The columns are inside an encrypted database; a record in memory keeps its secrets in :class:`Secret`.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from sottovoce.crypto.secret import Secret
from sottovoce.errors import InternalError, PeerError

T = TypeVar("T")


class RecordDamaged(PeerError):
    """A column does not hold the record it should; the store says which file that is of."""


def _encode_secret(value: Any) -> bytes:
    if isinstance(value, Secret):
        return value.reveal()
    raise InternalError(f"{type(value).__name__} has no form in the store")


def _decode_secret(kind: type, value: Any) -> Any:
    if kind is not Secret:
        raise InternalError(f"{kind.__name__} has no form in the store")
    if not isinstance(value, bytes):
        raise TypeError("a secret is stored as bytes")
    return Secret(value)


def encode(record: object) -> bytes:
    """Return the record's MessagePack form."""
    return msgspec.msgpack.encode(record, enc_hook=_encode_secret)


def decode(octets: bytes, kind: type[T]) -> T:
    """Read a record back; raises :class:`RecordDamaged` for bytes that are none."""
    try:
        return msgspec.msgpack.decode(octets, type=kind, dec_hook=_decode_secret)
    except (msgspec.DecodeError, UnicodeDecodeError) as damage:
        raise RecordDamaged(getattr(kind, "__name__", str(kind))) from damage
