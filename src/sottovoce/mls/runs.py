"""Vectors of many structs alike: secrets sealed for each of a thousand members (RFC 9420 §7.6, §12.4.3.1).

A receiver opens one of them. Where each is as long as the first, they are kept as the bytes they came in, and
one is taken out when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, overload

from sottovoce.mls.presentation import Reader

T = TypeVar("T")


class Run(Sequence[T]):
    """Structs of opaque fields that are each as long as the first's; equal to the tuple of them."""

    __slots__ = ("_data", "_fields", "_make", "_stride")

    def __init__(self, data: bytes, stride: int, fields: tuple[slice, ...], make: Callable[..., T]) -> None:
        self._data = data
        self._stride = stride
        self._fields = fields
        self._make = make

    def __len__(self) -> int:
        return len(self._data) // self._stride

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...

    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        places = range(0, len(self._data), self._stride)[index]
        return self._at(places) if isinstance(places, int) else tuple(map(self._at, places))

    def __iter__(self) -> Iterator[T]:
        return map(self._at, range(0, len(self._data), self._stride))

    def _at(self, start: int) -> T:
        one = self._data[start : start + self._stride]
        return self._make(*[one[field] for field in self._fields])

    def find(self, field: int, value: bytes) -> T | None:
        """Return the first struct whose field of that number is ``value``, None where there is none."""
        begin, end = self._fields[field].start, self._fields[field].stop
        starts = range(0, len(self._data), self._stride)
        found = (at for at in starts if self._data[at + begin : at + end] == value)
        start = next(found, None)
        return None if start is None else self._at(start)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run | tuple) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Run({len(self)} of {self._stride} bytes)"


def read_run(reader: Reader, fields: int, make: Callable[..., T]) -> Sequence[T]:
    """Read a vector of structs of so many opaque ``fields``; raises ``DecodingError``.

    ``make`` makes one of its fields. What is accepted is the same whether or not they are equally long.
    """
    data = reader.opaque()
    if not data:
        return ()
    first = Reader(data)
    places: list[slice] = []
    headers: list[int] = []
    for _ in range(fields):
        begin = first.position
        length = len(first.opaque())
        end = first.position
        headers += range(begin, end - length)
        places.append(slice(end - length, end))
    stride = first.position
    # If every header is the first one's, each field is as long, in its shortest form, and none is cut off.
    count, cut_off = divmod(len(data), stride)
    if not cut_off and all(data[at::stride] == data[at : at + 1] * count for at in headers):
        return Run(data, stride, tuple(places), make)
    return tuple(_read_each(Reader(data), fields, make))


def _read_each(reader: Reader, fields: int, make: Callable[..., T]) -> Iterator[T]:
    while not reader.at_end:
        yield make(*reader.opaques(fields))
