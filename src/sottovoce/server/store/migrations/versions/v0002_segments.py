"""The room log in segments: consecutive entries in their encoding, instead of a row for each."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable, Iterator

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_SEGMENT_BYTES = 4000
_SEGMENT_MS = 60_000  # entries of one segment are deleted together, when the newest is too old
_KINDS = {1: "commit", 2: "message"}
_encode = msgspec.msgpack.Encoder().encode

Row = tuple[int, int, int, int, bytes, int, bytes]
"""Of an entry: room, seq, kind's octet, epoch, message id, Unix ms, payload."""


def upgrade() -> None:
    """Make the new tables, carry every entry over, drop the old one."""
    op.create_table(
        "segments",
        sa.Column("id", _number, nullable=False),
        sa.Column("room", _number, nullable=False),
        sa.Column("first_seq", _number, nullable=False),
        sa.Column("last_seq", _number, nullable=False),
        sa.Column("at", _number, nullable=False),
        sa.Column("message_ids", sa.LargeBinary(), nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name="fk_segments_room_rooms", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_segments"),
        sa.UniqueConstraint("room", "last_seq", name="uq_segments_room_last_seq"),
    )
    op.create_table(
        "message_ids",
        sa.Column("message_id", sa.LargeBinary(), nullable=False),
        sa.Column("room", _number, nullable=False),
        sa.Column("seq", _number, nullable=False),
        sa.PrimaryKeyConstraint("message_id", "room", name="pk_message_ids"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "commits",
        sa.Column("room", _number, nullable=False),
        sa.Column("seq", _number, nullable=False),
        sa.Column("epoch", _number, nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.Column("superseded_by", _number),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name="fk_commits_room_rooms", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("room", "seq", name="pk_commits"),
    )
    op.create_index(
        "uq_commits_of_epoch",
        "commits",
        ["room", "epoch"],
        unique=True,
        sqlite_where=sa.text("superseded_by IS NULL"),
        postgresql_where=sa.text("superseded_by IS NULL"),
    )
    database = op.get_bind().connection.driver_connection
    if not isinstance(database, sqlite3.Connection):
        raise TypeError("the entries of a database other than SQLite's cannot be carried over")
    _carry_over(database)
    op.drop_table("entries")


def _carry_over(database: sqlite3.Connection) -> None:
    database.execute(
        "INSERT INTO commits (room, seq, epoch, head_hash, superseded_by)"
        " SELECT room, seq, epoch, head_hash, superseded_by FROM entries WHERE kind = 1"
    )
    database.execute(
        "INSERT INTO message_ids (message_id, room, seq)"
        " SELECT message_id, room, seq FROM entries ORDER BY message_id, room"
    )
    rows = database.execute(
        "SELECT room, seq, kind, epoch, message_id, at, payload FROM entries ORDER BY room, seq"
    )
    database.executemany(
        "INSERT INTO segments (room, first_seq, last_seq, at, message_ids, entries)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        itertools.chain.from_iterable(
            _segments_of(room, entries) for room, entries in itertools.groupby(rows, lambda row: row[0])
        ),
    )


def _segments_of(room: int, entries: Iterable[Row]) -> Iterator[tuple[int, int, int, int, bytes, bytes]]:
    """A room's entries in runs that are consecutive, not too long, and of about the same time."""
    run: list[tuple[int, int, bytes, bytes]] = []  # seq, time, message id, encoding
    size = 0
    for _, seq, kind, epoch, message_id, at, payload in entries:
        encoded = _encode((seq, _KINDS[kind], epoch, payload, at))
        size += len(message_id) + len(encoded)
        if run and (size > _SEGMENT_BYTES or seq != run[-1][0] + 1 or abs(at - run[0][1]) > _SEGMENT_MS):
            yield _segment(room, run)
            run, size = [], len(message_id) + len(encoded)
        run.append((seq, at, message_id, encoded))
    if run:
        yield _segment(room, run)


def _segment(room: int, run: list[tuple[int, int, bytes, bytes]]) -> tuple[int, int, int, int, bytes, bytes]:
    message_ids = b"".join(one[2] for one in run)
    entries = b"".join(one[3] for one in run)
    return room, run[0][0], run[-1][0], max(one[1] for one in run), message_ids, entries
