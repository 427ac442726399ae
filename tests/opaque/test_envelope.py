import os
from dataclasses import replace

import pytest

from sottovoce.opaque import envelope
from sottovoce.opaque.errors import LoginFailed
from sottovoce.opaque.key_exchange import derive_dh_key_pair

SERVER = derive_dh_key_pair(b"s" * 32).public
PASSWORD_KEY = b"p" * 64


def test_recovers_what_was_stored() -> None:
    stored = envelope.store(PASSWORD_KEY, SERVER, b"server", b"alice", os.urandom)
    recovered = envelope.recover(PASSWORD_KEY, SERVER, stored.envelope, b"server", b"alice")
    assert recovered.client_key_pair.public == stored.client_public_key
    assert recovered.export_key == stored.export_key
    assert (recovered.names.client, recovered.names.server) == (b"alice", b"server")


def test_opens_with_nothing_else() -> None:
    stored = envelope.store(PASSWORD_KEY, SERVER, b"server", b"alice", os.urandom)
    sealed = stored.envelope
    other_server = derive_dh_key_pair(b"o" * 32).public
    attempts = [
        (b"q" * 64, SERVER, sealed, b"server", b"alice"),
        (PASSWORD_KEY, other_server, sealed, b"server", b"alice"),
        (PASSWORD_KEY, SERVER, replace(sealed, nonce=bytes(32)), b"server", b"alice"),
        (PASSWORD_KEY, SERVER, replace(sealed, auth_tag=bytes(64)), b"server", b"alice"),
        (PASSWORD_KEY, SERVER, sealed, b"other", b"alice"),
        (PASSWORD_KEY, SERVER, sealed, b"server", b"bob"),
        (PASSWORD_KEY, SERVER, sealed, None, None),
    ]
    for attempt in attempts:
        with pytest.raises(LoginFailed):
            envelope.recover(*attempt)


def test_the_export_key_differs_by_nonce() -> None:
    first = envelope.store(PASSWORD_KEY, SERVER, None, None, os.urandom)
    second = envelope.store(PASSWORD_KEY, SERVER, None, None, os.urandom)
    assert first.export_key != second.export_key
    assert first.masking_key == second.masking_key == envelope.masking_key(PASSWORD_KEY)


def test_the_key_stretching_function_counts() -> None:
    plain = envelope.randomized_password(b"o" * 64, lambda output: output)
    assert envelope.randomized_password(b"o" * 64, lambda output: output[::-1] + b"x") != plain
    assert len(plain) == 64


def test_repr_hides_what_is_secret() -> None:
    stored = envelope.store(PASSWORD_KEY, SERVER, None, None, os.urandom)
    recovered = envelope.recover(PASSWORD_KEY, SERVER, stored.envelope, None, None)
    for shown in (repr(stored), repr(recovered)):
        assert "masking_key" not in shown
        assert "private" not in shown
        assert "Secret(<64 bytes>)" in shown
