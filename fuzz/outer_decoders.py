"""Every decoder outside MLS: certificates, OPAQUE, the link's frames and texts, what a client is given."""

from __future__ import annotations

import base64
import random
from datetime import UTC, datetime
from operator import methodcaller

import msgspec
from certificate_maker import NOW as CERTIFIED
from certificate_maker import Authority
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from target import Target, canonical
from test_client_decoders import CONTENT, POLICY, SECRET
from test_link_decoders import CERTIFICATE, LINK, samples

from sottovoce.client import cbor, vault
from sottovoce.client.content import Envelope, MimiContent
from sottovoce.client.errors import ContentError, SealBroken
from sottovoce.client.join_secret import JoinSecret
from sottovoce.client.log_payload import decode_commit
from sottovoce.client.policy import RoomPolicy
from sottovoce.client.trust import PinnedContact
from sottovoce.client.vault import Vault, VaultRoom
from sottovoce.crypto import aead
from sottovoce.crypto.certificate_chains import verify_chain
from sottovoce.crypto.certificates import certificate_der, public_key_pin, self_signed_certificate
from sottovoce.crypto.errors import InvalidCertificate
from sottovoce.crypto.secret import Secret
from sottovoce.link import invite_link
from sottovoce.link import messages as m
from sottovoce.link.certificates import DeviceCertificate
from sottovoce.link.connection import ClientConnection, ServerConnection
from sottovoce.link.connection_state import ANSWERS, State
from sottovoce.link.errors import CertificateError, LinkError
from sottovoce.link.frames import encode_frame
from sottovoce.link.invite_link import BadInviteLink, ExpiredInviteLink, InviteLink, in_digits, parse_address
from sottovoce.opaque import messages as opaque_messages
from sottovoce.opaque.client import ClientLogin, ClientRegistration
from sottovoce.opaque.errors import InvalidMessage
from sottovoce.opaque.server import ServerLogin, ServerSetup, registration_response

REFUSED_LINKS = (BadInviteLink, ExpiredInviteLink)


def targets() -> list[Target]:
    """Return one target for each decoder."""
    return [certificate_chain(), *opaque_targets(), *link_targets(), *client_targets()]


def certificate_chain() -> Target:
    """Return the target of X.509 chains of three, of which the first byte says which one the input is."""
    usage = x509.KeyUsage(True, *[False] * 8)
    names = x509.SubjectAlternativeName([x509.DNSName("alice.example"), x509.RFC822Name("alice@example")])
    root = Authority("root", key=_private_key(1))
    middle = Authority("middle", root, 0, key=_private_key(2))
    entity = middle.certify("alice", bytes(range(32)), extensions=((usage, True), (names, False)))
    chain = [entity, middle.certificate, root.certificate]
    # Beyond 2049 times have another form.
    later = middle.certify("alice", bytes(range(32)), ends=CERTIFIED.replace(year=2055))

    def read(data: bytes) -> None:
        given = list(chain)
        given[data[0] % 3 if data else 0] = data[1:]
        verify_chain(given, [root.certificate], CERTIFIED)

    seeds = [bytes([at]) + certificate for at, certificate in (*enumerate(chain), (0, later))]
    return Target("crypto certificate chain", read, seeds, (InvalidCertificate,), 2)


def _private_key(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


# -- OPAQUE ----------------------------------------------------------------------------------------------


def opaque_targets() -> list[Target]:
    """Return the targets of one registration's and one login's messages."""
    draw = random.Random(9807).randbytes
    names = {"client_identity": b"alice", "server_identity": b"server"}
    setup = ServerSetup.generate(draw)
    registration = ClientRegistration.start(b"password", random=draw)
    response = registration_response(setup, registration.request, b"alice")
    record = registration.finish(response, ksf=lambda octets: octets, random=draw, **names).record
    login = ClientLogin.start(b"password", random=draw)
    server = ServerLogin.start(
        setup, record, login.ke1, credential_identifier=b"alice", context=b"c", random=draw, **names
    )
    seeds = {
        opaque_messages.RegistrationRequest: registration.request,
        opaque_messages.RegistrationResponse: response,
        opaque_messages.RegistrationRecord: record,
        opaque_messages.Envelope: record[-opaque_messages.ENVELOPE_LENGTH :],
        opaque_messages.KE1: login.ke1,
        opaque_messages.CredentialResponse: server.ke2[: opaque_messages.CREDENTIAL_RESPONSE_LENGTH],
        opaque_messages.KE2: server.ke2,
        ServerSetup: setup.to_bytes(),
    }
    return [
        Target(
            f"opaque {kind.__name__}",
            canonical(kind.from_bytes, methodcaller("to_bytes")),
            [seed],
            (InvalidMessage,),
        )
        for kind, seed in seeds.items()
    ]


# -- the link --------------------------------------------------------------------------------------------


def link_targets() -> list[Target]:
    """Return the targets of both ends, of certificates, and of texts that people are given."""
    requests, replies = samples(m.ClientMessage), samples(m.ServerMessage)
    questions = {reply: request for request, reply in ANSWERS.items()}

    def a_clients_body(data: bytes) -> None:
        a_clients_frames(len(data).to_bytes(4, "big") + data)

    def a_clients_frames(data: bytes) -> None:
        connection = ServerConnection()
        connection.state = State.DEVICE
        connection.receive_data(data)
        list(connection.events())

    def a_servers_body(data: bytes) -> None:
        at, body = data[0] if data else 0, data[1:]
        connection = ClientConnection()
        connection.state = State.DEVICE
        connection._under_way[1] = questions.get(type(replies[at % len(replies)]), m.Ping)
        connection.receive_data(len(body).to_bytes(4, "big") + body)
        list(connection.events())

    def certificate(data: bytes) -> None:
        read = DeviceCertificate.from_bytes(data)
        if read.to_bytes() != data:
            raise AssertionError(f"another encoding was taken: {data.hex()}")
        read.verify()

    def link(data: bytes) -> None:
        read = InviteLink.parse(data.decode("utf-8", "replace"), now=0)
        if InviteLink.parse(str(read), now=0) != read:
            raise AssertionError(f"a link is another once written: {data.hex()}")

    def address(data: bytes) -> None:
        parse_address(data.decode("utf-8", "replace"), default_port=7443)

    packed, _ = invite_link._split(str(LINK).partition("#")[2])

    def inside_a_link(data: bytes) -> None:
        """Read what anybody can put under a checksum that fits."""
        octets = data + invite_link._checksum("chat.example", 7443, "lobby", data)
        fragment = base64.urlsafe_b64encode(octets).decode().rstrip("=")
        InviteLink.parse(f"sottovoce://chat.example:7443/lobby#{fragment}", now=0)

    bodies = [msgspec.msgpack.encode(message) for message in requests]
    answers = [bytes([at]) + msgspec.msgpack.encode(message) for at, message in enumerate(replies)]
    texts = [str(LINK).encode(), str(InviteLink(**{**vars(LINK), "host": "2001:db8::7"})).encode()]
    texts.append("".join(in_digits(str(LINK))).encode())
    return [
        Target("link client message", a_clients_body, bodies, (LinkError,), 4),
        Target("link client frames", a_clients_frames, list(map(encode_frame, requests)), (LinkError,)),
        Target("link server message", a_servers_body, answers, (LinkError,), 4),
        Target("link device certificate", certificate, [CERTIFICATE.to_bytes()], (CertificateError,)),
        Target("link invite link", link, texts, REFUSED_LINKS),
        Target("link invite link's inside", inside_a_link, [packed], REFUSED_LINKS),
        Target("link address", address, [b"chat.example:7443", b"[2001:db8::7]:1"], (BadInviteLink,)),
        Target("link server certificate", public_key_pin, [server_certificate()], (InvalidCertificate,)),
    ]


# -- the client ------------------------------------------------------------------------------------------


def client_targets() -> list[Target]:
    """Return the targets of what members and servers give a client."""
    draw = random.Random(15).randbytes
    key = Secret(b"k" * 32)
    contents = Vault(
        Secret(b"a" * 32), (PinnedContact("Bob", b"b" * 32, True),), (VaultRoom(bytes(16), "lobby", SECRET),)
    )
    sealed = vault.seal(contents, key, draw)

    def inside_a_vault(data: bytes) -> None:
        padded = len(data).to_bytes(4, "big") + data + bytes(100)
        ciphertext = aead.seal(key.reveal(), bytes(12), b"Sottovoce 1 vault", padded)
        vault.open_vault(b"\x01" + bytes(12) + ciphertext, key)

    encode = methodcaller("encode")
    texts = [CONTENT.encode(), MimiContent.of_text("hi", salt=bytes(16)).encode()]
    envelope = Envelope(CONTENT.encode(), 5, bytes(32), 6, bytes(32)).encode()
    values = [[1, -1, b"x", "y", None, True, 1.5, {"a": [1, {2: 3}]}], {1: {2: {3: [4, [5, [6]]]}}}]
    refused = (ContentError,)
    return [
        Target("client content", canonical(MimiContent.decode, encode), texts, refused, 2),
        Target("client envelope", canonical(Envelope.decode, encode), [envelope], refused),
        Target("client cbor", cbor.decode, list(map(cbor.encode, values)), refused, 2),
        Target("client policy", RoomPolicy.decode, [POLICY.encode()], refused),
        Target("client join secret", JoinSecret.from_extension, [SECRET.to_extension()], refused),
        Target("client log payload", decode_commit, [b"\x01commit", b"\x02sealed"], refused),
        Target("client vault", lambda data: vault.open_vault(data, key), [sealed], (SealBroken, *refused)),
        Target("client vault's inside", inside_a_vault, [vault._encode(contents)], refused),
    ]


def server_certificate() -> bytes:
    """Return a server's certificate, as a client pins it."""
    made = self_signed_certificate(["chat.example"], datetime(2030, 1, 1, tzinfo=UTC))
    return certificate_der(made.certificate)
