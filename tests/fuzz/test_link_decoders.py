"""Frames, messages, device certificates and invite links meet mutations of valid ones."""

from __future__ import annotations

import base64

import msgspec
from mutation import fuzz

from sottovoce.crypto.secret import Secret
from sottovoce.crypto.signatures import ed25519_key_pair
from sottovoce.link import invite_link
from sottovoce.link import messages as m
from sottovoce.link.certificates import DeviceCertificate
from sottovoce.link.connection import ClientConnection, ServerConnection
from sottovoce.link.connection_state import ANSWERS, State
from sottovoce.link.errors import CertificateError, LinkError
from sottovoce.link.frames import encode_frame
from sottovoce.link.invite_link import BadInviteLink, ExpiredInviteLink, InviteLink, in_digits, parse_address

ACCOUNT = ed25519_key_pair(bytes(range(32)))
CERTIFICATE = DeviceCertificate.issue(
    ACCOUNT.private,
    user="Alice",
    device_id=b"d" * 16,
    account_key=ACCOUNT.public,
    signature_key=b"s" * 32,
    authentication_key=b"a" * 32,
)
LINK = InviteLink(
    "chat.example", 7443, "lobby", b"p" * 32, b"t" * 16, b"r" * 16, Secret(b"s" * 32), 3, b"f" * 32, 9
)


def sample(kind: msgspec.inspect.Type) -> object:
    """A value of a field's type, as small as its limits allow, but not empty."""
    match kind:
        case msgspec.inspect.IntType():
            return max(kind.ge or 0, 1)
        case msgspec.inspect.FloatType():
            return 1.5
        case msgspec.inspect.BoolType():
            return True
        case msgspec.inspect.StrType():
            return "alice"
        case msgspec.inspect.BytesType():
            return bytes(kind.min_length or 3)
        case msgspec.inspect.ListType():
            return [sample(kind.item_type)]
        case msgspec.inspect.UnionType():
            return sample(next(one for one in kind.types if not isinstance(one, msgspec.inspect.NoneType)))
        case msgspec.inspect.EnumType():
            return next(iter(kind.cls))
        case msgspec.inspect.StructType():
            return kind.cls(*(sample(field.type) for field in kind.fields))
    raise NotImplementedError(kind)


def samples(union: object) -> list[m.Message]:
    return [sample(msgspec.inspect.type_info(kind)) for kind in union.__args__]


def test_a_server_reads_a_clients_frames() -> None:
    def read(frame: bytes) -> None:
        connection = ServerConnection()
        connection.state = State.DEVICE
        connection.receive_data(frame)

    frames = [encode_frame(message) for message in samples(m.ClientMessage)]
    assert len(frames) >= 25
    assert fuzz(read, frames, LinkError, times=6000) > 1000


def test_a_client_reads_a_servers_frames() -> None:
    questions = {reply: request for request, reply in ANSWERS.items()}
    refused = 0
    for reply in samples(m.ServerMessage):
        question = questions.get(type(reply), m.Ping)

        def read(frame: bytes, asked: type[m.Request] = question) -> None:
            connection = ClientConnection()
            connection.state = State.DEVICE
            connection._under_way[1] = asked
            connection.receive_data(frame)

        refused += fuzz(read, [encode_frame(reply)], LinkError, times=250)
    assert refused > 1000


def test_every_message_decodes_or_is_refused() -> None:
    """Past the state table: the types themselves."""
    for union in (m.ClientMessage, m.ServerMessage):
        decoder = msgspec.msgpack.Decoder(union)
        bodies = [msgspec.msgpack.encode(message) for message in samples(union)]
        documented = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
        assert fuzz(decoder.decode, bodies, documented, times=4000) > 1000


def test_device_certificates() -> None:
    def read(octets: bytes) -> None:
        DeviceCertificate.from_bytes(octets).verify()

    assert fuzz(read, [CERTIFICATE.to_bytes()], CertificateError, times=4000) > 3900


def test_what_is_inside_an_invite_link() -> None:
    """Under a checksum that fits, which anybody can make."""
    packed, _ = invite_link._split(str(LINK).partition("#")[2])

    def read(inside: bytes) -> None:
        octets = inside + invite_link._checksum("chat.example", 7443, "lobby", inside)
        fragment = base64.urlsafe_b64encode(octets).decode().rstrip("=")
        InviteLink.parse(f"sottovoce://chat.example:7443/lobby#{fragment}", now=0)

    assert fuzz(read, [packed], (BadInviteLink, ExpiredInviteLink)) > 500


def test_the_text_of_invite_links_and_addresses() -> None:
    def link(octets: bytes) -> None:
        InviteLink.parse(octets.decode("utf-8", "replace"), now=0)

    def address(octets: bytes) -> None:
        parse_address(octets.decode("utf-8", "replace"), default_port=7443)

    texts = [
        str(LINK),
        str(InviteLink(**{**vars(LINK), "host": "2001:db8::7"})),
        "".join(in_digits(str(LINK))),
    ]
    whole = [text.encode() for text in texts]
    assert fuzz(link, whole, (BadInviteLink, ExpiredInviteLink)) > 1000
    assert fuzz(address, [b"chat.example:7443", b"[2001:db8::7]:1", b"127.0.0.1"], BadInviteLink) > 500
