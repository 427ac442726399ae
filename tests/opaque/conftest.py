"""A server with one registered account, and one login against it, in as few words as tests need."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from sottovoce.opaque.client import ClientLogin, ClientRegistration, RegistrationResult
from sottovoce.opaque.server import ServerLogin, ServerSetup, registration_response

Ksf = Callable[[bytes], bytes]


def identity(oprf_output: bytes) -> bytes:
    return oprf_output


@dataclass
class World:
    """One server and the account ``alice`` on it, whose password is ``correct horse``."""

    setup: ServerSetup
    registered: RegistrationResult

    def server_login(
        self,
        ke1: bytes,
        *,
        known: bool = True,
        context: bytes = b"context",
        client_identity: bytes | None = b"alice",
        server_identity: bytes | None = None,
    ) -> ServerLogin:
        return ServerLogin.start(
            self.setup,
            self.registered.record if known else None,
            ke1,
            credential_identifier=b"alice",
            context=context,
            client_identity=client_identity,
            server_identity=server_identity,
            random=os.urandom,
        )


def client_login(password: bytes = b"correct horse") -> ClientLogin:
    return ClientLogin.start(password, random=os.urandom)


def register(
    setup: ServerSetup, password: bytes = b"correct horse", identifier: bytes = b"alice"
) -> RegistrationResult:
    registration = ClientRegistration.start(password, random=os.urandom)
    return registration.finish(
        registration_response(setup, registration.request, identifier),
        server_identity=None,
        client_identity=identifier,
        ksf=identity,
        random=os.urandom,
    )


@pytest.fixture(scope="session")
def world() -> World:
    setup = ServerSetup.generate(os.urandom)
    return World(setup, register(setup))


@pytest.fixture(name="client_login", scope="session")
def client_login_fixture() -> Callable[..., ClientLogin]:
    return client_login


@pytest.fixture(name="register", scope="session")
def register_fixture() -> Callable[..., RegistrationResult]:
    return register


@pytest.fixture(name="identity", scope="session")
def identity_fixture() -> Ksf:
    return identity
