"""The way of a message in docs/architecture.md, and why it is fast: every place they name is there."""

from __future__ import annotations

import re
import sqlite3
from importlib import import_module
from pathlib import Path

import pytest

from sottovoce.client.tables import schema
from sottovoce.client.tables.database import Database

ROOT = Path(__file__).parents[2]
WAY = (
    (ROOT / "docs" / "architecture.md")
    .read_text(encoding="utf-8")
    .partition("## The way of a message")[2]
    .partition("\n## ")[0]
)
KEPT = (
    (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("## What a client keeps")[2]
).partition("\n## ")[0]
WHY = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
PLACES_OF_CLIENT = sorted(set(re.findall(r"`(client(?:\.\w+){2,})`", KEPT)))
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


@pytest.mark.parametrize("place", [*PLACES, *PLACES_OF_CLIENT])
def test_every_place_it_names_is_there(place: str) -> None:
    assert find(place) is not None


def test_every_step_names_where_it_is_done() -> None:
    steps = re.findall(r"^\| (\d+) \| .* \| ([^|]*) \|$", WAY, re.MULTILINE)
    assert [int(number) for number, _ in steps] == list(range(1, len(steps) + 1))
    assert [number for number, where in steps if not re.findall(r"`([\w.]+)`", where)] == []
    assert {place for _, where in steps for place in re.findall(r"`([\w.]+)`", where)} <= set(PLACES)


def test_every_table_of_a_client_is_said_to_hold_something() -> None:
    connection = sqlite3.connect(":memory:")
    schema.create(Database(connection))
    tables = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    named = [
        name
        for row in re.findall(r"^\| (`[^|]*) \|", KEPT, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    ]
    assert sorted(named) == sorted(name for (name,) in tables)


def test_every_file_of_the_page_on_speed_is_there() -> None:
    named = set(re.findall(r"`([\w/]+\.py)`", WHY))
    assert named
    assert sorted(name for name in named if not (ROOT / "src" / "sottovoce" / name).is_file()) == []
