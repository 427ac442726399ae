"""Alembic's folder: how one schema becomes the next. Imported only when a migration is due."""
