"""Structures whose numbers are not defined cannot be read; unknown ones that may occur are kept."""

from __future__ import annotations

import pytest

from sottovoce.mls import (
    Credential,
    CredentialRefused,
    CredentialType,
    DecodingError,
    Extension,
    credentials,
    extensions,
    framing,
    nodes,
    proposals,
)
from sottovoce.mls.extensions import RequiredCapabilities
from sottovoce.mls.framing import AuthenticatedContent, MLSMessage, Sender, SenderType
from sottovoce.mls.presentation import decode, uint8, uint16, uint32, vector


@pytest.mark.parametrize(
    ("read", "data"),
    [
        (Credential.read, uint16(0x0A0A) + b"\x00"),
        (proposals.read_proposal, uint16(0x0A0A)),
        (proposals.PreSharedKeyID.read, b"\x03"),
        (proposals.PreSharedKeyID.read, b"\x02\x04"),
        (proposals.Commit.read, b"\x01\x03"),
        (framing.read_content_type, b"\x00"),
        (framing.read_content_type, b"\x04"),
        (Sender.read, b"\x05"),
        (AuthenticatedContent.read, uint16(3)),
        (MLSMessage.read, uint16(2) + uint16(1)),
        (MLSMessage.read, uint16(1) + uint16(6)),
        (extensions.read_extensions, vector([Extension(9, b"").encode()] * 2)),
    ],
)
def test_undefined_numbers(read: object, data: bytes) -> None:
    with pytest.raises(DecodingError):
        decode(read, data)  # type: ignore[arg-type]


def test_a_leaf_of_no_source() -> None:
    leaf = b"\x00\x00" + Credential.basic(b"x").encode() + b"\x00" * 5 + b"\x04"
    with pytest.raises(DecodingError):
        decode(nodes.LeafNode.read, leaf)


def test_unknown_numbers_are_kept() -> None:
    grease = nodes.Capabilities((1, 0x0A0A), (0x1A1A,), (0x2A2A,), (0x3A3A,), (0x4A4A,))
    assert decode(nodes.Capabilities.read, grease.encode()) == grease
    unknown = (Extension(0x0A0A, b"?"), Extension(1, b""))
    assert decode(extensions.read_extensions, extensions.encode_extensions(unknown)) == unknown
    assert extensions.find_extension(unknown, 0x0A0A) == b"?"
    assert extensions.find_extension(unknown, 2) is None
    required = RequiredCapabilities((1,), (0x0A0A,), (1,))
    assert RequiredCapabilities.of((required.extension(),)) == required
    assert RequiredCapabilities.of(()) == RequiredCapabilities()


@pytest.mark.parametrize("sender", [Sender(SenderType.EXTERNAL, 3), Sender(SenderType.NEW_MEMBER_PROPOSAL)])
def test_senders(sender: Sender) -> None:
    assert decode(Sender.read, sender.encode()) == sender
    assert uint8(1) + uint32(3) == Sender.member(3).encode()  # type: ignore[arg-type]


def test_x509_is_read_and_refused() -> None:
    credential = decode(Credential.read, uint16(2) + b"\x02\x01x")
    assert credential.credential_type is CredentialType.X509
    service = credentials.AnyBasicCredential()
    with pytest.raises(CredentialRefused):
        service.validate(credential, b"")
    basic = Credential.basic(b"x")
    service.validate(basic, b"")
    assert service.same_client(basic, Credential.basic(b"x"))
    assert not service.same_client(basic, Credential.basic(b"y"))
