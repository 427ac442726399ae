"""Threat C5: a server can talk the client neither into weak password hashing nor out of its memory."""

import os

import pytest
from cryptography.hazmat.primitives.kdf import argon2

from sottovoce.crypto.errors import UnacceptableParameters
from sottovoce.crypto.password import Argon2idParameters, key_stretching_function, stretch
from sottovoce.opaque.client import ClientLogin, ClientRegistration
from sottovoce.opaque.errors import LoginFailed
from sottovoce.opaque.server import ServerLogin, ServerSetup, registration_response

ONE_KIB = Argon2idParameters(memory_kib=1, iterations=3, lanes=4)
SIXTEEN_GIB = Argon2idParameters(memory_kib=16 * 1024 * 1024, iterations=3, lanes=4)


@pytest.mark.parametrize("parameters", [ONE_KIB, SIXTEEN_GIB], ids=["1 KiB", "16 GiB"])
def test_refused_before_allocation(parameters: Argon2idParameters, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(**_: object) -> None:
        pytest.fail("Argon2id was set up with parameters out of bounds")

    monkeypatch.setattr(argon2, "Argon2id", never)
    with pytest.raises(UnacceptableParameters):
        stretch(b"password", bytes(16), parameters)
    with pytest.raises(UnacceptableParameters):
        key_stretching_function(parameters)


def test_parameters_are_bound_into_the_login() -> None:
    """A machine in the middle that lowers the parameters on the way changes the context: no login."""

    def ksf(oprf_output: bytes) -> bytes:
        return oprf_output

    setup = ServerSetup.generate(os.urandom)
    registration = ClientRegistration.start(b"password", random=os.urandom)
    record = registration.finish(
        registration_response(setup, registration.request, b"alice"),
        server_identity=None,
        client_identity=b"alice",
        ksf=ksf,
        random=os.urandom,
    ).record
    real, lowered = Argon2idParameters(), Argon2idParameters(memory_kib=32 * 1024)
    login = ClientLogin.start(b"password", random=os.urandom)
    server_login = ServerLogin.start(
        setup,
        record,
        login.ke1,
        credential_identifier=b"alice",
        context=real.to_bytes(),
        client_identity=b"alice",
        server_identity=None,
        random=os.urandom,
    )
    with pytest.raises(LoginFailed):
        login.finish(
            server_login.ke2,
            context=lowered.to_bytes(),
            client_identity=b"alice",
            server_identity=None,
            ksf=ksf,
        )
