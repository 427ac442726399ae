"""Small values that the app on top keeps for itself (drafts, where it was), whatever they mean."""

from __future__ import annotations

from sottovoce.client.tables.database import Database


def kept_value(database: Database, name: str) -> bytes | None:
    """The value of this name, or None."""
    row = database.one("SELECT value FROM kept_values WHERE name = ?", (name,))
    return row[0] if row else None


def keep_value(database: Database, name: str, value: bytes) -> None:
    """Store a value in the place of the one before; an empty one deletes it."""
    if value:
        database.execute(
            "INSERT INTO kept_values VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )
    else:
        database.execute("DELETE FROM kept_values WHERE name = ?", (name,))
