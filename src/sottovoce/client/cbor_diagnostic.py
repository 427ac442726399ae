"""CBOR as people read it: the diagnostic notation of RFC 8949 §8, long strings cut.

What comes out holds texts from outside, as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

import cbor2

from sottovoce.client import cbor

SHOWN_OCTETS: Final = 16
"""Bytes of a byte string that are shown; of a longer one, the beginning and its length."""

SHOWN_CHARACTERS: Final = 64
"""Characters of a text that are shown."""

_INDENT: Final = "  "


def diagnostic(data: bytes, names: Sequence[str] = ()) -> str:
    """Return the value that ``data`` encodes, each item of an outer array on a line of its own.

    ``names``: comments for them. Raises :class:`~sottovoce.client.errors.ContentError` for what is not CBOR.
    """
    value = cbor.decode(data)
    if not isinstance(value, list):
        return _inline(value)
    lines = []
    for at, item in enumerate(value):
        comma = "," if at < len(value) - 1 else ""
        comment = f"  / {names[at]} /" if at < len(names) else ""
        lines.append(f"{_INDENT}{_inline(item)}{comma}{comment}")
    return "\n".join(["[", *lines, "]"])


def _inline(value: object) -> str:
    if isinstance(value, bytes):
        cut = f" … {len(value)} bytes" if len(value) > SHOWN_OCTETS else ""
        return f"h'{value[:SHOWN_OCTETS].hex()}{cut}'"
    if isinstance(value, (list, tuple)):  # an array as a key is read as a tuple, and a map as a Mapping
        return f"[{', '.join(map(_inline, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_inline(key)}: {_inline(held)}' for key, held in value.items())}}}"
    if isinstance(value, cbor2.CBORSimpleValue):
        return f"simple({value.value})"
    if value is cbor2.undefined:
        return "undefined"
    if isinstance(value, str) and len(value) > SHOWN_CHARACTERS:
        return f"{json.dumps(value[:SHOWN_CHARACTERS], ensure_ascii=False)} … {len(value)} characters"
    return json.dumps(value, ensure_ascii=False)
