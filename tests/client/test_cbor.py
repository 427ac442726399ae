import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.client import cbor
from sottovoce.client.errors import ContentError

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.binary() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 99), inner, max_size=4),
    max_leaves=10,
)


@given(values)
def test_what_is_encoded_decodes(value: object) -> None:
    assert cbor.decode(cbor.encode(value)) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01\x02",
        b"\x18\x01",
        b"\x9f\x01\xff",
        b"\xa2\x01\x01\x01\x02",
        b"\xc0\x61x",
        b"\xd8\x1d\x00",
        b"\x81" * 17 + b"\x01",
        b"\x81" * 100_000,
        b"\x5b\x7f" + b"\xff" * 7,
        b"\x9b" + b"\xff" * 8,
        b"\xc2\x41\x05",
        b"\x61\xff",
        b"\xfb" + bytes(8),
        b"\xd9\xff\xff\x01",
        b"\xff",
        b"\xc4\x82\x1a\x7f\xff\xff\xff\x01",
    ],
)
def test_what_is_not_strict_is_refused(data: bytes) -> None:
    with pytest.raises(ContentError):
        cbor.decode(data)


@given(st.binary(max_size=64))
def test_any_bytes_give_a_value_or_the_documented_error(data: bytes) -> None:
    try:
        value = cbor.decode(data)
    except ContentError:
        return
    assert cbor2.dumps(value, canonical=True) == data


class TestFields:
    def test_each_type_is_checked(self) -> None:
        for take in (
            lambda fields: fields.octets("x", 2),
            lambda fields: fields.text("x"),
            lambda fields: fields.uint("x"),
            lambda fields: fields.boolean("x"),
            lambda fields: fields.array("x"),
            lambda fields: fields.mapping("x"),
            lambda fields: fields.optional_octets("x"),
        ):
            with pytest.raises(ContentError, match="x is malformed"):
                take(cbor.Fields([1.5], "It"))
            with pytest.raises(ContentError, match="ends before x"):
                take(cbor.Fields([], "It"))

    def test_a_boolean_is_no_number(self) -> None:
        with pytest.raises(ContentError):
            cbor.Fields([True], "It").uint("x")

    def test_only_an_array_has_fields_and_all_are_taken(self) -> None:
        with pytest.raises(ContentError, match="not an array"):
            cbor.Fields({}, "It")
        with pytest.raises(ContentError, match="after its last"):
            cbor.Fields([1], "It").end()
