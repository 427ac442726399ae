"""The documents name tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("document", ["threat-model.md", "origins.md"])
def test_every_file_it_names_exists(document: str) -> None:
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    named = {name.removeprefix("tests/") for name in re.findall(r"`([\w/]+\.py)`", text)}
    tests = {name for name in named if "/test_" in name}
    assert tests
    missing = {name for name in tests if not (ROOT / "tests" / name).is_file()}
    missing |= {name for name in named - tests if not (ROOT / "src" / "sottovoce" / name).is_file()}
    assert not missing


def rows() -> list[str]:
    """The rows of the threat model's tables."""
    text = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    return re.findall(r"^\| [A-G]\d+ \|.*$", text, re.MULTILINE)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.split(" | ")[0].strip("| "))
def test_every_row_names_a_test_and_functions_that_are_in_it(row: str) -> None:
    proof = row.rstrip(" |").rpartition(" | ")[2]
    named = re.findall(r"`([\w/]+\.py)`(?: \(([^)]*)\))?", proof)
    assert named
    for name, functions in named:
        source = (ROOT / "tests" / name).read_text(encoding="utf-8")
        defined = set(re.findall(r"^ *(?:async def |def |class )?([tT]est\w+)", source, re.MULTILINE))
        assert defined
        assert set(re.findall(r"`(\w+)`", functions)) <= defined


def test_every_threat_with_a_test_is_in_the_model() -> None:
    text = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    tests = sorted((ROOT / "tests" / "threats").glob("test_*.py"))
    assert [test.name for test in tests if test.name not in text] == []
