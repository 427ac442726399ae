"""The x-ray's page: its layers are the screen's, its table is the record's, the files it names exist."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from sottovoce.client.tables.lives import LifeRecord, ProtectionRecord
from sottovoce.tui.life_words import life_in_words

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "xray.md").read_text(encoding="utf-8")

sys.path.insert(0, str(ROOT / "tests" / "tui"))

from lives import a_life  # noqa: E402 - in the folder of the line above


def section(heading: str) -> str:
    return PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def test_the_layers_are_those_of_the_screen() -> None:
    rows = re.findall(r"^\| (\w+) \|", section("The layers"), re.MULTILINE)
    assert rows[1:] == [str(layer.name) for layer in life_in_words(a_life()).layers]


def test_everything_that_is_recorded_is_in_the_table_and_nothing_else() -> None:
    table = section("What is recorded, and why it harms nobody").partition("\n\nNo key")[0]
    named = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)))
    fields = {*LifeRecord.__struct_fields__, *ProtectionRecord.__struct_fields__} - {"protection"}
    assert set(named) == fields
    assert len(named) == len(fields)


def test_the_files_it_names_are_there() -> None:
    where = section("Where it is")
    named = re.findall(r"`((?:mls|client|tui|cli|end_to_end)/[\w/]+\.py)`", where)
    assert len(named) >= 8
    roots = (ROOT / "src" / "sottovoce", ROOT / "tests")
    assert [name for name in named if not any((root / name).exists() for root in roots)] == []
