"""The documents name tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("document", ["threat-model.md", "origins.md"])
def test_every_test_it_names_exists(document: str) -> None:
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    named = {name.removeprefix("tests/") for name in re.findall(r"`([\w/]+\.py)`", text) if "test" in name}
    assert len(named) >= 10
    missing = {name for name in named if not (ROOT / "tests" / name).is_file()}
    assert not missing


def test_every_threat_with_a_test_is_in_the_model() -> None:
    text = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    tests = sorted((ROOT / "tests" / "threats").glob("test_*.py"))
    assert [test.name for test in tests if test.name not in text] == []


@pytest.mark.parametrize("document", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_links_lead_somewhere(document: str) -> None:
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if not link.startswith("http")]
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
