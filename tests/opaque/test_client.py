import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sottovoce.crypto.password import Argon2idParameters, key_stretching_function
from sottovoce.opaque.client import ClientLogin, ClientRegistration
from sottovoce.opaque.errors import InvalidInput, InvalidMessage, LoginFailed
from sottovoce.opaque.server import registration_response

Make = Callable[..., Any]


def finish(login: ClientLogin, ke2: bytes, ksf: Make, **changed: Any) -> Any:
    given_: dict[str, Any] = {"context": b"context", "client_identity": b"alice", "server_identity": None}
    return login.finish(ke2, **{**given_, **changed}, ksf=ksf)


def test_both_sides_end_with_the_same_key(world: Any, client_login: Make, identity: Make) -> None:
    login = client_login()
    server_login = world.server_login(login.ke1)
    result = finish(login, server_login.ke2, identity)
    assert server_login.finish(result.ke3) == result.session_key
    assert result.export_key == world.registered.export_key


def test_two_logins_share_the_export_key_only(world: Any, client_login: Make, identity: Make) -> None:
    logins = [client_login(), client_login()]
    results = [finish(login, world.server_login(login.ke1).ke2, identity) for login in logins]
    assert results[0].export_key == results[1].export_key
    assert results[0].session_key != results[1].session_key


def test_every_failure_of_a_login_is_one_error(world: Any, client_login: Make, identity: Make) -> None:
    login = client_login()
    ke2 = world.server_login(login.ke1).ke2
    wrong = client_login(b"wrong horse")
    failures: list[tuple[ClientLogin, bytes, dict[str, Any]]] = [
        (wrong, world.server_login(wrong.ke1).ke2, {}),
        (login, world.server_login(login.ke1, known=False).ke2, {}),
        (login, world.server_login(client_login().ke1).ke2, {}),
        (login, world.server_login(login.ke1, context=b"other").ke2, {}),
        (login, world.server_login(login.ke1, client_identity=b"bob").ke2, {}),
        (login, ke2, {"context": b"other"}),
        (login, ke2, {"client_identity": b"bob"}),
        (login, ke2, {"server_identity": b"server"}),
        (login, ke2[:-1], {}),
        (login, ke2 + b"\0", {}),
        (login, b"", {}),
        (login, bytes(320), {}),
    ]
    messages = set()
    for attempt, message, changed in failures:
        with pytest.raises(LoginFailed) as caught:
            finish(attempt, message, identity, **changed)
        messages.add(str(caught.value))
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert len(messages) == 1


def test_each_byte_of_ke2_counts(world: Any, client_login: Make, identity: Make) -> None:
    login = client_login()
    ke2 = world.server_login(login.ke1).ke2
    for position in range(len(ke2)):
        damaged = bytearray(ke2)
        damaged[position] ^= 0x10
        with pytest.raises(LoginFailed):
            finish(login, bytes(damaged), identity)


def test_another_key_stretching_function_is_another_password(
    world: Any, client_login: Make, identity: Make
) -> None:
    login = client_login()
    with pytest.raises(LoginFailed):
        finish(login, world.server_login(login.ke1).ke2, lambda output: identity(output)[::-1])


def test_argon2id_in_earnest(world: Any, identity: Make) -> None:
    ksf = key_stretching_function(Argon2idParameters(18 * 1024, 2, 1))
    registration = ClientRegistration.start(b"password", random=os.urandom)
    response = registration_response(world.setup, registration.request, b"alice")
    registered = registration.finish(
        response, server_identity=None, client_identity=b"alice", ksf=ksf, random=os.urandom
    )
    login = ClientLogin.start(b"password", random=os.urandom)
    server_login = type(world)(world.setup, registered).server_login(login.ke1)
    assert server_login.finish(finish(login, server_login.ke2, ksf).ke3)


@settings(max_examples=200)
@given(data=st.data())
def test_random_messages_meet_only_login_failed(
    data: Any, world: Any, client_login: Make, identity: Make
) -> None:
    login = client_login()
    ke2 = world.server_login(login.ke1).ke2
    damaged = bytearray(ke2)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(damaged)))
        end = data.draw(st.integers(start, min(start + 40, len(damaged))))
        damaged[start:end] = data.draw(
            st.binary(max_size=40) | st.binary(min_size=end - start, max_size=end - start)
        )
    if bytes(damaged) == ke2:
        finish(login, ke2, identity)
        return
    with pytest.raises(LoginFailed):
        finish(login, bytes(damaged), identity)


@settings(max_examples=200)
@given(response=st.binary(max_size=80) | st.binary(min_size=64, max_size=64))
def test_random_registration_responses_meet_only_invalid_message(response: bytes, identity: Make) -> None:
    registration = ClientRegistration.start(b"password", random=os.urandom)
    try:
        registration.finish(
            response, server_identity=None, client_identity=None, ksf=identity, random=os.urandom
        )
    except InvalidMessage:
        return
    assert len(response) == 64


def test_what_the_caller_may_not_ask(world: Any, client_login: Make, identity: Make) -> None:
    for start in (ClientLogin.start, ClientRegistration.start):
        with pytest.raises(InvalidInput):
            start(bytes(65536), random=os.urandom)
    login = client_login()
    ke2 = world.server_login(login.ke1).ke2
    for changed in ({"client_identity": b""}, {"context": bytes(65536)}, {"server_identity": bytes(65536)}):
        with pytest.raises(InvalidInput):
            finish(login, ke2, identity, **changed)


def test_repr_hides_password_blind_and_key_share(world: Any, client_login: Make, identity: Make) -> None:
    login = client_login()
    registration = ClientRegistration.start(b"correct horse", random=os.urandom)
    result = finish(login, world.server_login(login.ke1).ke2, identity)
    assert repr(login) == f"ClientLogin(ke1={login.ke1!r})"
    assert repr(registration) == f"ClientRegistration(request={registration.request!r})"
    assert repr(world.registered) == "RegistrationResult(export_key=Secret(<64 bytes>))"
    assert repr(result) == (
        f"LoginResult(ke3={result.ke3!r}, session_key=Secret(<64 bytes>), export_key=Secret(<64 bytes>))"
    )
