"""The x-ray's words: every number is the life's, every string is safe, and bad news is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lives import a_forged_life, a_life

from sottovoce.client.message_life import MessageLife
from sottovoce.client.sanitize import sanitize
from sottovoce.tui.life import Layer, Life
from sottovoce.tui.life_words import life_in_words

HOSTILE = "\x1b]52;c;aGk=\x07\x1b[31m\u202eevil\u200b\x9b2J [link=http://x]y[/link]\r\nAlice: fine"


def facts(layer: Layer) -> dict[str, str]:
    return {fact.name: fact.value for fact in layer.facts}


def strings(life: Life) -> Iterator[str]:
    yield life.missing
    for layer in life.layers:
        yield from (layer.name, layer.title, layer.teaching, layer.text, layer.alarm)
        for fact in layer.facts:
            yield from (fact.name, fact.value, fact.meaning)
        for picture in layer.pictures:
            yield picture.title
            yield from (stretch.name for stretch in picture.stretches)


LIVES = [
    a_life(),
    a_life(""),
    a_life("x" * 30_000),
    a_life(is_online=False),
    a_forged_life(),
    a_life(HOSTILE),
]
IDS = ["usual", "empty", "long", "offline", "forged", "hostile"]


@pytest.mark.parametrize("life", LIVES, ids=IDS)
def test_the_layers_come_in_their_order_and_explain_themselves(life: MessageLife) -> None:
    told = life_in_words(life)
    assert [str(layer.name) for layer in told.layers] == [
        "Text", "Content", "Order", "Padding", "Encryption", "Frame", "TLS", "Server",
    ]  # fmt: skip
    for layer in told.layers:
        assert 1 <= layer.teaching.count(". ") <= 2
        assert layer.teaching.endswith(".")
        for picture in layer.pictures:
            ends = [stretch.end for stretch in picture.stretches]
            assert [stretch.start for stretch in picture.stretches] == [0, *ends][: len(ends)]
            assert (ends[-1] if ends else 0) == len(picture.data)


@pytest.mark.parametrize("life", LIVES, ids=IDS)
def test_every_string_is_safe(life: MessageLife) -> None:
    for one in strings(life_in_words(life)):
        assert one == sanitize(one, multiline=True)


def test_a_hostile_name_and_text_are_tamed() -> None:
    told = life_in_words(a_life(HOSTILE, sender="\x1b[2JMallory\u202e"))
    assert facts(told.layers[0])["from"] == "Mallory"
    assert "\x1b" not in "".join(strings(told))
    assert "\u202e" not in "".join(strings(told))


def test_the_numbers_are_those_of_the_life() -> None:
    life = a_life()
    text, content, order, padding, encryption, frame, tls, server = life_in_words(life).layers
    assert facts(text)["length"] == "28 bytes"
    assert facts(content)["length"] == f"{len(life.content.data)} bytes"
    assert facts(order)["log position"] == "41"
    assert facts(order)["counter"] == "7"
    assert facts(padding)["size class"] == "256 bytes"
    made = life.protection
    assert facts(padding)["before"] == f"{256 - made.padding_length} bytes"
    told = facts(encryption)
    assert (told["epoch"], told["leaf"], told["generation"]) == ("3", "1", "6")
    assert bytes.fromhex(told["nonce"]) == made.nonce
    assert told["reuse guard"] == "deleted (4 bytes)"
    assert told["cipher"] == "AES-256-GCM"
    assert life.stored is not None
    assert facts(frame)["length"] == f"{len(life.stored.frame.data)} bytes"
    assert facts(tls)["on the wire"] == f"{len(life.stored.frame.data) + 22} bytes"
    learnt = facts(server)
    assert learnt["compared"] == "the same bytes"
    assert learnt["the text in it"] == "not found"
    assert learnt["it learns when"] == "2026-11-22 16:00:00.125 UTC"
    assert learnt["it learns place"] == "entry 42 of 43"
    assert learnt["it learns room"] == life.room_id.hex()


def test_the_key_is_shown_nowhere_and_said_to_be_gone() -> None:
    assert facts(life_in_words(a_life()).layers[4])["key"] == "deleted (32 bytes)"


def test_offline_the_inner_layers_are_whole_and_the_outer_ones_say_why_not() -> None:
    told = life_in_words(a_life(is_online=False))
    assert told.server is None
    assert told.missing == "The server is not connected."
    assert [bool(layer.alarm) for layer in told.layers] == [False] * 4 + [True] * 4
    assert told.layers[:4] == life_in_words(a_life()).layers[:4]


def test_other_bytes_from_the_server_are_an_alarm() -> None:
    told = life_in_words(a_forged_life())
    assert facts(told.layers[-1])["compared"] == "OTHER BYTES"
    assert "Ask the other members" in told.layers[-1].alarm
    assert "other bytes" in told.layers[4].alarm
    assert told.server is not None
    assert [str(one.name) for one in told.server.stretches] == ["other bytes"]
