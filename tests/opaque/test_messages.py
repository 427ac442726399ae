import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sottovoce.crypto.ristretto import random_scalar, scalar_mult_base
from sottovoce.opaque import messages
from sottovoce.opaque.errors import InvalidMessage

ELEMENT = scalar_mult_base(random_scalar(os.urandom))

# Each message, how long it is, and where its group elements start.
MESSAGES: list[tuple[Any, int, list[int]]] = [
    (messages.RegistrationRequest, 32, [0]),
    (messages.RegistrationResponse, 64, [0, 32]),
    (messages.Envelope, 96, []),
    (messages.RegistrationRecord, 192, [0]),
    (messages.KE1, 96, [0, 64]),
    (messages.CredentialResponse, 192, [0]),
    (messages.KE2, 320, [0, 224]),
]
every_message = pytest.mark.parametrize(
    ("message", "length", "elements"), MESSAGES, ids=[message.__name__ for message, _, _ in MESSAGES]
)


def example(length: int, elements: list[int]) -> bytes:
    octets = bytearray(os.urandom(length))
    for start in elements:
        octets[start : start + 32] = ELEMENT
    return bytes(octets)


@every_message
def test_what_was_parsed_is_written_again(message: Any, length: int, elements: list[int]) -> None:
    octets = example(length, elements)
    assert message.from_bytes(octets).to_bytes() == octets


@every_message
def test_every_other_length_is_refused(message: Any, length: int, elements: list[int]) -> None:
    octets = example(length, elements)
    for wrong in (*range(length), length + 1, 2 * length):
        with pytest.raises(InvalidMessage):
            message.from_bytes((octets + octets)[:wrong])


@every_message
def test_each_element_is_checked(message: Any, length: int, elements: list[int]) -> None:
    for start in elements:
        for bad in (bytes(32), b"\xff" * 32, bytes([ELEMENT[0] ^ 1]) + ELEMENT[1:]):
            octets = bytearray(example(length, elements))
            octets[start : start + 32] = bad
            with pytest.raises(InvalidMessage, match="group element"):
                message.from_bytes(bytes(octets))


@every_message
def test_random_bytes_meet_only_the_documented_error(message: Any, length: int, elements: list[int]) -> None:
    @settings(max_examples=200)
    @given(st.binary(max_size=2 * length) | st.binary(min_size=length, max_size=length))
    def check(octets: bytes) -> None:
        try:
            parsed = message.from_bytes(octets)
        except InvalidMessage:
            return
        assert parsed.to_bytes() == octets

    check()


def test_repr_of_a_record_hides_the_masking_key() -> None:
    record = messages.RegistrationRecord.from_bytes(example(192, [0]))
    assert "masking_key" not in repr(record)
