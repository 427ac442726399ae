import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.client import cbor
from sottovoce.client.content import (
    MAX_TEXT_LENGTH,
    Disposition,
    Envelope,
    Expiration,
    ExternalPart,
    MimiContent,
    MultiPart,
    NullPart,
    PartSemantics,
    SinglePart,
    message_hash,
)
from sottovoce.client.errors import ContentError, TextTooLong

SALT = bytes(range(16))
ATTACHMENT = ExternalPart(
    "image/png", "https://a.example/b", 1, 2, 1, bytes(32), bytes(12), b"", 1, bytes(32), "a picture", "b.png"
)

parts = st.recursive(
    st.builds(NullPart, st.integers(0, 255), st.text(max_size=8))
    | st.builds(SinglePart, st.text(max_size=20), st.binary(max_size=40), st.integers(0, 255), st.just("en"))
    | st.just(ATTACHMENT),
    lambda inner: st.builds(
        MultiPart, st.sampled_from(PartSemantics), st.lists(inner, min_size=2, max_size=3).map(tuple)
    ),
    max_leaves=5,
)
contents = st.builds(
    MimiContent,
    salt=st.binary(min_size=16, max_size=16),
    body=parts,
    replaces=st.none() | st.binary(min_size=32, max_size=32),
    topic_id=st.binary(max_size=8),
    expires=st.none() | st.builds(Expiration, st.booleans(), st.integers(0, 2**32 - 1)),
    in_reply_to=st.none() | st.binary(min_size=32, max_size=32),
    extensions=st.dictionaries(
        st.integers(0, 50) | st.text("abc", min_size=1, max_size=4), st.text(max_size=9)
    ),
)


class TestMimiContent:
    @given(contents)
    def test_every_content_round_trips(self, content: MimiContent) -> None:
        assert MimiContent.decode(content.encode()) == content

    @given(st.text(max_size=200))
    def test_a_text_is_what_was_typed(self, text: str) -> None:
        content = MimiContent.of_text(text, salt=SALT)
        assert MimiContent.decode(content.encode()).text == text.encode("utf-8", "replace").decode()

    def test_the_draft_form_byte_for_byte(self) -> None:
        """Seven fields, the nested part flattened into disposition, language, cardinality and the rest."""
        assert MimiContent.of_text("hi", salt=SALT).encode() == (
            b"\x87\x50" + SALT + b"\xf6\x40\xf6\xf6\xa0\x85\x01\x60\x01\x78\x18text/plain;charset=utf-8\x42hi"
        )

    def test_the_message_id_is_the_drafts(self) -> None:
        content = MimiContent.of_text("hi", salt=SALT)
        hashed = hashlib.sha256(b"im:alice" + b"room" + content.encode() + SALT).digest()
        assert content.message_id("im:alice", "room") == b"\x01" + hashed[:31]

    def test_the_longest_text_fits_its_bucket_and_one_byte_more_is_refused(self) -> None:
        content = MimiContent.of_text("x" * MAX_TEXT_LENGTH, salt=SALT)
        assert len(Envelope(content.encode(), 1, bytes(32), 1, bytes(32)).encode()) < 64 * 1024
        with pytest.raises(TextTooLong, match="split it"):
            MimiContent.of_text("é" * (MAX_TEXT_LENGTH // 2) + "x", salt=SALT)

    def test_the_text_is_the_first_that_is_to_be_rendered(self) -> None:
        plain = SinglePart("text/plain", b"plain")
        assert MimiContent(SALT, MultiPart(PartSemantics.CHOOSE_ONE, (ATTACHMENT, plain))).text == "plain"
        assert MimiContent(SALT, NullPart()).text is None
        assert MimiContent(SALT, ATTACHMENT).text is None
        assert MimiContent(SALT, SinglePart("text/plain", b"x", Disposition.REACTION)).text is None
        assert MimiContent(SALT, SinglePart("text/html", b"<b>x</b>")).text is None
        assert MimiContent(SALT, SinglePart("Text/Markdown;variant=GFM-MIMI", b"\xff")).text == "\ufffd"

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            (0, b"short"),
            (0, "text"),
            (1, b"short"),
            (2, None),
            (3, [True, 2**32]),
            (3, [1, 2]),
            (3, [True, 1, 2]),
            (4, 5),
            (5, []),
            (5, {-1.5: 1}),
            (5, {"": 1}),
            (5, {1: "x" * 5000}),
            (6, []),
            (6, [1, "", 9]),
            (6, [256, "", 0]),
            (6, [1, "", 0, 0]),
            (6, [1, "", 3, 0, [[1, "", 0]]]),
            (6, [1, "", 3, 9, [[1, "", 0]] * 2]),
            (6, [1, 2, 0]),
        ],
    )
    def test_a_malformed_field_is_refused(self, place: int, value: object) -> None:
        fields = cbor.decode(MimiContent.of_text("hi", salt=SALT).encode())
        fields[place] = value
        with pytest.raises(ContentError):
            MimiContent.decode(cbor.encode(fields))

    def test_a_key_is_not_in_the_repr(self) -> None:
        assert "key=" not in repr(ATTACHMENT)


class TestEnvelope:
    @given(st.binary(), st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
    def test_round_trip(self, content: bytes, seq: int, counter: int) -> None:
        envelope = Envelope(content, seq, bytes(32), counter, b"\x01" * 32)
        assert Envelope.decode(envelope.encode()) == envelope

    def test_the_hash_is_of_the_encoding(self) -> None:
        assert message_hash(b"abc") == hashlib.sha256(b"abc").digest()

    @pytest.mark.parametrize(
        "fields", [[b"", 1, bytes(31), 1, bytes(32)], [b"", -1, bytes(32), 1, bytes(32)], [b""], 5]
    )
    def test_a_malformed_one_is_refused(self, fields: object) -> None:
        with pytest.raises(ContentError):
            Envelope.decode(cbor.encode(fields))


def test_mutated_bytes_give_only_the_documented_error() -> None:
    mutate = random.Random(7)
    body = MultiPart(PartSemantics.PROCESS_ALL, (SinglePart("text/plain", b"hi"), ATTACHMENT))
    originals = [
        MimiContent(SALT, body, expires=Expiration(True, 5), extensions={1: "x"}).encode(),
        Envelope(b"content", 5, bytes(32), 6, bytes(32)).encode(),
    ]
    refused = 0
    for turn in range(6000):
        data = bytearray(originals[turn % 2])
        for _ in range(mutate.randint(1, 3)):
            data[mutate.randrange(len(data))] = mutate.randrange(256)
        if turn % 7 == 0:
            del data[mutate.randrange(len(data)) :]
        for decode in (MimiContent.decode, Envelope.decode):
            try:
                decode(bytes(data))
            except ContentError:
                refused += 1
    assert refused > 6000
