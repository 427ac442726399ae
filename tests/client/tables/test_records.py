"""Records in columns: secrets come back as secrets, and anything else than the record is told as damage."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.client.tables.account import ServerRecord
from sottovoce.client.tables.records import RecordDamaged, decode, encode
from sottovoce.crypto.secret import Secret
from sottovoce.errors import InternalError


class _Keys(msgspec.Struct, array_like=True, frozen=True):
    name: str
    key: Secret


def test_a_secret_is_bytes_in_the_store_and_a_secret_again() -> None:
    octets = encode(_Keys("k", Secret(b"canary")))
    assert b"canary" in octets
    read = decode(octets, _Keys)
    assert read.key == Secret(b"canary")
    assert "canary" not in repr(read)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x92\xa1\xff\xc4\x01k",  # a name that is not UTF-8
        b"\x92\xa1n\xa1k",  # a secret that is text
        b"\x92\xa1n\x01",
        b"\x91\xa1n",
        b"\x92\xa1n\xc4\x02k",
    ],
)
def test_what_is_no_such_record_is_damage(octets: bytes) -> None:
    with pytest.raises(RecordDamaged, match="_Keys"):
        decode(octets, _Keys)


@given(st.data())
def test_an_altered_record_is_a_record_or_damage(data: st.DataObject) -> None:
    octets = bytearray(encode(ServerRecord("example.org", 7443, bytes(32))))
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(RecordDamaged):
        assert isinstance(decode(bytes(octets), ServerRecord), ServerRecord)


def test_what_has_no_form_is_our_own_mistake() -> None:
    with pytest.raises(InternalError):
        encode(object())
    with pytest.raises(InternalError):
        decode(b"\xc4\x00", complex)
