import os

import pytest

from sottovoce.client import cbor
from sottovoce.client.errors import ContentError, SealBroken, VaultFull
from sottovoce.client.join_secret import JoinSecret
from sottovoce.client.trust import PinnedContact
from sottovoce.client.vault import BUCKETS, Vault, VaultRoom, open_vault, seal, vault_key
from sottovoce.crypto import aead
from sottovoce.crypto.secret import Secret

KEY = vault_key(Secret(b"e" * 64))
VAULT = Vault(
    Secret(b"k" * 32),
    (
        PinnedContact("Bob", b"b" * 32, verified=True, decided_at=1_800_000_000),
        PinnedContact("carol", b"c" * 32),
    ),
    (VaultRoom(b"r" * 16, "garden", JoinSecret(Secret(b"s" * 32), 4)),),
)


def test_what_is_sealed_opens() -> None:
    assert open_vault(seal(VAULT, KEY, os.urandom), KEY) == VAULT


def test_its_size_is_a_buckets_and_says_nothing_inside() -> None:
    assert (
        len(seal(Vault(Secret(b"k" * 32)), KEY, os.urandom))
        == len(seal(VAULT, KEY, os.urandom))
        == BUCKETS[0]
    )


def test_another_key_or_any_altered_byte_is_refused() -> None:
    sealed = seal(VAULT, KEY, os.urandom)
    with pytest.raises(SealBroken):
        open_vault(sealed, vault_key(Secret(b"f" * 64)))
    for at in range(len(sealed)):
        altered = bytearray(sealed)
        altered[at] ^= 0x80
        with pytest.raises(SealBroken):
            open_vault(bytes(altered), KEY)
    for length in (0, 1, 12, 28, 29, 500):
        with pytest.raises(SealBroken):
            open_vault(sealed[:length], KEY)


def test_a_full_vault_is_said_so() -> None:
    contacts = tuple(PinnedContact(f"user{n}", b"u" * 32) for n in range(250))
    with pytest.raises(VaultFull, match="Leave rooms"):
        seal(Vault(Secret(b"k" * 32), contacts), KEY, os.urandom)


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [b"short", [], []],
        [b"k" * 32, [[1]], []],
        [b"k" * 32, [["bob", b"b" * 32, True, -1]], []],
        [b"k" * 32, [["bob", b"b" * 32, True, 1, 2]], []],
        [b"k" * 32, [], [[b"r" * 16, "x", b"short", 0]]],
        [b"k" * 32, 1, 2],
        [b"k" * 32, [], [], 4],
    ],
)
def test_a_malformed_inside_is_refused(fields: object) -> None:
    with pytest.raises(ContentError):
        open_vault(_sealed(fields), KEY)


def test_a_vault_without_times_is_read() -> None:
    vault = open_vault(_sealed([b"k" * 32, [["Bob", b"b" * 32, True]], []]), KEY)
    assert vault.contacts == (PinnedContact("Bob", b"b" * 32, verified=True, decided_at=0),)


def _sealed(fields: object) -> bytes:
    content = cbor.encode(fields)
    nonce = os.urandom(12)
    padded = len(content).to_bytes(4, "big") + content
    return b"\x01" + nonce + aead.seal(KEY.reveal(), nonce, b"Sottovoce 1 vault", padded)


@pytest.mark.parametrize("padded", [b"\x00\x00\x00\xffxx", b"\x00\x00\x00\x01xx"])
def test_malformed_padding_is_refused(padded: bytes) -> None:
    nonce = os.urandom(12)
    sealed = b"\x01" + nonce + aead.seal(KEY.reveal(), nonce, b"Sottovoce 1 vault", padded)
    with pytest.raises(ContentError):
        open_vault(sealed, KEY)


def test_nothing_secret_in_the_repr() -> None:
    assert "kkkk" not in repr(VAULT)
    assert "ssss" not in repr(VAULT)
