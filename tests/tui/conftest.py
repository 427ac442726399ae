"""Shared parts of the terminal app's tests are plain modules here; a real server is the end-to-end tests'."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from textual import app, pilot

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "end_to_end"))
sys.path.insert(0, str(Path(__file__).parents[1] / "client"))

from idle import wait_for_idle


@pytest.fixture(autouse=True)
def _same_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key or a pause of a pilot is over when the app has nothing left to do, and there are colours."""
    for module in (app, pilot):
        monkeypatch.setattr(module, "wait_for_idle", wait_for_idle)
    monkeypatch.delenv("NO_COLOR", raising=False)
