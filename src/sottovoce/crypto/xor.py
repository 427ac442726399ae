"""Exclusive or of two strings, in a time that does not depend on their bytes."""

from __future__ import annotations

from sottovoce.crypto.errors import InvalidArgument


def xor(left: bytes, right: bytes) -> bytes:
    """Return the bitwise exclusive or of two strings of the same length.

    One operation on two long integers, whose digits are combined in a plain loop. Byte by byte it would
    take measurably longer for a string of zeros, such as the envelope of OPAQUE's fake record. Raises
    :class:`~sottovoce.crypto.errors.InvalidArgument` for two lengths.
    """
    if len(left) != len(right):
        raise InvalidArgument("Only strings of the same length have an exclusive or.")
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")
