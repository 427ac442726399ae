"""The way of a message in docs/architecture.md, and why it is fast: every place they name is there."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WAY = (
    (ROOT / "docs" / "architecture.md")
    .read_text(encoding="utf-8")
    .partition("## The way of a message")[2]
    .partition("\n## ")[0]
)
WHY = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
PLACES = sorted(set(re.findall(r"`((?:server|link)(?:\.\w+){2,})`", WAY)))


def find(dotted: str) -> object:
    """What a dotted name below ``sottovoce`` stands for: packages, a module, then names in it."""
    parts = dotted.split(".")
    module = import_module(f"sottovoce.{parts.pop(0)}")
    while parts:
        try:
            module = import_module(f"{module.__name__}.{parts[0]}")
        except ModuleNotFoundError:
            break
        del parts[0]
    value: object = module
    for part in parts:
        value = getattr(value, part)
    return value


@pytest.mark.parametrize("place", PLACES)
def test_every_place_it_names_is_there(place: str) -> None:
    assert find(place) is not None


def test_every_step_names_where_it_is_done() -> None:
    steps = re.findall(r"^\| (\d+) \| .* \| ([^|]*) \|$", WAY, re.MULTILINE)
    assert [int(number) for number, _ in steps] == list(range(1, len(steps) + 1))
    assert [number for number, where in steps if not re.findall(r"`([\w.]+)`", where)] == []
    assert {place for _, where in steps for place in re.findall(r"`([\w.]+)`", where)} <= set(PLACES)


def test_every_file_of_the_page_on_speed_is_there() -> None:
    named = set(re.findall(r"`([\w/]+\.py)`", WHY))
    assert named
    assert sorted(name for name in named if not (ROOT / "src" / "sottovoce" / name).is_file()) == []
