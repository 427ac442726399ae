"""A private key and its public half, as bytes."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Serialised keys of one algorithm; the ``repr`` shows the public one only."""

    private: bytes = field(repr=False)
    public: bytes
