"""Layers are the bytes they name: each is put together again from its own stretches and decoded."""

from __future__ import annotations

import pytest

from sottovoce.client.content import (
    Envelope,
    MimiContent,
    MultiPart,
    NullPart,
    PartSemantics,
    SinglePart,
)
from sottovoce.client.message_life import (
    content_octets,
    envelope_octets,
    frame_octets,
    header_octets,
    message_octets,
    plaintext_octets,
    protection,
    tls_record_lengths,
)
from sottovoce.client.named_octets import NamedOctets, OctetsInParts, Stretch
from sottovoce.client.tables.lives import ProtectionRecord
from sottovoce.link.frames import FrameReader, encode_frame
from sottovoce.link.messages import FetchReply
from sottovoce.link.parts import Entry, EntryKind
from sottovoce.mls import ContentType, DecodingError, MLSMessage, PrivateMessage

ROOM_ID = bytes(range(16))
SALT = bytes(range(16))


def names(octets: NamedOctets) -> list[str]:
    ends = [one.end for one in octets.stretches]
    assert [one.start for one in octets.stretches] == [0, *ends[:-1]]
    assert ends[-1] == len(octets.data) == len(octets)
    return [one.name for one in octets.stretches]


def record(authenticated: int = 0, padding: int = 10, suite_id: int = 1) -> ProtectionRecord:
    return ProtectionRecord(suite_id, 258, 4, 5, bytes(range(12)), authenticated, 64, padding, 28, 272)


@pytest.mark.parametrize(
    "body",
    [
        SinglePart("text/plain;charset=utf-8", b"x" * 300),
        SinglePart("text/plain", b""),
        NullPart(),
        MultiPart(PartSemantics.CHOOSE_ONE, (SinglePart("text/plain", b"a"), NullPart())),
    ],
)
def test_content(body: SinglePart | NullPart | MultiPart) -> None:
    data = MimiContent(SALT, body, replaces=bytes(32), topic_id=b"t", extensions={1: "x"}).encode()
    octets = content_octets(data)
    assert octets.data == data
    assert names(octets)[:7] == [
        "array of 7", "salt", "replaces", "topic", "expires", "in reply to", "extensions",
    ]  # fmt: skip
    assert octets.stretch("salt") == b"\x50" + SALT
    if isinstance(body, SinglePart):
        assert octets.stretch("text") == body.content


@pytest.mark.parametrize("length", [0, 23, 24, 255, 256, 65536])
def test_envelope(length: int) -> None:
    data = Envelope(bytes(length), 2**32, b"h" * 32, 300, b"p" * 32).encode()
    octets = envelope_octets(data)
    assert octets.data == data
    assert octets.stretch("content") == bytes(length)
    assert octets.stretch("counter") == b"\x19\x01\x2c"
    assert octets.stretch("log hash")[2:] == b"h" * 32
    assert octets.stretch("previous hash")[2:] == b"p" * 32


def test_plaintext() -> None:
    octets = plaintext_octets(b"e" * 100, record(padding=7))
    assert octets.data == b"\x40\x64" + b"e" * 100 + b"\x40\x40" + bytes(64) + bytes(7)
    assert names(octets) == ["length", "envelope", "signature length", "signature", "padding"]
    assert [one.name for one in octets.stretches if not one.is_known] == ["signature"]


@pytest.mark.parametrize("authenticated", [b"", b"seen by all"])
def test_header_and_message_are_laid_out_alike(authenticated: bytes) -> None:
    private = PrivateMessage(
        ROOM_ID, 258, ContentType.APPLICATION, authenticated, b"s" * 28, b"c" * 256 + b"t" * 16
    )
    payload = MLSMessage(private).encode()
    whole, header = message_octets(payload), header_octets(ROOM_ID, record(len(authenticated)))
    assert whole.data == payload
    assert names(whole) == names(header)
    assert whole.stretch("tag") == b"t" * 16
    assert whole.stretch("open data") == authenticated
    for one, other in zip(whole.stretches, header.stretches, strict=True):
        assert (one.start, one.end) == (other.start, other.end)
        if other.is_known:
            assert whole.data[one.start : one.end] == header.data[one.start : one.end]


def test_what_is_no_message_is_not_taken_for_one() -> None:
    with pytest.raises(DecodingError):
        message_octets(b"nonsense")


@pytest.mark.parametrize("length", [0, 300, 70_000])
def test_frame(length: int) -> None:
    reply = FetchReply(
        300, [Entry(70_000, EntryKind.MESSAGE, 3, bytes(length), 1_795_000_000_000)], 70_001, 9
    )
    octets = frame_octets(reply)
    assert octets.data == encode_frame(reply)
    assert octets.stretch("payload") == bytes(length)
    (body,) = FrameReader(2**20).frames(octets.data)
    assert len(body) == int.from_bytes(octets.stretch("frame length"))
    assert octets.stretch("kind") == b"\xa7message"
    assert names(octets)[-1] == "newest, oldest"


@pytest.mark.parametrize(
    ("length", "records"),
    [(1, (23,)), (16384, (16406,)), (16385, (16406, 23)), (40000, (16406, 16406, 7254))],
)
def test_records(length: int, records: tuple[int, ...]) -> None:
    assert tls_record_lengths(length) == records


def test_protection() -> None:
    made = protection(record())
    assert made.nonce == bytes(range(12))
    assert (made.suite, made.aead) == ("MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519", "AES-128-GCM")
    assert (made.key_length, made.plaintext_length, made.ciphertext_length) == (16, 256, 272)


def test_named_octets_have_no_holes_and_no_empty_names() -> None:
    octets = (
        OctetsInParts().add("one", b"1").add("none", b"").add_unknown("two", 2).add("three", b"3").finish()
    )
    assert octets == NamedOctets(
        b"1\0\x003", (Stretch("one", 0, 1), Stretch("two", 1, 3, is_known=False), Stretch("three", 3, 4))
    )
    assert (octets.stretch("three"), octets.stretch("none"), octets.stretch("four")) == (b"3", b"", b"")
