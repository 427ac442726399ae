"""Checkpoints beside the writer: nothing is lost, and the write-ahead log stays short."""

import sqlite3

from sottovoce.server.store.checkpoints import ROWS_APART, Checkpointer
from sottovoce.server.store.database import open_connection


def test_what_was_committed_is_in_the_database_itself_after_a_checkpoint(tmp_path):
    path = tmp_path / "x.db"
    writer = open_connection(path)
    writer.execute("CREATE TABLE t (x INTEGER)")
    checkpointer = Checkpointer(open_connection(path, read_only=True))
    writer.execute("BEGIN")  # one sync for all of them: a slow disk takes minutes for one each
    writer.executemany("INSERT INTO t VALUES (?)", ((x,) for x in range(ROWS_APART - 1)))
    writer.execute("COMMIT")
    checkpointer.committed(ROWS_APART - 1)
    assert checkpointer._is_idle.is_set(), "too few rows"
    checkpointer.committed(ROWS_APART)
    checkpointer.committed(2 * ROWS_APART)
    checkpointer.close()
    assert _rows_without_log(path) == ROWS_APART - 1
    writer.close()


def test_a_checkpoint_that_fails_ends_nothing(tmp_path):
    path = tmp_path / "x.db"
    connection = open_connection(path)
    checkpointer = Checkpointer(connection)
    connection.close()
    checkpointer.committed(ROWS_APART)
    assert checkpointer._is_idle.wait(10)
    checkpointer.committed(2 * ROWS_APART)
    checkpointer.close()


def _rows_without_log(path):
    """What the file holds that the log would be copied into."""
    copy = path.with_name("copy.db")
    copy.write_bytes(path.read_bytes())
    database = sqlite3.connect(f"file:{copy}?immutable=1", uri=True)
    try:
        return database.execute("SELECT count(*) FROM t").fetchone()[0]
    finally:
        database.close()
