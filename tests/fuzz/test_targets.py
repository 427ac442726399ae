"""The targets that ``make fuzz`` gives a million inputs, here with a few, and without atheris."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from mutation import fuzz

sys.path.insert(0, str(Path(__file__).parents[2] / "fuzz"))

from every_target import every_target

TARGETS = every_target()


@pytest.mark.parametrize("name", TARGETS)
def test_target(name: str) -> None:
    target = TARGETS[name]
    assert all(map(target.give, target.seeds)), "each seed is valid"
    refused = fuzz(target.read, target.seeds, target.documented, times=500 if target.is_decoder else 250)
    assert refused > 50, "the mutations do damage"


def test_what_is_not_documented_passes_through() -> None:
    target = TARGETS["mls commit"]
    changed = type(target)("broken", lambda data: data[len(data)], [b""], target.documented)
    with pytest.raises(IndexError):
        changed.give(b"x")
