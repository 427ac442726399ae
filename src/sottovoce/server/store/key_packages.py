"""Key packages waiting to be claimed: their statements. Every function runs in a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence


def count_unclaimed(db: sqlite3.Connection, device: int) -> int:
    """How many one-time key packages of a device are unclaimed."""
    row = db.execute(
        "SELECT count(*) FROM key_packages WHERE device = ? AND is_last_resort = 0", (device,)
    ).fetchone()
    return int(row[0])


def is_last_resort_used(db: sqlite3.Connection, device: int) -> bool:
    """Whether a device's last-resort key package was handed out since it was published."""
    row = db.execute(
        "SELECT 1 FROM key_packages WHERE device = ? AND is_last_resort = 1 AND is_used = 1", (device,)
    ).fetchone()
    return row is not None


def publish(db: sqlite3.Connection, device: int, key_packages: Sequence[bytes]) -> None:
    """Add one-time key packages to those of a device."""
    db.executemany(
        "INSERT INTO key_packages (device, key_package, is_last_resort, is_used) VALUES (?, ?, 0, 0)",
        [(device, key_package) for key_package in key_packages],
    )


def replace_last_resort(db: sqlite3.Connection, device: int, key_package: bytes) -> None:
    """Put a new last-resort key package in the place of the earlier one."""
    db.execute("DELETE FROM key_packages WHERE device = ? AND is_last_resort = 1", (device,))
    db.execute(
        "INSERT INTO key_packages (device, key_package, is_last_resort, is_used) VALUES (?, ?, 1, 0)",
        (device, key_package),
    )


def claim(db: sqlite3.Connection, device: int) -> bytes | None:
    """Take a device's oldest one-time key package; its last resort if there is none; None without either.

    RFC 9750 §5.1: a key package is handed out once, the last-resort one (RFC 9420 §16.8) whenever needed.
    """
    row = db.execute(
        "SELECT id, key_package, is_last_resort FROM key_packages WHERE device = ?"
        " ORDER BY is_last_resort, id LIMIT 1",
        (device,),
    ).fetchone()
    if row is None:
        return None
    if row[2]:
        db.execute("UPDATE key_packages SET is_used = 1 WHERE id = ?", (row[0],))
    else:
        db.execute("DELETE FROM key_packages WHERE id = ?", (row[0],))
    return bytes(row[1])
