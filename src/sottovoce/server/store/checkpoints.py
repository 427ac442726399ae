"""Checkpoints beside the writer: what was committed moves from the write-ahead log into the database.

Left to the writer, a checkpoint stops all commits until thousands of pages are written and synced. Here a
thread with a connection of its own does most of it early, and the writer need not wait ("PASSIVE"); its own
checkpoint, at ``wal_autocheckpoint``, then finds little left, and the log begins anew.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from queue import SimpleQueue
from typing import Final

ROWS_APART: Final = 16_384
"""Rows written between two checkpoints."""


class Checkpointer:
    """A thread that makes checkpoints. ``connection`` is its own, and closed with it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._rows = 0
        self._is_idle = threading.Event()
        self._is_idle.set()
        self._wanted: SimpleQueue[bool] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store-checkpoints")
        self._thread.start()

    def committed(self, rows: int) -> None:
        """Note that ``rows`` were written since the writer was opened; returns at once."""
        if rows - self._rows >= ROWS_APART and self._is_idle.is_set():
            self._rows = rows
            self._is_idle.clear()
            self._wanted.put(True)

    def close(self) -> None:
        """End the thread when its checkpoint is done, and close the connection."""
        self._wanted.put(False)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while self._wanted.get():
            # What fails here (a full disk) fails for the writer too, who tells it; the log has everything.
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            self._is_idle.set()
