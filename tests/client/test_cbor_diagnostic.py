"""Diagnostic notation against the examples of RFC 8949, appendix A."""

from __future__ import annotations

import pytest

from sottovoce.client import cbor
from sottovoce.client.cbor_diagnostic import SHOWN_CHARACTERS, SHOWN_OCTETS, diagnostic
from sottovoce.client.errors import ContentError


@pytest.mark.parametrize(
    ("encoded", "notation"),
    [
        ("00", "0"),
        ("1903e8", "1000"),
        ("3903e7", "-1000"),
        ("f93e00", "1.5"),
        ("f4", "false"),
        ("f5", "true"),
        ("f6", "null"),
        ("f7", "undefined"),
        ("f0", "simple(16)"),
        ("f8ff", "simple(255)"),
        ("f97e00", "NaN"),
        ("f9fc00", "-Infinity"),
        ("40", "h''"),
        ("4401020304", "h'01020304'"),
        ("60", '""'),
        ("6449455446", '"IETF"'),
        ("62225c", '"\\"\\\\"'),
        ("62c3bc", '"ü"'),
        ("63e6b0b4", '"水"'),
        ("a0", "{}"),
        ("a201020304", "{1: 2, 3: 4}"),
        ("a26161016162820203", '{"a": 1, "b": [2, 3]}'),
    ],
)
def test_the_rfcs_examples(encoded: str, notation: str) -> None:
    assert diagnostic(bytes.fromhex(encoded)) == notation


def test_an_array_and_a_map_may_be_keys() -> None:
    assert diagnostic(bytes.fromhex("a1820141ff01")) == "{[1, h'ff']: 1}"
    assert diagnostic(bytes.fromhex("a1a10141ff01")) == "{{1: h'ff'}: 1}"


def test_an_array_has_a_line_for_each_item_and_the_names_beside_them() -> None:
    assert diagnostic(bytes.fromhex("83010203"), ("one", "two")) == "[\n  1,  / one /\n  2,  / two /\n  3\n]"
    assert diagnostic(bytes.fromhex("8301820203820405")) == "[\n  1,\n  [2, 3],\n  [4, 5]\n]"
    assert diagnostic(bytes.fromhex("80")) == "[\n]"


@pytest.mark.parametrize("length", [SHOWN_OCTETS, SHOWN_OCTETS + 1])
def test_a_long_byte_string_is_cut_and_says_how_long_it_is(length: int) -> None:
    shown = diagnostic(cbor.encode(bytes(range(length))))
    beginning = bytes(range(SHOWN_OCTETS)).hex()
    assert shown == f"h'{beginning}" + ("'" if length == SHOWN_OCTETS else f" … {length} bytes'")


@pytest.mark.parametrize("length", [SHOWN_CHARACTERS, SHOWN_CHARACTERS + 1])
def test_so_is_a_long_text(length: int) -> None:
    shown = diagnostic(cbor.encode("x" * length))
    beginning = "x" * SHOWN_CHARACTERS
    cut = "" if length == SHOWN_CHARACTERS else f" … {length} characters"
    assert shown == f'"{beginning}"{cut}'


def test_what_is_no_cbor_is_refused() -> None:
    with pytest.raises(ContentError):
        diagnostic(b"\xff")
