"""The length-prefixed strings of RFC 9497 and RFC 9807."""

from __future__ import annotations

from sottovoce.opaque.errors import InvalidInput


def prefixed(octets: bytes) -> bytes:
    """Return ``I2OSP(len(octets), 2) || octets``.

    Raises :class:`~sottovoce.opaque.errors.InvalidInput` above 65,535 bytes.
    """
    if len(octets) > 0xFFFF:
        raise InvalidInput("A password, an identity or a context has at most 65535 bytes.")
    return len(octets).to_bytes(2, "big") + octets
