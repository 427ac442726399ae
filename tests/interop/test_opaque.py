"""Registration and login, each side by this library and by two that stand on opaque-ke."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from node_process import NodeProcess
from opaque_side import (
    OPAQUEPY_STRETCHING,
    Client,
    OpaquePyClient,
    OpaquePyServer,
    OurClient,
    OurServer,
    Refused,
    SerenityClient,
    SerenityServer,
    Server,
    Terms,
    octets,
)

from sottovoce.crypto.password import Argon2idParameters
from sottovoce.crypto.ristretto import deserialize_scalar, scalar_mult_base
from sottovoce.crypto.secret import Secret
from sottovoce.opaque.oprf import DhKeyPair
from sottovoce.opaque.server import ServerSetup

QUICK = Argon2idParameters(memory_kib=7 * 1024, iterations=5, lanes=1)
DEFAULT = Argon2idParameters()
PASSWORD, ACCOUNT = "correct horse 🐴", "ann"

TERMS = {
    "quick": Terms(QUICK),
    "names": Terms(QUICK, "ann", "chat.example"),
    "one-name": Terms(QUICK, client_name="ann"),
    "default-stretching": Terms(DEFAULT),
}


@pytest.fixture(scope="session")
def serenity(start_node: Callable[[str], NodeProcess]) -> Iterator[NodeProcess]:
    process = start_node("opaque_peer.mjs")
    yield process
    process.close()


@pytest.fixture(params=TERMS)
def terms(request: pytest.FixtureRequest) -> Terms:
    return TERMS[request.param]


@pytest.fixture(params=("our client", "our server"))
def pair(request: pytest.FixtureRequest, serenity: NodeProcess, terms: Terms) -> tuple[Client, Server]:
    if request.param == "our client":
        return OurClient(terms), SerenityServer(serenity, terms)
    return SerenityClient(serenity, terms), OurServer(terms)


@pytest.fixture(params=("our client", "our server"))
def opaquepy_pair(request: pytest.FixtureRequest) -> tuple[Client, Server]:
    library = pytest.importorskip("opaquepy.lib", reason="opaquepy has no wheel for this Python or machine")
    terms = Terms(OPAQUEPY_STRETCHING)
    if request.param == "our client":
        return OurClient(terms), OpaquePyServer(library, terms)
    return OpaquePyClient(library, terms), OurServer(terms)


@pytest.fixture(autouse=True)
def counted(record_property: Callable[[str, object], None]) -> None:
    record_property("opaque cases", 1)


def register(client: Client, server: Server) -> tuple[bytes, bytes | None]:
    """Return the stored record and the export key."""
    request = client.start_registration(PASSWORD)
    record, export_key = client.finish_registration(server.respond(request, ACCOUNT))
    assert len(record) == 192
    return server.stored(record), export_key


def log_in(client: Client, server: Server, record: bytes | None, password: str = PASSWORD) -> bytes | None:
    """Return the export key, once both have compared the session key."""
    ke2 = server.start_login(record, client.start_login(password), ACCOUNT)
    result = client.finish_login(ke2)
    assert len(result.session_key) == 64
    assert server.finish_login(result.ke3) == result.session_key
    return result.export_key


def test_registration_and_login(pair: tuple[Client, Server]) -> None:
    record, export_key = register(*pair)
    assert export_key is not None
    assert log_in(*pair, record) == log_in(*pair, record) == export_key


def test_registered_by_one_and_logged_in_by_the_other(
    pair: tuple[Client, Server], serenity: NodeProcess
) -> None:
    client, server = pair
    record, export_key = register(client, server)
    other = (
        SerenityClient(serenity, client.terms) if isinstance(client, OurClient) else OurClient(client.terms)
    )
    assert log_in(other, server, record) == export_key


@pytest.mark.parametrize("terms", [TERMS["quick"]], indirect=False)
def test_a_wrong_password_is_refused(pair: tuple[Client, Server]) -> None:
    record, _ = register(*pair)
    with pytest.raises(Refused):
        log_in(*pair, record, "correct horse")


@pytest.mark.parametrize("terms", [TERMS["quick"]], indirect=False)
def test_an_unknown_account_is_refused_by_the_client(pair: tuple[Client, Server]) -> None:
    with pytest.raises(Refused):
        log_in(*pair, None)


@pytest.mark.parametrize("terms", [TERMS["quick"]], indirect=False)
def test_a_spoilt_last_message_is_refused(pair: tuple[Client, Server]) -> None:
    client, server = pair
    record, _ = register(client, server)
    ke3 = client.finish_login(server.start_login(record, client.start_login(PASSWORD), ACCOUNT)).ke3
    with pytest.raises(Refused):
        server.finish_login(ke3[:-1] + bytes([ke3[-1] ^ 1]))


def test_both_servers_answer_alike_with_the_same_secrets(serenity: NodeProcess) -> None:
    # opaque-ke stores its setup as the OPRF seed, the server's private key and the fake client's.
    terms = TERMS["quick"]
    theirs = SerenityServer(serenity, terms)
    stored = octets(theirs.setup)
    seed, private = stored[:64], deserialize_scalar(stored[64:96])
    fake = ServerSetup.generate(bytes).fake_record
    ours = OurServer(terms, ServerSetup(Secret(seed), DhKeyPair(private, scalar_mult_base(private)), fake))
    client = OurClient(terms)
    request = client.start_registration(PASSWORD)
    assert ours.respond(request, ACCOUNT) == theirs.respond(request, ACCOUNT)
    record, export_key = register(client, theirs)
    assert log_in(client, ours, record) == export_key


def test_opaquepy_registers_and_logs_in(opaquepy_pair: tuple[Client, Server]) -> None:
    record, export_key = register(*opaquepy_pair)
    assert log_in(*opaquepy_pair, record) == log_in(*opaquepy_pair, record) == export_key


def test_opaquepy_refuses_a_wrong_password(opaquepy_pair: tuple[Client, Server]) -> None:
    record, _ = register(*opaquepy_pair)
    with pytest.raises(Refused):
        log_in(*opaquepy_pair, record, "correct horse")
