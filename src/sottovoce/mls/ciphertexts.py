"""The secrets of an UpdatePath's node, sealed for each node of a resolution (RFC 9420 §7.6).

In a large group there are thousands, of which a receiver opens one. They are read as one run of bytes
where each is as long as the first; one is taken out when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from sottovoce.mls.presentation import Reader, opaque, vector

HPKECiphertext = tuple[bytes, bytes]
"""KEM output and ciphertext (RFC 9420 §5.1.3)."""


class EqualCiphertexts(Sequence[HPKECiphertext]):
    """A run of HPKECiphertexts of one length; equal to the tuple of them."""

    __slots__ = ("_ciphertext_at", "_data", "_kem_output_at", "_kem_output_end", "_stride")

    def __init__(self, data: bytes, kem_output: tuple[int, int], ciphertext_at: int, stride: int) -> None:
        self._data = data
        self._kem_output_at, self._kem_output_end = kem_output
        self._ciphertext_at = ciphertext_at
        self._stride = stride

    def __len__(self) -> int:
        return len(self._data) // self._stride

    @overload
    def __getitem__(self, index: int) -> HPKECiphertext: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[HPKECiphertext, ...]: ...

    def __getitem__(self, index: int | slice) -> HPKECiphertext | tuple[HPKECiphertext, ...]:
        places = range(0, len(self._data), self._stride)[index]
        return self._at(places) if isinstance(places, int) else tuple(map(self._at, places))

    def _at(self, start: int) -> HPKECiphertext:
        one = self._data[start : start + self._stride]
        return one[self._kem_output_at : self._kem_output_end], one[self._ciphertext_at :]

    def __iter__(self) -> Iterator[HPKECiphertext]:
        return map(self._at, range(0, len(self._data), self._stride))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EqualCiphertexts | tuple) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"EqualCiphertexts({len(self)} of {self._stride} bytes)"


def read_ciphertexts(reader: Reader) -> Sequence[HPKECiphertext]:
    """Read ``HPKECiphertext encrypted_path_secret<V>``; raises ``DecodingError``.

    What is accepted is the same whether or not they are equally long.
    """
    data = reader.opaque()
    if not data:
        return ()
    first = Reader(data)
    kem_output = first.opaque()
    kem_output_end = first.position
    ciphertext = first.opaque()
    stride = first.position
    kem_output_at, ciphertext_at = kem_output_end - len(kem_output), stride - len(ciphertext)
    # If every header is the first one's, each is as long, in its shortest form, and none is cut off.
    headers = (*range(kem_output_at), *range(kem_output_end, ciphertext_at))
    count, cut_off = divmod(len(data), stride)
    if not cut_off and all(data[at::stride] == data[at : at + 1] * count for at in headers):
        return EqualCiphertexts(data, (kem_output_at, kem_output_end), ciphertext_at, stride)
    return tuple(_read_each(Reader(data)))


def _read_each(reader: Reader) -> Iterator[HPKECiphertext]:
    while not reader.at_end:
        yield reader.opaque(), reader.opaque()


def encode_ciphertexts(ciphertexts: Sequence[HPKECiphertext]) -> bytes:
    """Encode ``HPKECiphertext encrypted_path_secret<V>``."""
    return vector([opaque(kem_output) + opaque(ciphertext) for kem_output, ciphertext in ciphertexts])
