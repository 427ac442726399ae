"""Small values by name: the newest one, or none."""

from __future__ import annotations

import sqlite3

from sottovoce.client.tables import account as account_table
from sottovoce.client.tables import kept_values, schema
from sottovoce.client.tables.account import ServerRecord
from sottovoce.client.tables.database import Database


def test_the_newest_value_is_kept_until_an_empty_one_deletes_it() -> None:
    database = Database(sqlite3.connect(":memory:", isolation_level=None))
    schema.create(database)
    assert kept_values.kept_value(database, "draft") is None
    for value in (b"one", b"two"):
        kept_values.keep_value(database, "draft", value)
        assert kept_values.kept_value(database, "draft") == value
    assert kept_values.kept_value(database, "place") is None
    kept_values.keep_value(database, "draft", b"")
    assert kept_values.kept_value(database, "draft") is None
    assert database.one("SELECT count(*) FROM kept_values") == (0,)


def test_names_are_not_those_of_the_client_itself() -> None:
    database = Database(sqlite3.connect(":memory:", isolation_level=None))
    schema.create(database)
    server = ServerRecord("127.0.0.1", 7443, bytes(32))
    account_table.put_server(database, server)
    kept_values.keep_value(database, "server", b"mine")
    assert account_table.server(database) == server
