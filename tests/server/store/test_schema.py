"""The migrations and the table definitions are one schema."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.schema import CreateTable

from sottovoce.server.store import database, migrations
from sottovoce.server.store.schema import metadata


def test_the_migrations_make_what_the_tables_say(tmp_path):
    path = tmp_path / "server.db"
    database.bring_up_to_date(path)
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_the_version_we_ask_for_is_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", migrations.__path__[0])
    assert ScriptDirectory.from_config(config).get_current_head() == database.SCHEMA_VERSION


def test_a_start_with_nothing_to_migrate_imports_no_alembic(tmp_path):
    path = tmp_path / "server.db"
    database.bring_up_to_date(path)
    program = (
        "import sys; from pathlib import Path; import sottovoce.server.app;"
        "from sottovoce.server.store.database import bring_up_to_date;"
        f"bring_up_to_date(Path({str(path)!r}));"
        "sys.exit(any(name in sys.modules for name in ('alembic', 'sqlalchemy')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_constraints_hold_what_the_protocol_promises(tmp_path):
    path = tmp_path / "server.db"
    database.bring_up_to_date(path)
    db = database.open_connection(path)
    db.execute(
        "INSERT INTO rooms (id, room_id, addition_epoch, head, head_hash, first)"
        " VALUES (1, x'00', 0, 0, x'', 1)"
    )
    segment = "INSERT INTO segments (room, first_seq, last_seq, at, message_ids, entries) VALUES "
    message_id = "INSERT INTO message_ids (message_id, room, seq) VALUES "
    commit = "INSERT INTO commits (room, seq, epoch, head_hash, superseded_by) VALUES "
    db.execute(segment + "(1, 1, 2, 0, x'', x'')")
    db.execute(message_id + "(x'01', 1, 1)")
    db.execute(commit + "(1, 1, 0, x'', NULL)")
    for statement in (
        segment + "(1, 2, 2, 0, x'', x'')",
        segment + "(9, 1, 1, 0, x'', x'')",
        message_id + "(x'01', 1, 3)",
        commit + "(1, 2, 0, x'', NULL)",
        commit + "(1, 1, 1, x'', NULL)",
        commit + "(9, 1, 0, x'', NULL)",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            db.execute(statement)
    db.execute(segment + "(1, 3, 3, 0, x'', x'')")
    db.execute(message_id + "(x'01', 2, 1)")
    db.execute(commit + "(1, 2, 0, x'', 3)")
    db.close()


def test_a_message_id_is_one_row_in_one_tree(tmp_path):
    """Alembic's comparison does not see it, and it is half of what a message costs."""
    database.bring_up_to_date(tmp_path / "server.db")
    db = database.open_connection(tmp_path / "server.db")
    (made,) = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'message_ids'").fetchone()
    db.close()
    assert "WITHOUT ROWID" in made
    assert "WITHOUT ROWID" in str(CreateTable(metadata.tables["message_ids"]).compile(dialect=dialect()))
