import os

import pytest

from sottovoce.opaque.errors import InvalidInput
from sottovoce.opaque.key_exchange import derive_dh_key_pair, derive_keys, identities, preamble
from sottovoce.opaque.messages import KE1, CredentialResponse

PUBLIC = derive_dh_key_pair(b"c" * 32).public
SERVER = derive_dh_key_pair(b"s" * 32).public


def transcript(**changed: object) -> bytes:
    parts: dict[str, object] = {
        "context": b"context",
        "names": identities(b"alice", PUBLIC, b"server", SERVER),
        "ke1": KE1(PUBLIC, bytes(32), PUBLIC),
        "credential_response": CredentialResponse(PUBLIC, bytes(32), bytes(128)),
        "server_nonce": bytes(32),
        "server_public_keyshare": SERVER,
    }
    return preamble(**{**parts, **changed})  # type: ignore[arg-type]


def test_identities_default_to_the_public_keys() -> None:
    names = identities(None, PUBLIC, None, SERVER)
    assert (names.client, names.server) == (PUBLIC, SERVER)


def test_an_empty_identity_is_refused() -> None:
    for client, server in ((b"", b"server"), (b"alice", b"")):
        with pytest.raises(InvalidInput):
            identities(client, PUBLIC, server, SERVER)


def test_the_transcript_holds_everything() -> None:
    variants = [
        transcript(),
        transcript(context=b"other"),
        transcript(names=identities(b"bob", PUBLIC, b"server", SERVER)),
        transcript(names=identities(b"alice", PUBLIC, b"other", SERVER)),
        # Length prefixes keep neighbours apart.
        transcript(context=b"context\x00\x05alice"),
        transcript(ke1=KE1(PUBLIC, b"n" * 32, PUBLIC)),
        transcript(credential_response=CredentialResponse(PUBLIC, bytes(32), b"m" * 128)),
        transcript(server_nonce=b"n" * 32),
        transcript(server_public_keyshare=PUBLIC),
    ]
    ikm = os.urandom(96)
    keys = [derive_keys(ikm, variant) for variant in variants]
    for part in ("server_mac", "client_mac", "session_key"):
        assert len({getattr(key, part) for key in keys}) == len(variants)


@pytest.mark.parametrize("name", ["context", "names"])
def test_what_is_too_long_to_encode(name: str) -> None:
    long = bytes(65536)
    value = long if name == "context" else identities(long, PUBLIC, None, SERVER)
    with pytest.raises(InvalidInput):
        transcript(**{name: value})


def test_repr_of_the_keys_shows_the_servers_mac_only() -> None:
    keys = derive_keys(bytes(96), b"transcript")
    assert repr(keys) == f"SessionKeys(server_mac={keys.server_mac!r})"
