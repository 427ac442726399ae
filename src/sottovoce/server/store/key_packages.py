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


def withdraw(db: sqlite3.Connection, device: int) -> None:
    """Hand out no key package that a device has published so far."""
    db.execute("DELETE FROM key_packages WHERE device = ?", (device,))


def publish_last_resort(db: sqlite3.Connection, device: int, key_package: bytes) -> None:
    """Add the last-resort key package of a device that has none."""
    db.execute(
        "INSERT INTO key_packages (device, key_package, is_last_resort, is_used) VALUES (?, ?, 1, 0)",
        (device, key_package),
    )


def claim(db: sqlite3.Connection, device: int, now: int) -> bytes | None:
    """Take a device's oldest one-time key package; its last resort if there is none; None without either.

    RFC 9750 §5.1: a key package is handed out once, the last-resort one (RFC 9420 §16.8) whenever needed.
    Those that have ended at ``now``, Unix seconds, are deleted: no client adds anybody by them.
    """
    while row := db.execute(
        "SELECT id, key_package, is_last_resort FROM key_packages WHERE device = ?"
        " ORDER BY is_last_resort, id LIMIT 1",
        (device,),
    ).fetchone():
        number, key_package, is_last_resort = row
        ended = _has_ended(key_package, now)
        if ended or not is_last_resort:
            db.execute("DELETE FROM key_packages WHERE id = ?", (number,))
        else:
            db.execute("UPDATE key_packages SET is_used = 1 WHERE id = ?", (number,))
        if not ended:
            return bytes(key_package)
    return None


def _has_ended(key_package: bytes, now: int) -> bool:
    """Whether its lifetime is over (RFC 9420 §7.2). Of what cannot be read no end is known."""
    from sottovoce.mls.errors import DecodingError  # a seventh of a start, which needs none of it
    from sottovoce.mls.key_package import KeyPackage

    try:
        lifetime = KeyPackage.from_message(key_package).leaf_node.lifetime
    except DecodingError:
        return False
    return lifetime is not None and lifetime.not_after < now
