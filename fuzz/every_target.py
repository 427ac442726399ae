"""All targets by name. The people and groups of ``tests`` give the valid input to begin from."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from target import Target

_TESTS = Path(__file__).parents[1] / "tests"
sys.path += [str(_TESTS / folder) for folder in ("mls", "client", "crypto", "fuzz")]

SOURCES = {
    "mls": "mls_decoders",
    "crypto": "outer_decoders",
    "opaque": "outer_decoders",
    "link": "outer_decoders",
    "client": "outer_decoders",
    "step": "protocol_steps",
}
"""Module by the first word of a target's name."""


def every_target(kinds: Iterable[str] = SOURCES) -> dict[str, Target]:
    """Return the targets of these kinds, first words of their names, in order; imports what they need."""
    modules = dict.fromkeys(SOURCES[kind] for kind in kinds)
    return {target.name: target for name in modules for target in import_module(name).targets()}


def find_target(name: str) -> Target:
    """Return the target of that name."""
    return every_target([name.split(" ", 1)[0]])[name]
