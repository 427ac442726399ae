"""One thing to fuzz: what reads the bytes, what it may raise, and valid bytes to begin from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A reader and its contract: whatever the bytes, it returns or raises one of ``documented``."""

    name: str
    read: Callable[[bytes], object]
    seeds: Sequence[bytes]
    documented: tuple[type[Exception], ...]
    weight: int = 1
    """Its share of the inputs, among the targets of its kind."""
    is_decoder: bool = True
    """False for those that run a whole protocol step for each input, and get fewer of them."""

    def give(self, data: bytes) -> bool:
        """Give it one input; returns whether it was taken. What is not documented passes through."""
        try:
            self.read(data)
        except self.documented:
            return False
        return True


Reader = Callable[[bytes], object]


def canonical(decode: Reader, encode: Callable[[object], bytes]) -> Reader:
    """Return a reader that also checks that what decodes encodes to the same bytes again."""

    def read(data: bytes) -> None:
        if encode(decode(data)) != data:
            raise AssertionError(f"another encoding was taken: {data.hex()}")

    return read
