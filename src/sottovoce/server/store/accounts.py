"""Accounts, devices, registration tokens, vaults: their statements. Every function runs in a transaction."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass

from sottovoce.link.parts import Stretching


@dataclass(frozen=True, slots=True)
class Account:
    """One account as it is stored. ``registration_record`` is OPAQUE's (192 bytes)."""

    row: int
    name: str
    user: str
    registration_record: bytes
    stretching: Stretching
    account_key: bytes


@dataclass(frozen=True, slots=True)
class StoredDevice:
    """One device of an account as it is stored."""

    row: int
    account: int
    user: str
    device_id: bytes
    certificate: bytes
    authentication_key: bytes


def find_account(db: sqlite3.Connection, name: str) -> Account | None:
    """Look an account up by its name in lower case."""
    row = db.execute(
        "SELECT id, name, user, registration_record, memory_kib, iterations, lanes, account_key"
        " FROM accounts WHERE name = ?",
        (name,),
    ).fetchone()
    if row is None:
        return None
    return Account(row[0], row[1], row[2], row[3], Stretching(row[4], row[5], row[6]), row[7])


def any_account(db: sqlite3.Connection) -> bool:
    """Tell whether anybody has an account."""
    return db.execute("SELECT 1 FROM accounts LIMIT 1").fetchone() is not None


def add_account(
    db: sqlite3.Connection,
    *,
    user: str,
    registration_record: bytes,
    stretching: Stretching,
    account_key: bytes,
    vault: bytes,
    now_ms: int,
) -> int:
    """Insert an account with version 1 of its vault; returns its row."""
    cursor = db.execute(
        "INSERT INTO accounts (name, user, registration_record, memory_kib, iterations, lanes, account_key,"
        " vault, vault_version, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?)",
        (
            user.lower(), user, registration_record, stretching.memory_kib, stretching.iterations,
            stretching.lanes, account_key, vault, now_ms,
        ),
    )  # fmt: skip
    return cursor.lastrowid or 0


_DEVICE_COLUMNS = (
    "SELECT d.id, d.account, a.user, d.device_id, d.certificate, d.authentication_key"
    " FROM devices d JOIN accounts a ON a.id = d.account"
)


def find_device(db: sqlite3.Connection, name: str, device_id: bytes) -> StoredDevice | None:
    """Look a device up by its account's name in lower case and its id."""
    row = db.execute(_DEVICE_COLUMNS + " WHERE a.name = ? AND d.device_id = ?", (name, device_id)).fetchone()
    return None if row is None else StoredDevice(*row)


def devices_of(db: sqlite3.Connection, name: str) -> list[StoredDevice]:
    """All devices of an account, oldest first."""
    rows = db.execute(_DEVICE_COLUMNS + " WHERE a.name = ? ORDER BY d.id", (name,))
    return [StoredDevice(*row) for row in rows]


def add_device(
    db: sqlite3.Connection,
    account: int,
    *,
    device_id: bytes,
    certificate: bytes,
    authentication_key: bytes,
    now_ms: int,
) -> int:
    """Insert a device; returns its row."""
    cursor = db.execute(
        "INSERT INTO devices (account, device_id, certificate, authentication_key, created_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (account, device_id, certificate, authentication_key, now_ms),
    )
    return cursor.lastrowid or 0


def read_vault(db: sqlite3.Connection, account: int) -> tuple[int, bytes]:
    """The vault's version and its sealed bytes."""
    version, vault = db.execute(
        "SELECT vault_version, vault FROM accounts WHERE id = ?", (account,)
    ).fetchone()
    return version, vault


def replace_vault(db: sqlite3.Connection, account: int, expected_version: int, vault: bytes) -> bool:
    """Store the next version; False, and nothing stored, unless ``expected_version`` is the current one."""
    cursor = db.execute(
        "UPDATE accounts SET vault = ?, vault_version = vault_version + 1 WHERE id = ? AND vault_version = ?",
        (vault, account, expected_version),
    )
    return cursor.rowcount == 1


def add_token(db: sqlite3.Connection, token: bytes, *, uses: int, expires_at: int) -> None:
    """Store a registration token by its SHA-256. ``expires_at``: Unix seconds."""
    db.execute(
        "INSERT INTO registration_tokens (token_hash, uses_left, expires_at) VALUES (?, ?, ?)",
        (hashlib.sha256(token).digest(), uses, expires_at),
    )


def token_is_valid(db: sqlite3.Connection, token: bytes, now: int) -> bool:
    """Tell whether a token has a use left at ``now`` (Unix seconds)."""
    row = db.execute(
        "SELECT 1 FROM registration_tokens WHERE token_hash = ? AND uses_left > 0 AND expires_at > ?",
        (hashlib.sha256(token).digest(), now),
    ).fetchone()
    return row is not None


def spend_token(db: sqlite3.Connection, token: bytes) -> None:
    """Take one use off a token that :func:`token_is_valid` in this same transaction."""
    db.execute(
        "UPDATE registration_tokens SET uses_left = uses_left - 1 WHERE token_hash = ?",
        (hashlib.sha256(token).digest(),),
    )


def delete_spent_tokens(db: sqlite3.Connection, now: int) -> None:
    """Forget tokens that are used up or expired at ``now`` (Unix seconds)."""
    db.execute("DELETE FROM registration_tokens WHERE uses_left <= 0 OR expires_at <= ?", (now,))
