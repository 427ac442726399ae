"""The tables of the local store, and the version they have (``PRAGMA user_version``)."""

from __future__ import annotations

from typing import Final

from sottovoce.client.tables.database import Database
from sottovoce.client.tables.records import RecordDamaged

_FIRST: Final = 2
"""The version of the first release; no store of a lower one was ever made by a release."""

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

_STEPS: Final[tuple[tuple[str, ...], ...]] = (
    (
        # 3: what was read. Items of before are all read, so none of them needs to be told from others'.
        "ALTER TABLE timeline ADD COLUMN from_others INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX timeline_from_others ON timeline (room_id, position, from_others) WHERE from_others",
        """CREATE TABLE read_marks (
            room_id BLOB PRIMARY KEY REFERENCES rooms ON DELETE CASCADE, position INTEGER NOT NULL)
            WITHOUT ROWID""",
        "INSERT INTO read_marks SELECT room_id, max(position) FROM timeline GROUP BY room_id",
        # What the app on top keeps for itself, by names of its own.
        "CREATE TABLE kept_values (name TEXT PRIMARY KEY, value BLOB NOT NULL)",
    ),
    (
        # 4: how a message was protected, deleted with it; of one's own, kept while it is on its way.
        """CREATE TABLE lives (
            position INTEGER PRIMARY KEY REFERENCES timeline ON DELETE CASCADE, record BLOB NOT NULL)""",
        "ALTER TABLE outbox_payloads ADD COLUMN protection BLOB",
    ),
    # 5: when a person last compared numbers, so that of two devices' decisions the later one counts.
    ("ALTER TABLE contacts ADD COLUMN decided_at INTEGER NOT NULL DEFAULT 0",),
)
"""What makes each version out of the one before: what was released never changes, a new one goes last."""

VERSION: Final = _FIRST + len(_STEPS)


def create(database: Database) -> None:
    """Make every table in an empty store: as in the first release, then as every later one changed it."""
    for statement in _STATEMENTS:
        database.execute(statement)
    migrate(database, _FIRST)


def migrate(database: Database, found: int) -> None:
    """Bring a store of version ``found`` up to :data:`VERSION`, inside one transaction of the caller's.

    Raises :class:`~sottovoce.client.tables.records.RecordDamaged` for a version that no release had.
    """
    if not _FIRST <= found <= VERSION:
        raise RecordDamaged(f"a store of version {found}")
    for step in _STEPS[found - _FIRST :]:
        for statement in step:
            database.execute(statement)
    database.execute(f"PRAGMA user_version = {VERSION}")


def version(database: Database) -> int:
    """The store's schema version; 0 for an empty one."""
    row = database.one("PRAGMA user_version")
    return int(row[0]) if row else 0
