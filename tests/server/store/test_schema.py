"""The migrations and the table definitions are one schema."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

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
    insert = "INSERT INTO entries (room, seq, kind, epoch, message_id, at, head_hash, payload) VALUES "
    db.execute(insert + "(1, 1, 1, 0, x'01', 0, x'', x'')")
    for row in ("(1, 1, 2, 0, x'02', 0, x'', x'')", "(1, 2, 1, 0, x'02', 0, x'', x'')",
                "(1, 2, 2, 0, x'01', 0, x'', x'')", "(9, 2, 2, 0, x'02', 0, x'', x'')"):  # fmt: skip
        try:
            db.execute(insert + row)
        except sqlite3.IntegrityError:
            continue
        raise AssertionError(row)
    db.execute(insert + "(1, 2, 2, 0, x'02', 0, x'', x'')")
    db.close()
