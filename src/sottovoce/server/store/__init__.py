"""The durable log and tables: SQLite. Knows nothing of who is connected.

One schema (:mod:`~sottovoce.server.store.schema`) for SQLite now and PostgreSQL later; the statements are
plain SQL with parameters, on the driver itself, because this is the hot path.
"""
