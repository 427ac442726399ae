import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sottovoce.opaque.errors import AuthenticationFailed, DamagedRecord, InvalidInput, InvalidMessage
from sottovoce.opaque.messages import REGISTRATION_RECORD_LENGTH
from sottovoce.opaque.server import (
    SETUP_LENGTH,
    ServerLogin,
    ServerSetup,
    registration_record,
    registration_response,
)

Make = Callable[..., Any]


def test_a_setup_comes_back_from_its_bytes(world: Any) -> None:
    octets = world.setup.to_bytes()
    assert len(octets) == SETUP_LENGTH == 192
    assert ServerSetup.from_bytes(octets) == world.setup


@pytest.mark.parametrize(
    "damage",
    [
        lambda octets: octets[:-1],
        lambda octets: octets + b"\0",
        lambda octets: octets[:64] + bytes(32) + octets[96:],
        lambda octets: octets[:64] + b"\xff" * 32 + octets[96:],
        lambda octets: octets[:96] + bytes(32) + octets[128:],
        lambda octets: octets[:96] + b"\xff" * 32 + octets[128:],
    ],
)
def test_a_damaged_setup_is_said_so(world: Any, damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(InvalidMessage):
        ServerSetup.from_bytes(damage(world.setup.to_bytes()))


def test_setups_are_drawn_apart() -> None:
    first, second = ServerSetup.generate(os.urandom), ServerSetup.generate(os.urandom)
    assert first.oprf_seed != second.oprf_seed
    assert first.key_pair != second.key_pair
    assert first.fake_record != second.fake_record


def test_repr_of_a_setup_hides_everything_secret(world: Any) -> None:
    shown = repr(world.setup)
    assert "oprf_seed=Secret(<64 bytes>)" in shown
    assert "private" not in shown
    assert "fake_record" not in shown


def test_each_account_has_its_own_oprf_key(world: Any) -> None:
    request = world.setup.key_pair.public
    answers = {registration_response(world.setup, request, name) for name in (b"alice", b"bob", b"")}
    assert len(answers) == 3


@settings(max_examples=200)
@given(octets=st.binary(max_size=40) | st.binary(min_size=32, max_size=32))
def test_random_requests_meet_only_invalid_message(octets: bytes, world: Any) -> None:
    try:
        registration_response(world.setup, octets, b"alice")
    except InvalidMessage:
        return
    assert len(octets) == 32


@settings(max_examples=200)
@given(octets=st.binary(max_size=200) | st.binary(min_size=192, max_size=192))
def test_random_uploads_meet_only_invalid_message(octets: bytes) -> None:
    try:
        assert registration_record(octets) == octets
    except InvalidMessage:
        return
    assert len(octets) == REGISTRATION_RECORD_LENGTH


@settings(max_examples=200)
@given(ke1=st.binary(max_size=100) | st.binary(min_size=96, max_size=96))
def test_random_ke1_meets_only_invalid_message(ke1: bytes, world: Any) -> None:
    try:
        world.server_login(ke1)
    except InvalidMessage:
        return
    assert len(ke1) == 96


@settings(max_examples=200)
@given(ke3=st.binary(max_size=80) | st.binary(min_size=64, max_size=64))
def test_random_ke3_meets_only_authentication_failed(ke3: bytes, world: Any, client_login: Make) -> None:
    with pytest.raises(AuthenticationFailed):
        world.server_login(client_login().ke1).finish(ke3)


def test_only_the_whole_of_ke3_authenticates(world: Any, client_login: Make, identity: Make) -> None:
    login = client_login()
    server_login = world.server_login(login.ke1)
    ke3 = login.finish(
        server_login.ke2, context=b"context", client_identity=b"alice", server_identity=None, ksf=identity
    ).ke3
    for length in range(len(ke3)):
        with pytest.raises(AuthenticationFailed):
            server_login.finish(ke3[:length])
    for position in range(len(ke3)):
        with pytest.raises(AuthenticationFailed):
            server_login.finish(ke3[:position] + bytes([ke3[position] ^ 1]) + ke3[position + 1 :])
    with pytest.raises(AuthenticationFailed):
        world.server_login(login.ke1).finish(ke3)
    server_login.finish(ke3)


def test_a_damaged_stored_record_is_said_so(world: Any, client_login: Make) -> None:
    for record in (b"", world.registered.record[:-1], bytes(192)):
        with pytest.raises(DamagedRecord):
            ServerLogin.start(
                world.setup,
                record,
                client_login().ke1,
                credential_identifier=b"alice",
                context=b"",
                client_identity=None,
                server_identity=None,
                random=os.urandom,
            )


def test_what_the_caller_may_not_ask(world: Any, client_login: Make) -> None:
    for changed in ({"client_identity": b""}, {"server_identity": b""}, {"context": bytes(65536)}):
        with pytest.raises(InvalidInput):
            world.server_login(client_login().ke1, **changed)


def test_repr_of_a_login_shows_ke2_only(world: Any, client_login: Make) -> None:
    server_login = world.server_login(client_login().ke1)
    assert repr(server_login) == f"ServerLogin(ke2={server_login.ke2!r})"
