"""The first schema: accounts, devices, tokens, key packages, rooms and their logs, inboxes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "accounts",
        sa.Column("id", _number, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("registration_record", sa.LargeBinary(), nullable=False),
        sa.Column("memory_kib", sa.Integer(), nullable=False),
        sa.Column("iterations", sa.Integer(), nullable=False),
        sa.Column("lanes", sa.Integer(), nullable=False),
        sa.Column("account_key", sa.LargeBinary(), nullable=False),
        sa.Column("vault", sa.LargeBinary(), nullable=False),
        sa.Column("vault_version", _number, nullable=False),
        sa.Column("created_at", _number, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("name", name="uq_accounts_name"),
    )
    op.create_table(
        "registration_tokens",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.Column("expires_at", _number, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_registration_tokens"),
    )
    op.create_table(
        "rooms",
        sa.Column("id", _number, nullable=False),
        sa.Column("room_id", sa.LargeBinary(), nullable=False),
        sa.Column("epoch", _number),
        sa.Column("addition_epoch", _number, nullable=False),
        sa.Column("head", _number, nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.Column("first", _number, nullable=False),
        sa.Column("group_info", sa.LargeBinary()),
        sa.Column("open_name", sa.Text()),
        sa.Column("open_join_secret", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_rooms"),
        sa.UniqueConstraint("room_id", name="uq_rooms_room_id"),
    )
    op.create_table(
        "devices",
        sa.Column("id", _number, nullable=False),
        sa.Column("account", _number, nullable=False),
        sa.Column("device_id", sa.LargeBinary(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("authentication_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _number, nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["accounts.id"], name="fk_devices_account_accounts", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_devices"),
        sa.UniqueConstraint("account", "device_id", name="uq_devices_account_device_id"),
    )
    op.create_table(
        "entries",
        sa.Column("room", _number, nullable=False),
        sa.Column("seq", _number, nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("epoch", _number, nullable=False),
        sa.Column("message_id", sa.LargeBinary(), nullable=False),
        sa.Column("at", _number, nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("superseded_by", _number),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name="fk_entries_room_rooms", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("room", "seq", name="pk_entries"),
        sa.UniqueConstraint("room", "message_id", name="uq_entries_room_message_id"),
    )
    op.create_index("ix_entries_at", "entries", ["at"], unique=False)
    op.create_index(
        "uq_entries_commit_of_epoch",
        "entries",
        ["room", "epoch"],
        unique=True,
        sqlite_where=sa.text("kind = 1 AND superseded_by IS NULL"),
        postgresql_where=sa.text("kind = 1 AND superseded_by IS NULL"),
    )
    op.create_table(
        "contestable",
        sa.Column("room", _number, nullable=False),
        sa.Column("seq", _number, nullable=False),
        sa.Column("epoch", _number, nullable=False),
        sa.Column("sender", _number, nullable=False),
        sa.Column("addition_epoch", _number, nullable=False),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name="fk_contestable_room_rooms", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("room", "seq", name="pk_contestable"),
    )
    op.create_table(
        "roster_before",
        sa.Column("room", _number, nullable=False),
        sa.Column("seq", _number, nullable=False),
        sa.Column("device", _number, nullable=False),
        sa.Column("was_listed", sa.Boolean(), nullable=False),
        sa.Column("until_seq", _number),
        sa.ForeignKeyConstraint(
            ["device"], ["devices.id"], name="fk_roster_before_device_devices", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["room"], ["rooms.id"], name="fk_roster_before_room_rooms", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("room", "seq", "device", name="pk_roster_before"),
    )
    op.create_table(
        "inbox",
        sa.Column("id", _number, nullable=False),
        sa.Column("device", _number, nullable=False),
        sa.Column("room_id", sa.LargeBinary(), nullable=False),
        sa.Column("seq", _number, nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("at", _number, nullable=False),
        sa.ForeignKeyConstraint(
            ["device"], ["devices.id"], name="fk_inbox_device_devices", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_inbox"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_inbox_device", "inbox", ["device", "id"], unique=False)
    op.create_table(
        "key_packages",
        sa.Column("id", _number, nullable=False),
        sa.Column("device", _number, nullable=False),
        sa.Column("key_package", sa.LargeBinary(), nullable=False),
        sa.Column("is_last_resort", sa.Boolean(), nullable=False),
        sa.Column("is_used", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device"], ["devices.id"], name="fk_key_packages_device_devices", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_key_packages"),
    )
    op.create_index(
        "ix_key_packages_device", "key_packages", ["device", "is_last_resort", "id"], unique=False
    )
    op.create_table(
        "roster",
        sa.Column("room", _number, nullable=False),
        sa.Column("device", _number, nullable=False),
        sa.Column("until_seq", _number),
        sa.ForeignKeyConstraint(
            ["device"], ["devices.id"], name="fk_roster_device_devices", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name="fk_roster_room_rooms", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("room", "device", name="pk_roster"),
    )
    op.create_index("ix_roster_device", "roster", ["device"], unique=False)
