"""Bytes whose stretches have names: what a picture of a message is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes ``start`` to ``end`` (not included) and what they are; ``is_known``: whether they are there.

    Of bytes that are not known the length alone is, and zeros stand in for them.
    """

    name: str
    start: int
    end: int
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class NamedOctets:
    """Bytes, and their stretches from the first byte to the last without a hole."""

    data: bytes
    stretches: tuple[Stretch, ...]

    def __len__(self) -> int:
        return len(self.data)

    def stretch(self, name: str) -> bytes:
        """Return the bytes of the first stretch of that name; none where there is no such stretch."""
        found = next((one for one in self.stretches if one.name == name), Stretch(name, 0, 0))
        return self.data[found.start : found.end]


@dataclass(slots=True)
class OctetsInParts:
    """Puts named octets together, part by part; a part of no bytes gets no name."""

    data: bytearray = field(default_factory=bytearray)
    stretches: list[Stretch] = field(default_factory=list)

    def add(self, name: str, octets: bytes) -> Self:
        """Append bytes."""
        self._name(name, len(octets), is_known=True)
        self.data += octets
        return self

    def add_unknown(self, name: str, length: int) -> Self:
        """Append so many bytes that nobody here knows."""
        self._name(name, length, is_known=False)
        self.data += bytes(length)
        return self

    def finish(self) -> NamedOctets:
        """Return the whole."""
        return NamedOctets(bytes(self.data), tuple(self.stretches))

    def _name(self, name: str, length: int, *, is_known: bool) -> None:
        if length:
            at = len(self.data)
            self.stretches.append(Stretch(name, at, at + length, is_known))
