"""Entries that are encoded already: the same bytes in a frame as a list of entries."""

from __future__ import annotations

import msgspec
import pytest

from sottovoce.link import messages as m
from sottovoce.link.encoded_entries import EncodedEntries, encode_entry
from sottovoce.link.frames import encode_frame
from sottovoce.link.parts import Entry, EntryKind


def some(count: int, payload: bytes = b"canary") -> list[Entry]:
    kinds = (EntryKind.MESSAGE, EntryKind.COMMIT)
    return [Entry(seq, kinds[seq % 2], seq * 300, payload * seq, seq << 33) for seq in range(1, count + 1)]


def encoded(entries: list[Entry]) -> EncodedEntries:
    return EncodedEntries(b"".join(map(encode_entry, entries)), len(entries))


@pytest.mark.parametrize("count", [0, 1, 15, 16, 300])
def test_a_frame_is_the_same_to_the_byte(count: int) -> None:
    entries = some(count, b"p")
    for kind, before, after in ((m.EntriesPush, (b"r" * 16,), ()), (m.FetchReply, (7,), (count, 1))):
        assert encode_frame(kind(*before, encoded(entries), *after)) == encode_frame(
            kind(*before, entries, *after)
        )


@pytest.mark.parametrize("count", [15, 16, 65535, 65536])
def test_an_array_is_as_any_encoder_writes_it(count: int) -> None:
    assert bytes(EncodedEntries(b"\xc0" * count, count).to_array()) == msgspec.msgpack.encode([None] * count)


def test_it_is_a_sequence_of_entries() -> None:
    entries = some(20)
    these = encoded(entries)
    assert list(these) == entries
    assert (len(these), these[0], these[-1], these[3:5]) == (20, entries[0], entries[-1], entries[3:5])
    assert not encoded([])


def test_the_parts_are_the_encodings() -> None:
    entries = some(20)
    assert [bytes(one) for one in encoded(entries).apart()] == [encode_entry(one) for one in entries]


def test_no_repr_shows_a_payload() -> None:
    push = m.EntriesPush(b"r" * 16, encoded(some(3)))
    assert repr(push) == "EntriesPush(room_id=<16 bytes>, entries=<3 entries, 106 bytes>)"


def test_nothing_else_is_made_to_fit() -> None:
    with pytest.raises(TypeError):
        encode_frame(m.EntriesPush(b"r" * 16, object()))
