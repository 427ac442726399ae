"""Threat C4: the identity and every encoding that is no element are refused, wherever one is sent."""

import os
from collections.abc import Callable

import pytest

from sottovoce.crypto.errors import InvalidPoint
from sottovoce.crypto.ristretto import deserialize_element, random_scalar, scalar_mult_base
from sottovoce.opaque.client import ClientLogin, ClientRegistration
from sottovoce.opaque.errors import InvalidMessage, LoginFailed
from sottovoce.opaque.server import ServerLogin, ServerSetup, registration_record, registration_response

SETUP = ServerSetup.generate(os.urandom)
IDENTITY, ALL_FF = bytes(32), b"\xff" * 32


def ksf(oprf_output: bytes) -> bytes:
    return oprf_output


def a_record() -> bytes:
    registration = ClientRegistration.start(b"password", random=os.urandom)
    return registration.finish(
        registration_response(SETUP, registration.request, b"alice"),
        server_identity=None,
        client_identity=None,
        ksf=ksf,
        random=os.urandom,
    ).record


RECORD = a_record()
LOGIN = ClientLogin.start(b"password", random=os.urandom)


def start_login(ke1: bytes) -> ServerLogin:
    return ServerLogin.start(
        SETUP,
        RECORD,
        ke1,
        credential_identifier=b"alice",
        context=b"",
        client_identity=None,
        server_identity=None,
        random=os.urandom,
    )


def finish_login(ke2: bytes) -> None:
    LOGIN.finish(ke2, context=b"", client_identity=None, server_identity=None, ksf=ksf)


def finish_registration(response: bytes) -> None:
    registration = ClientRegistration.start(b"password", random=os.urandom)
    registration.finish(response, server_identity=None, client_identity=None, ksf=ksf, random=os.urandom)


REQUEST = ClientRegistration.start(b"password", random=os.urandom).request
RESPONSE = registration_response(SETUP, REQUEST, b"alice")
KE2 = start_login(LOGIN.ke1).ke2

# Who reads the message, an honest one, where its elements start, and the one error of that reader.
READERS: list[tuple[str, Callable[[bytes], object], bytes, int, type[Exception]]] = [
    ("registration request", lambda m: registration_response(SETUP, m, b"alice"), REQUEST, 0, InvalidMessage),
    ("registration response, evaluation", finish_registration, RESPONSE, 0, InvalidMessage),
    ("registration response, server key", finish_registration, RESPONSE, 32, InvalidMessage),
    ("registration record", registration_record, RECORD, 0, InvalidMessage),
    ("KE1, blinded password", start_login, LOGIN.ke1, 0, InvalidMessage),
    ("KE1, key share", start_login, LOGIN.ke1, 64, InvalidMessage),
    ("KE2, evaluation", finish_login, KE2, 0, LoginFailed),
    ("KE2, key share", finish_login, KE2, 224, LoginFailed),
]
every_reader = pytest.mark.parametrize(
    ("read", "honest", "start", "error"),
    [reader[1:] for reader in READERS],
    ids=[reader[0] for reader in READERS],
)


@every_reader
@pytest.mark.parametrize("bad", [IDENTITY, ALL_FF], ids=["all zeros", "all FF"])
def test_identity_and_all_ff(
    read: Callable[[bytes], object], honest: bytes, start: int, error: type[Exception], bad: bytes
) -> None:
    read(honest)
    with pytest.raises(error):
        read(honest[:start] + bad + honest[start + 32 :])


@every_reader
def test_each_bit_flipped(
    read: Callable[[bytes], object], honest: bytes, start: int, error: type[Exception]
) -> None:
    """A flipped bit gives no element, and is refused, or another element, which login then refuses."""
    for bit in range(256):
        flipped = bytearray(honest)
        flipped[start + bit // 8] ^= 1 << bit % 8
        try:
            deserialize_element(bytes(flipped[start : start + 32]))
        except InvalidPoint:
            with pytest.raises(error):
                read(bytes(flipped))
        else:
            if read is finish_login:
                with pytest.raises(LoginFailed):
                    read(bytes(flipped))
            else:
                read(bytes(flipped))


def test_flipped_bits_are_refused_about_half_of_the_time_or_more() -> None:
    refused = 0
    for _ in range(4):
        good = scalar_mult_base(random_scalar(os.urandom))
        for bit in range(256):
            flipped = bytearray(good)
            flipped[bit // 8] ^= 1 << bit % 8
            try:
                deserialize_element(bytes(flipped))
            except InvalidPoint:
                refused += 1
    assert refused > 512


def test_libsodium_itself_would_take_the_identity() -> None:
    """The reason for our own check: without it 32 zero bytes would pass."""
    import rbcl

    assert rbcl.crypto_core_ristretto255_is_valid_point(IDENTITY)
    with pytest.raises(InvalidPoint):
        deserialize_element(IDENTITY)
