"""The account of this profile, the contacts whose keys are pinned, and this device's key packages."""

from __future__ import annotations

from typing import Final

import msgspec

from sottovoce.client.tables.database import Database
from sottovoce.client.tables.records import decode, encode
from sottovoce.crypto.secret import Secret


class ServerRecord(msgspec.Struct, array_like=True, frozen=True):
    """The server of this profile: where it was last, and the pin (32 bytes) it must have."""

    host: str
    port: int
    pin: bytes


class PendingRegistration(msgspec.Struct, array_like=True, frozen=True):
    """What RegisterFinish sends; kept until it is answered, so that a lost answer does not lose the name."""

    token: bytes | None
    registration_record: bytes
    memory_kib: int
    iterations: int
    lanes: int
    vault: bytes

    def __repr__(self) -> str:
        return f"PendingRegistration(vault=<{len(self.vault)} bytes>)"


class AccountRecord(msgspec.Struct, array_like=True, frozen=True):
    """The account and this device: Ed25519 private keys are 32-byte seeds.

    ``vault_key`` opens the vault that the server keeps; ``vault_version`` is the version last seen.
    """

    user: str
    device_id: bytes
    account_private: Secret
    signature_private: Secret
    authentication_private: Secret
    certificate: bytes
    vault_key: Secret
    vault_version: int
    pending: PendingRegistration | None = None


class ContactRecord(msgspec.Struct, array_like=True, frozen=True):
    """One other account: the key pinned for it, and a later one that was refused (``changed_key``).

    ``decided_at``: when a person last compared numbers, with either outcome, in Unix seconds; 0: never.
    """

    user: str
    account_key: bytes
    verified: bool
    changed_key: bytes | None
    decided_at: int = 0

    @property
    def account_name(self) -> str:
        """The name in lower case, by which accounts are compared."""
        return self.user.lower()


_ACCOUNT: Final = "account"
_SERVER: Final = "server"
_STOCKED_AT: Final = "key_packages_stocked_at"
_SET_META: Final = "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


def account(database: Database) -> AccountRecord | None:
    """The account, or None in a new profile."""
    row = database.one("SELECT value FROM meta WHERE name = ?", (_ACCOUNT,))
    return decode(row[0], AccountRecord) if row else None


def put_account(database: Database, record: AccountRecord) -> None:
    """Store the account."""
    database.execute(_SET_META, (_ACCOUNT, encode(record)))


def server(database: Database) -> ServerRecord | None:
    """The server, or None in a new profile."""
    row = database.one("SELECT value FROM meta WHERE name = ?", (_SERVER,))
    return decode(row[0], ServerRecord) if row else None


def put_server(database: Database, record: ServerRecord) -> None:
    """Store the server."""
    database.execute(_SET_META, (_SERVER, encode(record)))


def contacts(database: Database) -> list[ContactRecord]:
    """Every contact, by name."""
    rows = database.all(
        "SELECT user, account_key, verified, changed_key, decided_at FROM contacts ORDER BY account_name"
    )
    return [
        ContactRecord(user, key, bool(verified), changed, decided_at)
        for user, key, verified, changed, decided_at in rows
    ]


def put_contact(database: Database, record: ContactRecord, now: int) -> None:
    """Store a contact; ``now`` (Unix seconds) counts as first contact if it is new."""
    database.execute(
        """INSERT INTO contacts
        (account_name, user, account_key, verified, changed_key, first_seen, decided_at)
        VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account_name) DO UPDATE SET
        user = excluded.user, account_key = excluded.account_key, verified = excluded.verified,
        changed_key = excluded.changed_key, decided_at = excluded.decided_at""",
        (
            record.account_name,
            record.user,
            record.account_key,
            record.verified,
            record.changed_key,
            now,
            record.decided_at,
        ),
    )


def stocked_at(database: Database) -> int | None:
    """When a whole stock of key packages was last published, in Unix seconds; None: never."""
    row = database.one("SELECT value FROM meta WHERE name = ?", (_STOCKED_AT,))
    return decode(row[0], int) if row else None


def put_stocked_at(database: Database, now: int) -> None:
    """Store when a whole stock of key packages was published."""
    database.execute(_SET_META, (_STOCKED_AT, encode(now)))


def add_key_package(database: Database, ref: bytes, bundle: bytes, *, last_resort: bool) -> None:
    """Keep the private half of a published key package; an earlier last-resort one stays usable."""
    database.execute("INSERT OR REPLACE INTO key_packages VALUES (?, ?, ?)", (ref, bundle, last_resort))


def key_packages(database: Database) -> list[tuple[bytes, bytes]]:
    """The reference and the bundle of each that has not been used."""
    return database.all("SELECT ref, bundle FROM key_packages")


def key_package(database: Database, ref: bytes) -> tuple[bytes, bool] | None:
    """The bundle of this reference and whether it is a last-resort one, or None."""
    row = database.one("SELECT bundle, last_resort FROM key_packages WHERE ref = ?", (ref,))
    return (row[0], bool(row[1])) if row else None


def consume_key_package(database: Database, ref: bytes) -> None:
    """Delete the private half and remember the reference, so that no Welcome uses it again."""
    database.execute("DELETE FROM key_packages WHERE ref = ?", (ref,))
    database.execute("INSERT OR IGNORE INTO consumed_key_packages VALUES (?)", (ref,))


def forget_key_package(database: Database, ref: bytes) -> None:
    """Delete the private half of one that was not used and is not usable any more."""
    database.execute("DELETE FROM key_packages WHERE ref = ?", (ref,))


def is_consumed(database: Database, ref: bytes) -> bool:
    """Whether a key package was used before."""
    return database.one("SELECT 1 FROM consumed_key_packages WHERE ref = ?", (ref,)) is not None
