"""The account's vault: what a new device needs besides the password (docs/protocol.md, *Accounts*).

The server keeps it, sealed with AES-256-GCM under a key from OPAQUE's export_key (RFC 9807 §6.4.4), padded so
that its size says little: ``version || nonce (12) || ciphertext``. At most 8 KiB in all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sottovoce.client import cbor
from sottovoce.client.errors import ContentError, SealBroken, VaultFull
from sottovoce.client.join_secret import JOIN_SECRET_LENGTH, ROOM_ID_LENGTH, JoinSecret
from sottovoce.client.trust import PinnedContact
from sottovoce.crypto import aead, kdf
from sottovoce.crypto.errors import DecryptionError
from sottovoce.crypto.secret import Secret

ACCOUNT_KEY_LENGTH: Final = 32
_VERSION: Final = b"\x01"
_OVERHEAD: Final = len(_VERSION) + aead.NONCE_LENGTH + aead.TAG_LENGTH
BUCKETS: Final = (1024, 2048, 4096, 8192)
"""Sizes in bytes that a sealed vault can have."""

_AAD: Final = b"Sottovoce 1 vault"


@dataclass(frozen=True)
class VaultRoom:
    """A room the account is in: its id (16 bytes), its name and the newest join secret known."""

    room_id: bytes
    name: str
    join_secret: JoinSecret


@dataclass(frozen=True)
class Vault:
    """The private account key (32 bytes, Ed25519), the pinned contacts and the rooms."""

    account_private_key: Secret
    contacts: tuple[PinnedContact, ...] = ()
    rooms: tuple[VaultRoom, ...] = field(default=())


def vault_key(export_key: Secret) -> Secret:
    """Derive the vault's key (32 bytes) from OPAQUE's export_key (64 bytes)."""
    return Secret(kdf.hkdf(export_key.reveal(), b"Sottovoce 1 vault key", b"", 32))


def seal(vault: Vault, key: Secret, random: Callable[[int], bytes]) -> bytes:
    """Seal under ``key`` (:func:`vault_key`); the result has one of the sizes in :data:`BUCKETS`.

    Raises :class:`~sottovoce.client.errors.VaultFull` if it does not fit the largest.
    """
    content = _encode(vault)
    needed = 4 + len(content) + _OVERHEAD
    size = next((bucket for bucket in BUCKETS if bucket >= needed), None)
    if size is None:
        raise VaultFull(needed, BUCKETS[-1])
    padded = len(content).to_bytes(4, "big") + content + bytes(size - needed)
    nonce = random(aead.NONCE_LENGTH)
    return _VERSION + nonce + aead.seal(key.reveal(), nonce, _AAD, padded)


def open_vault(sealed: bytes, key: Secret) -> Vault:
    """Open what :func:`seal` made.

    Raises :class:`~sottovoce.client.errors.SealBroken` if it is not authentic under ``key`` and
    :class:`~sottovoce.client.errors.ContentError` if what is inside is malformed.
    """
    if sealed[:1] != _VERSION or len(sealed) < _OVERHEAD:
        raise SealBroken("The vault is of an unknown version, or cut.")
    nonce, ciphertext = sealed[1 : 1 + aead.NONCE_LENGTH], sealed[1 + aead.NONCE_LENGTH :]
    try:
        padded = aead.open(key.reveal(), nonce, _AAD, ciphertext)
    except DecryptionError:
        raise SealBroken("The vault does not open with this password's key.") from None
    length, content = int.from_bytes(padded[:4], "big"), padded[4:]
    if length > len(content) or any(content[length:]):
        raise ContentError("The vault's padding is malformed.")
    return _decode(content[:length])


def _encode(vault: Vault) -> bytes:
    return cbor.encode(
        [
            vault.account_private_key.reveal(),
            [
                [contact.user, contact.account_key, contact.verified, contact.decided_at]
                for contact in vault.contacts
            ],
            [
                [room.room_id, room.name, room.join_secret.secret.reveal(), room.join_secret.epoch]
                for room in vault.rooms
            ],
        ]
    )


def _decode(content: bytes) -> Vault:
    fields = cbor.Fields(cbor.decode(content), "A vault")
    vault = Vault(
        Secret(fields.octets("its account key", ACCOUNT_KEY_LENGTH)),
        tuple(map(_contact, fields.array("its contacts"))),
        tuple(map(_room, fields.array("its rooms"))),
    )
    fields.end()
    return vault


def _contact(value: object) -> PinnedContact:
    fields = cbor.Fields(value, "A contact")
    user, account_key = fields.text("its name", 32), fields.octets("its key", 32)
    verified = fields.boolean("its mark")
    decided_at = fields.uint("its time") if fields.has_more else 0  # vaults of before have no times
    contact = PinnedContact(user, account_key, verified, decided_at)
    fields.end()
    return contact


def _room(value: object) -> VaultRoom:
    fields = cbor.Fields(value, "A room")
    room_id, name = fields.octets("its id", ROOM_ID_LENGTH), fields.text("its name", 64)
    secret = Secret(fields.octets("its secret", JOIN_SECRET_LENGTH))
    room = VaultRoom(room_id, name, JoinSecret(secret, fields.uint("its secret's epoch")))
    fields.end()
    return room
