"""docs/mls/rfc-map.md: every section of RFC 9420 is there, and what it names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = re.findall(
    r"^\| (\d+(?:\.\d+)*) \| ([^|]+) \| ([^|]*) \| ([^|]*)\|$",
    (ROOT / "docs" / "mls" / "rfc-map.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)
SECTIONS = [row[0] for row in ROWS]
CHAPTERS = range(2, 18)
# How many subsections RFC 9420 has below each section that has any.
SUBSECTIONS = {
    section: int(count)
    for section, count in re.findall(
        r"([\d.]+): (\d+)",
        "2: 1, 2.1: 2, 3: 4, 4: 2, 4.1: 2, 5: 3, 5.1: 3, 5.3: 3, 6: 3, 6.3: 2, 7: 9, 7.9: 2, 8: 7, 9: 2, "
        "10: 1, 11: 3, 12: 4, 12.1: 8, 12.1.8: 1, 12.4: 3, 12.4.3: 3, 13: 5, 15: 3, 16: 12, 16.4: 3, 17: 10",
    )
}


def quoted(source: str) -> set[str]:
    """The sections of RFC 9420 a source text quotes; those of other RFCs are named with their number."""
    found = re.findall(r"(?:RFC (\d+) )?§(\d+(?:\.\d+)*)", source)
    return {section for rfc, section in found if rfc in ("", "9420")}


def exists(dotted: str) -> bool:
    """Whether ``module.name.attribute`` is there, from sottovoce.mls or sottovoce.crypto."""
    parts = dotted.split(".")
    room = parts.pop(0) if parts[0] == "crypto" else "mls"
    try:
        value: object = import_module(f"sottovoce.{room}.{parts.pop(0)}")
        for part in parts:
            value = getattr(value, part)
    except (ImportError, AttributeError):
        return False
    return True


@cache
def names_of_tests_in(path: Path) -> frozenset[str]:
    """The tests of a file as pytest names them: ``::Class``, ``::function`` and ``::Class::function``."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(f"::{node.name}")
            inner = node.body if isinstance(node, ast.ClassDef) else []
            found |= {f"::{node.name}::{one.name}" for one in inner if isinstance(one, ast.FunctionDef)}
    return frozenset(found)


@pytest.mark.parametrize("row", ROWS, ids=SECTIONS)
def test_what_a_row_names_exists(row: tuple[str, str, str, str]) -> None:
    section, _, code, tests = row
    names = re.findall(r"`(\w+(?:\.\w+)*)`", re.sub(r"\([^)]*\)", "", code))
    assert [name for name in names if not exists(name)] == [], f"§{section}"
    for test in re.findall(r"`([^`]+)`", tests):
        name, colons, inner = test.partition("::")
        path = ROOT / "tests" / name
        assert path.is_file(), f"§{section}: {test}"
        assert not colons or f"::{inner}" in names_of_tests_in(path), f"§{section}: {test}"
    assert re.search(r"[a-z]", code), f"§{section} says nothing of its code"


def test_every_section_of_the_rfc_has_a_row_in_its_order() -> None:
    assert [section for chapter in CHAPTERS for section in below(str(chapter))] == SECTIONS


def below(section: str) -> list[str]:
    """A section and all its subsections, in the order of the RFC."""
    count = SUBSECTIONS.get(section, 0)
    return [section] + [one for number in range(1, count + 1) for one in below(f"{section}.{number}")]


def test_every_section_that_the_code_quotes_has_a_row() -> None:
    sources = sorted((ROOT / "src" / "sottovoce" / "mls").glob("*.py"))
    of_mls = {section for source in sources for section in quoted(source.read_text(encoding="utf-8"))}
    assert of_mls
    assert sorted(of_mls - set(SECTIONS)) == []


def test_a_row_with_code_of_ours_names_a_test() -> None:
    untested = [section for section, _, code, tests in ROWS if code.startswith("`") and "`" not in tests]
    assert untested == []
