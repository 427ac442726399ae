"""The people and groups the tests of MLS share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# tests are no package; their shared parts are plain modules
sys.path.insert(0, str(Path(__file__).parents[1] / "fuzz"))
sys.path.insert(0, str(Path(__file__).parent))

from mls_world import World


@pytest.fixture
def world() -> World:
    """Nobody yet, over suite 1: it is the quickest."""
    return World()
