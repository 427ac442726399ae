"""The tables of the local store, and the version they have (``PRAGMA user_version``)."""

from __future__ import annotations

from typing import Final

from sottovoce.client.tables.database import Database

VERSION: Final = 2

_STATEMENTS: Final = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    # Account keys of others: pinned at first contact, verified by comparing safety numbers.
    """CREATE TABLE contacts (
        account_name TEXT PRIMARY KEY, user TEXT NOT NULL, account_key BLOB NOT NULL,
        verified INTEGER NOT NULL DEFAULT 0, changed_key BLOB, first_seen INTEGER NOT NULL) WITHOUT ROWID""",
    "CREATE TABLE key_packages (ref BLOB PRIMARY KEY, bundle BLOB NOT NULL, last_resort INTEGER NOT NULL)",
    # RFC 9420 §16.8 and threats.md A10: a Welcome for a key package used before is refused.
    "CREATE TABLE consumed_key_packages (ref BLOB PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE rooms (room_id BLOB PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID",
    # An MLS group is many small records: a received message rewrites one of them, a commit the nodes it
    # changed.
    """CREATE TABLE group_records (
        room_id BLOB NOT NULL REFERENCES rooms ON DELETE CASCADE, key BLOB NOT NULL, value BLOB NOT NULL,
        PRIMARY KEY (room_id, key)) WITHOUT ROWID""",
    # Every commit sent in the present epoch, by SHA-256: whichever reaches the log is recognised as ours, for
    # no commit can process itself.
    """CREATE TABLE commits_in_flight (
        room_id BLOB NOT NULL REFERENCES rooms ON DELETE CASCADE, payload_hash BLOB NOT NULL,
        record BLOB NOT NULL, PRIMARY KEY (room_id, payload_hash)) WITHOUT ROWID""",
    """CREATE TABLE intents (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        room_id BLOB NOT NULL REFERENCES rooms ON DELETE CASCADE, record BLOB NOT NULL)""",
    """CREATE TABLE chain (
        room_id BLOB NOT NULL REFERENCES rooms ON DELETE CASCADE, seq INTEGER NOT NULL,
        head_hash BLOB NOT NULL, PRIMARY KEY (room_id, seq)) WITHOUT ROWID""",
    """CREATE TABLE sender_histories (
        room_id BLOB NOT NULL REFERENCES rooms ON DELETE CASCADE, account_name TEXT NOT NULL,
        device_id BLOB NOT NULL, counter INTEGER NOT NULL, message_hash BLOB NOT NULL,
        PRIMARY KEY (room_id, account_name, device_id)) WITHOUT ROWID""",
    """CREATE TABLE timeline (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        room_id BLOB NOT NULL REFERENCES rooms ON DELETE CASCADE, seq INTEGER NOT NULL,
        message_id BLOB, item BLOB NOT NULL, UNIQUE (room_id, message_id))""",
    "CREATE INDEX timeline_by_room ON timeline (room_id, position)",
    """CREATE TABLE alarms (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        room_id BLOB NOT NULL REFERENCES rooms ON DELETE CASCADE, at INTEGER NOT NULL,
        what_happened TEXT NOT NULL, what_to_do TEXT NOT NULL)""",
    """CREATE TABLE outbox (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        room_id BLOB NOT NULL REFERENCES rooms ON DELETE CASCADE, message_id BLOB NOT NULL,
        content BLOB NOT NULL, envelope BLOB, epoch INTEGER, ciphertext BLOB)""",
    "CREATE INDEX outbox_by_room ON outbox (room_id, position)",
    # Every ciphertext ever made of a message, by SHA-256: whichever reaches the log is recognised as ours.
    """CREATE TABLE outbox_payloads (
        payload_hash BLOB PRIMARY KEY,
        position INTEGER NOT NULL REFERENCES outbox ON DELETE CASCADE) WITHOUT ROWID""",
    "CREATE INDEX outbox_payloads_by_position ON outbox_payloads (position)",
)


def create(database: Database) -> None:
    """Make every table in an empty store."""
    for statement in _STATEMENTS:
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {VERSION}")


def version(database: Database) -> int:
    """The store's schema version; 0 for an empty one."""
    row = database.one("PRAGMA user_version")
    return int(row[0]) if row else 0
