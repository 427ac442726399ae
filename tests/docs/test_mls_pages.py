"""Every example of docs/mls runs, page by page: what a page says is what happens."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from sottovoce import mls
from sottovoce.crypto import errors

MLS = Path(__file__).parents[2] / "docs" / "mls"
PAGES = sorted(MLS.glob("*.md"))
NUMBERED = [page for page in PAGES if re.match(r"\d\d-", page.name)]
HEADINGS = ("What you need to know", "What can go wrong")


def program(page: Path) -> str:
    """The Python blocks of a page as one program, each line where it stands on the page."""
    is_code = False
    lines = []
    for line in page.read_text(encoding="utf-8").splitlines():
        is_fence = line.startswith("```")
        lines.append(line if is_code and not is_fence else "")
        if is_fence:
            is_code = line == "```python"
    return "\n".join(lines) + "\n"


def imported(page: Path) -> list[str]:
    """The modules a page's examples import from."""
    tree = ast.parse(program(page))
    found = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return found + [
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    ]


def names(page: Path) -> str:
    return page.name


@pytest.mark.parametrize("page", [page for page in PAGES if program(page).strip()], ids=names)
def test_the_examples_of_a_page_run(page: Path) -> None:
    exec(compile(program(page), str(page), "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_an_example_needs_public_names_only(page: Path) -> None:
    own = [module for module in imported(page) if module.startswith("sottovoce")]
    assert [one for one in own if not re.fullmatch(r"sottovoce\.(mls|crypto\.\w+|errors)", one)] == []
    attributes = [node.attr for node in ast.walk(ast.parse(program(page))) if isinstance(node, ast.Attribute)]
    assert [name for name in attributes if name.startswith("_")] == []


@pytest.mark.parametrize("page", NUMBERED, ids=names)
def test_a_page_shows_proves_and_warns(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [heading for heading in HEADINGS if f"## {heading}\n" not in text] == []
    assert any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(program(page))))


def test_the_pages_are_numbered_without_a_gap_and_listed() -> None:
    assert [int(page.name[:2]) for page in NUMBERED] == list(range(1, len(NUMBERED) + 1))
    readme = (MLS / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES if page.name != "README.md" and f"]({page.name})" not in readme] == []


def test_every_module_is_said_to_do_something() -> None:
    table = (MLS / "how-it-is-built.md").read_text(encoding="utf-8").partition("## Who does what")[2]
    named = [
        name
        for row in re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    ]
    modules = {path.stem for path in Path(mls.__file__).parent.glob("*.py")} - {"__init__"}
    assert sorted(named) == sorted(modules)


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_error_and_rule_a_page_names_exists(page: Path) -> None:
    warnings = page.read_text(encoding="utf-8").partition("## What can go wrong")[2]
    rows = re.findall(r"^\| `(\w+)` \|", warnings, re.MULTILINE)
    assert [name for name in rows if not (hasattr(mls, name) or hasattr(errors, name))] == []
    rules = re.findall(r"\b[A-Z]\d\d\b", warnings)
    assert set(rules) <= {rule.identifier for rule in mls.ValidationRule}
