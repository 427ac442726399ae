"""The messages of OPAQUE meet mutations of valid ones, by themselves and in a login."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from mutation import fuzz

from sottovoce.opaque.client import ClientLogin, ClientRegistration
from sottovoce.opaque.errors import AuthenticationFailed, InvalidMessage, LoginFailed
from sottovoce.opaque.messages import (
    KE1,
    KE2,
    CredentialResponse,
    Envelope,
    RegistrationRecord,
    RegistrationRequest,
    RegistrationResponse,
)
from sottovoce.opaque.server import ServerLogin, ServerSetup, registration_record, registration_response

NAMES = {"client_identity": b"alice", "server_identity": b"server"}


def identity(octets: bytes) -> bytes:
    return octets


@pytest.fixture(scope="module")
def seeds() -> dict[object, bytes]:
    """One of each message, of one registration and one login."""
    setup = ServerSetup.generate(os.urandom)
    registration = ClientRegistration.start(b"password", random=os.urandom)
    response = registration_response(setup, registration.request, b"alice")
    record = registration.finish(response, ksf=identity, random=os.urandom, **NAMES).record
    login = ClientLogin.start(b"password", random=os.urandom)
    server = ServerLogin.start(
        setup, record, login.ke1, credential_identifier=b"alice", context=b"c", random=os.urandom, **NAMES
    )
    ke3 = login.finish(server.ke2, context=b"c", ksf=identity, **NAMES).ke3
    return {
        RegistrationRequest: registration.request,
        RegistrationResponse: response,
        RegistrationRecord: record,
        Envelope: record[-96:],
        KE1: login.ke1,
        CredentialResponse: server.ke2[:192],
        KE2: server.ke2,
        ServerSetup: setup.to_bytes(),
        "setup": setup,
        "login": login,
        "server": server,
        "registration": registration,
        "ke3": ke3,
    }


@pytest.mark.parametrize(
    "kind",
    [
        RegistrationRequest,
        RegistrationResponse,
        RegistrationRecord,
        Envelope,
        KE1,
        CredentialResponse,
        KE2,
        ServerSetup,
    ],
)
def test_messages(kind: type, seeds: dict[object, bytes]) -> None:
    def read(octets: bytes) -> None:
        assert kind.from_bytes(octets).to_bytes() == octets

    assert fuzz(read, [seeds[kind]], InvalidMessage) > 1000


def both_sides(
    seeds: dict[object, object],
) -> list[tuple[Callable[[bytes], object], object, type[Exception]]]:
    login, server, setup = seeds["login"], seeds["server"], seeds["setup"]
    registration = seeds["registration"]
    return [
        (lambda ke2: login.finish(ke2, context=b"c", ksf=identity, **NAMES), KE2, LoginFailed),
        (server.finish, "ke3", AuthenticationFailed),
        (
            lambda octets: registration.finish(octets, ksf=identity, random=os.urandom, **NAMES),
            RegistrationResponse,
            InvalidMessage,
        ),
        (registration_record, RegistrationRecord, InvalidMessage),
        (lambda octets: registration_response(setup, octets, b"alice"), RegistrationRequest, InvalidMessage),
        (
            lambda ke1: ServerLogin.start(
                setup,
                seeds[RegistrationRecord],
                ke1,
                credential_identifier=b"alice",
                context=b"c",
                random=os.urandom,
                **NAMES,
            ),
            KE1,
            InvalidMessage,
        ),
    ]


@pytest.mark.parametrize("which", range(6))
def test_a_login_and_a_registration(which: int, seeds: dict[object, bytes]) -> None:
    read, seed, documented = both_sides(seeds)[which]
    assert fuzz(read, [seeds[seed]], documented) > 1000
