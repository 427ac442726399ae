"""Secret bytes that do not show themselves."""

from __future__ import annotations

import hmac
from typing import Final, final


@final
class Secret:
    """Bytes that must not reach a log, a traceback or a ``repr``.

    Immutable; compared in constant time; not hashable, not iterable, not picklable. The bytes come
    out by one word, :meth:`reveal`, so that every place that needs them can be found.
    Python cannot reliably wipe memory: dropping the last reference is all that deletion means here.
    """

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes) -> None:
        self._octets: Final = bytes(octets)

    def reveal(self) -> bytes:
        """Return the bytes themselves."""
        return self._octets

    def __len__(self) -> int:
        return len(self._octets)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._octets, other._octets)

    __hash__ = None  # type: ignore[assignment]  # a hash of a secret would be a place where it leaks

    def __repr__(self) -> str:
        return f"Secret(<{len(self._octets)} bytes>)"

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not pickled")
