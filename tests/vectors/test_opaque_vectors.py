"""RFC 9807 appendix C: every vector of ristretto255, SHA-512, real and fake, byte for byte."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from official_vectors import read_vectors

from sottovoce.crypto.ristretto import deserialize_element, deserialize_scalar
from sottovoce.crypto.secret import Secret
from sottovoce.opaque.client import ClientLogin, ClientRegistration
from sottovoce.opaque.messages import RegistrationRecord
from sottovoce.opaque.oprf import DhKeyPair
from sottovoce.opaque.server import ServerLogin, ServerSetup, registration_record, registration_response

VECTORS = read_vectors("opaque-vectors", "opaque.json")

Fields = dict[str, bytes]


def vectors(fake: str) -> Iterator[Any]:
    for number, vector in enumerate(VECTORS):
        config = vector["config"]
        if config["Group"] == "ristretto255" and config["Fake"] == fake:
            sections = ("inputs", "intermediates", "outputs")
            decoded = [
                {name: bytes.fromhex(text) for name, text in vector.get(section, {}).items()}
                for section in sections
            ]
            yield pytest.param(bytes.fromhex(config["Context"]), *decoded, id=f"vector-{number}")


def scripted(*draws: bytes) -> Callable[[int], bytes]:
    """A source of randomness that gives these bytes; a blind is short, the rest of its draw zeros."""
    remaining = list(draws)
    return lambda length: remaining.pop(0).ljust(length, b"\0")


def identity(oprf_output: bytes) -> bytes:
    return oprf_output


def server_setup(
    inputs: Fields, fake_public_key: bytes | None = None, fake_masking_key: bytes = bytes(64)
) -> ServerSetup:
    public_key = deserialize_element(inputs["server_public_key"])
    return ServerSetup(
        oprf_seed=Secret(inputs["oprf_seed"]),
        key_pair=DhKeyPair(deserialize_scalar(inputs["server_private_key"]), public_key),
        fake_record=(fake_public_key or public_key) + fake_masking_key + bytes(96),
    )


@pytest.mark.parametrize(("context", "inputs", "intermediates", "outputs"), list(vectors("False")))
def test_real_vector(context: bytes, inputs: Fields, intermediates: Fields, outputs: Fields) -> None:
    client_identity, server_identity = inputs.get("client_identity"), inputs.get("server_identity")
    setup = server_setup(inputs)

    registration = ClientRegistration.start(inputs["password"], random=scripted(inputs["blind_registration"]))
    assert registration.request == outputs["registration_request"]
    response = registration_response(setup, registration.request, inputs["credential_identifier"])
    assert response == outputs["registration_response"]
    registered = registration.finish(
        response,
        server_identity=server_identity,
        client_identity=client_identity,
        ksf=identity,
        random=scripted(inputs["envelope_nonce"]),
    )
    assert registered.record == outputs["registration_upload"]
    assert registered.export_key.reveal() == outputs["export_key"]
    assert RegistrationRecord.from_bytes(registered.record).envelope.to_bytes() == intermediates["envelope"]

    login = ClientLogin.start(
        inputs["password"],
        random=scripted(inputs["blind_login"], inputs["client_nonce"], inputs["client_keyshare_seed"]),
    )
    assert login.ke1 == outputs["KE1"]
    server_login = ServerLogin.start(
        setup,
        registration_record(registered.record),
        login.ke1,
        credential_identifier=inputs["credential_identifier"],
        context=context,
        client_identity=client_identity,
        server_identity=server_identity,
        random=scripted(inputs["masking_nonce"], inputs["server_nonce"], inputs["server_keyshare_seed"]),
    )
    assert server_login.ke2 == outputs["KE2"]
    result = login.finish(
        server_login.ke2,
        context=context,
        client_identity=client_identity,
        server_identity=server_identity,
        ksf=identity,
    )
    assert result.ke3 == outputs["KE3"]
    assert result.session_key.reveal() == outputs["session_key"]
    assert result.export_key.reveal() == outputs["export_key"]
    assert server_login.finish(result.ke3).reveal() == outputs["session_key"]


@pytest.mark.parametrize(("context", "inputs", "intermediates", "outputs"), list(vectors("True")))
def test_fake_vector(context: bytes, inputs: Fields, intermediates: Fields, outputs: Fields) -> None:
    server_login = ServerLogin.start(
        server_setup(inputs, inputs["client_public_key"], inputs["masking_key"]),
        None,
        inputs["KE1"],
        credential_identifier=inputs["credential_identifier"],
        context=context,
        client_identity=inputs.get("client_identity"),
        server_identity=inputs.get("server_identity"),
        random=scripted(inputs["masking_nonce"], inputs["server_nonce"], inputs["server_keyshare_seed"]),
    )
    assert server_login.ke2 == outputs["KE2"]
