"""Bring a database to the newest schema. This module imports SQLAlchemy and Alembic: not for every start."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError


def upgrade(database: Path, revision: str = "head") -> None:
    """Run every migration up to ``revision`` that ``database`` has not had, all in one transaction.

    A kill in the middle leaves the old schema. Makes the file if there is none. Raises
    :class:`sqlite3.DatabaseError`.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    engine = create_engine(f"sqlite:///{database}")
    event.listen(engine, "connect", _leave_transactions_to_us)
    event.listen(engine, "begin", _begin_immediate)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    except DBAPIError as error:
        raise error.orig or error from None  # the driver's own: it says which of the disk's troubles it is
    finally:
        engine.dispose()


def _leave_transactions_to_us(connection: DBAPIConnection, _record: object) -> None:
    """Stop the driver from committing before each CREATE TABLE, as it does by itself."""
    connection.isolation_level = None


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
