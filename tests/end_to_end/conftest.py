"""The world the end-to-end tests share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package; their shared parts are plain modules

from end_to_end_world import World
from terminals import Terminals


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A server that listens, and chats to come; all of it ends with the test."""
    a_world = World(tmp_path)
    a_world.server.start()
    yield a_world
    a_world.close()


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Terminals]:
    """Terminals to open; all of them end with the test."""
    some = Terminals(tmp_path)
    yield some
    some.close()
