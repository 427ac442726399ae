"""Threat tests use the people of ``tests/mls`` and ``tests/client``, the server's fixtures, the SDK."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# Tests are no package; their shared parts are plain modules.
sys.path.insert(0, str(Path(__file__).parents[1] / "mls"))
sys.path.insert(0, str(Path(__file__).parents[1] / "server"))
sys.path.insert(0, str(Path(__file__).parents[1] / "client"))
sys.path.insert(0, str(Path(__file__).parents[1] / "end_to_end"))
sys.path.append(str(Path(__file__).parents[1] / "tui"))

from mls_world import World
from server_fixtures import identity, link_client, serve, server, server_process

from sottovoce.server.authentication import AuthenticationService

__all__ = ["identity", "link_client", "serve", "server", "server_process"]


@pytest.fixture
def still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """For servers started after it: no wait between guesses ends, however long the test takes."""
    monkeypatch.setitem(AuthenticationService.__init__.__kwdefaults__, "clock", lambda: 0.0)


@pytest.fixture
def world() -> World:
    """Nobody yet, over suite 1: it is the quickest."""
    return World()
