"""Put accounts, devices and rooms for a load run into a data directory, without a password in sight.

The load client (``fanout/sottovoce.c``) derives the same names, ids and keys. Run as a program:
``python bench/seed_server.py DIRECTORY USERS ROOMS CONNECTIONS``.
"""

from __future__ import annotations

import hashlib
import sqlite3
import sys
from pathlib import Path

from sottovoce.crypto.signatures import ed25519_key_pair
from sottovoce.link.certificates import DeviceCertificate
from sottovoce.link.parts import Stretching
from sottovoce.server.delivery_rules import INITIAL_HASH
from sottovoce.server.opaque_setup import make_opaque_setup
from sottovoce.server.store import accounts, rooms
from sottovoce.server.store.database import (
    DATABASE_NAME,
    bring_up_to_date,
    open_connection,
    prepare_directory,
)

_STRETCHING = Stretching(65_536, 3, 4)


def named(what: str, number: int) -> bytes:
    """The 32 bytes that stand for one thing of the run."""
    return hashlib.sha256(f"bench {what} {number}".encode()).digest()


def seed(directory: Path, *, users: int, room_count: int, connections: int) -> None:
    """Make ``users`` accounts with a device each; connection i is in room ``i // (connections / rooms)``."""
    prepare_directory(directory)
    bring_up_to_date(directory / DATABASE_NAME)
    db = open_connection(directory / DATABASE_NAME)
    db.execute("BEGIN")
    devices = [_add_user(db, number) for number in range(users)]
    in_each = max(1, connections // room_count)
    for number in range(room_count):
        row = rooms.add_room(db, named("room", number)[:16], INITIAL_HASH)
        rooms.found_group(db, row, b"")
        rooms.put_into_roster(db, row, devices[number * in_each : (number + 1) * in_each])
    db.execute("COMMIT")
    db.close()
    make_opaque_setup(directory, has_accounts=False)  # a directory with accounts is served only with it


def _add_user(db: sqlite3.Connection, number: int) -> int:
    user, device_id, pair = (
        f"u{number}",
        named("device", number)[:16],
        ed25519_key_pair(named("seed", number)),
    )
    certificate = DeviceCertificate.issue(
        pair.private,
        user=user,
        device_id=device_id,
        account_key=pair.public,
        signature_key=pair.public,
        authentication_key=pair.public,
    )
    account = accounts.add_account(
        db,
        user=user,
        registration_record=bytes(192),
        stretching=_STRETCHING,
        account_key=pair.public,
        vault=b"",
        now_ms=0,
    )
    return accounts.add_device(
        db,
        account,
        device_id=device_id,
        certificate=certificate.to_bytes(),
        authentication_key=pair.public,
        now_ms=0,
    )


if __name__ == "__main__":
    seed(
        Path(sys.argv[1]),
        users=int(sys.argv[2]),
        room_count=int(sys.argv[3]),
        connections=int(sys.argv[4]),
    )
