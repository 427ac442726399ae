"""One SQLCipher connection, typed: what the table modules speak SQL through."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

Row = tuple[Any, ...]
Parameters = Sequence[bytes | str | int | float | None]


class Database:
    """A connection inside a transaction. Used by the store's own thread alone."""

    def __init__(self, connection: Any) -> None:
        self._connection: Final = connection

    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Run one statement and return how many rows it changed."""
        return int(self._connection.execute(sql, parameters).rowcount)

    def insert(self, sql: str, parameters: Parameters = ()) -> int:
        """Run one INSERT and return the row id it was given."""
        return int(self._connection.execute(sql, parameters).lastrowid)

    def execute_many(self, sql: str, rows: Iterable[Parameters]) -> None:
        """Run one statement for each row of parameters."""
        self._connection.executemany(sql, rows)

    def one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """Return the first row, or None when there is none."""
        row: Row | None = self._connection.execute(sql, parameters).fetchone()
        return row

    def all(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Return every row."""
        rows: list[Row] = self._connection.execute(sql, parameters).fetchall()
        return rows
