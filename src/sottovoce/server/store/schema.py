"""The tables (SQLAlchemy Core). The migrations make them; a test holds both to the same shape.

Times are Unix milliseconds unless a column says seconds. ``name`` is an account's name in lower case.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

_NAMES: Final = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
_number: Final = BigInteger().with_variant(Integer(), "sqlite")

metadata: Final = MetaData(naming_convention=_NAMES)

accounts: Final = Table(
    "accounts",
    metadata,
    Column("id", _number, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("user", Text, nullable=False),  # as its owner typed it
    Column("registration_record", LargeBinary, nullable=False),  # RFC 9807 §5.1
    Column("memory_kib", Integer, nullable=False),
    Column("iterations", Integer, nullable=False),
    Column("lanes", Integer, nullable=False),
    Column("account_key", LargeBinary, nullable=False),
    Column("vault", LargeBinary, nullable=False),
    Column("vault_version", _number, nullable=False),
    Column("created_at", _number, nullable=False),
)

devices: Final = Table(
    "devices",
    metadata,
    Column("id", _number, primary_key=True),
    Column("account", _number, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("device_id", LargeBinary, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("authentication_key", LargeBinary, nullable=False),
    Column("created_at", _number, nullable=False),
    UniqueConstraint("account", "device_id"),
)

registration_tokens: Final = Table(
    "registration_tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),  # SHA-256: a copy of the database invites nobody
    Column("uses_left", Integer, nullable=False),
    Column("expires_at", _number, nullable=False),  # Unix seconds
)

key_packages: Final = Table(
    "key_packages",
    metadata,
    Column("id", _number, primary_key=True),
    Column("device", _number, ForeignKey("devices.id", ondelete="CASCADE"), nullable=False),
    Column("key_package", LargeBinary, nullable=False),
    Column("is_last_resort", Boolean, nullable=False),
    Column("is_used", Boolean, nullable=False),
    Index("ix_key_packages_device", "device", "is_last_resort", "id"),
)

rooms: Final = Table(
    "rooms",
    metadata,
    Column("id", _number, primary_key=True),
    Column("room_id", LargeBinary, nullable=False, unique=True),
    Column("epoch", _number),  # NULL: nobody has founded the group
    Column("addition_epoch", _number, nullable=False),  # the newest epoch that began with an addition
    Column("head", _number, nullable=False),
    Column("head_hash", LargeBinary, nullable=False),
    Column("first", _number, nullable=False),  # the oldest seq still kept
    Column("group_info", LargeBinary),  # sealed, of ``epoch``
    Column("open_name", Text),
    Column("open_join_secret", LargeBinary),
)

roster: Final = Table(
    "roster",
    metadata,
    Column("room", _number, ForeignKey("rooms.id", ondelete="CASCADE"), nullable=False),
    Column("device", _number, ForeignKey("devices.id", ondelete="CASCADE"), nullable=False),
    Column("until_seq", _number),  # NULL: in the room; else the entry that took the device out
    PrimaryKeyConstraint("room", "device"),
    Index("ix_roster_device", "device"),
)

segments: Final = Table(  # the room logs; ids grow, so all rooms append to the same pages
    "segments",
    metadata,
    Column("id", _number, primary_key=True),
    Column("room", _number, ForeignKey("rooms.id", ondelete="CASCADE"), nullable=False),
    Column("first_seq", _number, nullable=False),
    Column("last_seq", _number, nullable=False),
    Column("at", _number, nullable=False),  # the newest entry's time
    Column("message_ids", LargeBinary, nullable=False),  # 16 bytes for each entry
    Column("entries", LargeBinary, nullable=False),  # one after another, as the link encodes them
    UniqueConstraint("room", "last_seq"),
)

message_ids: Final = Table(  # of the entries kept; deleted with their segment
    "message_ids",
    metadata,
    Column("message_id", LargeBinary, nullable=False),
    Column("room", _number, nullable=False),
    Column("seq", _number, nullable=False),
    PrimaryKeyConstraint("message_id", "room"),
    sqlite_with_rowid=False,
)

commits: Final = Table(  # which of the entries kept are commits
    "commits",
    metadata,
    Column("room", _number, ForeignKey("rooms.id", ondelete="CASCADE"), nullable=False),
    Column("seq", _number, nullable=False),
    Column("epoch", _number, nullable=False),  # that it ends
    Column("head_hash", LargeBinary, nullable=False),  # the chain's, after it
    Column("superseded_by", _number),  # NULL: it stands; else the seq of the commit that took its place
    PrimaryKeyConstraint("room", "seq"),
    Index(
        "uq_commits_of_epoch", "room", "epoch", unique=True,
        sqlite_where=text("superseded_by IS NULL"), postgresql_where=text("superseded_by IS NULL"),
    ),
)  # fmt: skip

contestable: Final = Table(  # the commits that may still be superseded
    "contestable",
    metadata,
    Column("room", _number, ForeignKey("rooms.id", ondelete="CASCADE"), nullable=False),
    Column("seq", _number, nullable=False),
    Column("epoch", _number, nullable=False),
    Column("sender", _number, nullable=False),  # the device
    Column("addition_epoch", _number, nullable=False),  # the room's, before
    PrimaryKeyConstraint("room", "seq"),
)

roster_before: Final = Table(  # what a commit found of each device that it added or removed
    "roster_before",
    metadata,
    Column("room", _number, ForeignKey("rooms.id", ondelete="CASCADE"), nullable=False),
    Column("seq", _number, nullable=False),  # the commit's
    Column("device", _number, ForeignKey("devices.id", ondelete="CASCADE"), nullable=False),
    Column("was_listed", Boolean, nullable=False),
    Column("until_seq", _number),
    PrimaryKeyConstraint("room", "seq", "device"),
)

inbox: Final = Table(
    "inbox",
    metadata,
    Column("id", _number, primary_key=True),
    Column("device", _number, ForeignKey("devices.id", ondelete="CASCADE"), nullable=False),
    Column("room_id", LargeBinary, nullable=False),
    Column("seq", _number, nullable=False),
    Column("head_hash", LargeBinary, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("at", _number, nullable=False),
    Index("ix_inbox_device", "device", "id"),
    sqlite_autoincrement=True,
)
