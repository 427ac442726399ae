"""No text of the app is read as markup: a rule over its source (threat E1)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import sottovoce.tui

SOURCE = Path(sottovoce.tui.__file__).parent
TAKE_MARKUP = {"Static", "Label", "OptionList"}
"""Widgets that read what they show as markup unless they are told not to."""
READERS = {"from_markup", "from_ansi", "from_rich_text", "render_markup"}
TITLES = {"border_title", "border_subtitle", "tooltip"}
"""Attributes that are read as markup unless they are given a text object."""


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_off(call: ast.Call) -> bool:
    values = [keyword.value for keyword in call.keywords if keyword.arg == "markup"]
    return [value.value for value in values if isinstance(value, ast.Constant)] == [False]


def _is_text_object(node: ast.expr) -> bool:
    """Whether ``node`` is ``Content(...)``, ``Content.assemble(...)`` or the same of ``Text``."""
    if not isinstance(node, ast.Call):
        return False
    maker = node.func.value if isinstance(node.func, ast.Attribute) else node.func
    return _name(maker) in {"Content", "Text"}


def _refused(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return any(_name(target) in TITLES for target in node.targets) and not _is_text_object(node.value)
    if isinstance(node, ast.ClassDef):
        return _is_text_widget(node) and not any(map(_is_own_start, ast.walk(node)))
    if isinstance(node, ast.Attribute | ast.Name):
        return _name(node) in READERS
    if not isinstance(node, ast.Call):
        return False
    called = _name(node.func)
    if called in {*TAKE_MARKUP, "notify"}:
        return not _is_off(node)
    if called == "Button":
        return not (node.args and _is_text_object(node.args[0]))
    return any(keyword.arg == "markup" for keyword in node.keywords) and not _is_off(node)


def _is_text_widget(node: ast.ClassDef) -> bool:
    return any(_name(base) in TAKE_MARKUP for base in node.bases)


def _is_own_start(node: ast.AST) -> bool:
    """Whether ``node`` is ``super().__init__(..., markup=False)``."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "__init__"
        and _is_off(node)
    )


def _refusals(source: str) -> Iterator[int]:
    return (getattr(node, "lineno", 0) for node in ast.walk(ast.parse(source)) if _refused(node))


def test_nothing_shown_is_read_as_markup() -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{line}"
        for path in sorted(SOURCE.rglob("*.py"))
        for line in _refusals(path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "Static(text)", "Static(text, markup=True)", "Static(text, markup=wanted)", "Label(text)",
        "widgets.Label(text)", "OptionList(one, two)", "Content.from_markup(text)", "Text.from_ansi(text)",
        "make = Text.from_markup", "self.notify(text)", "self.app.notify(text, markup=True)",
        "Button(text)", "Button(label=text)", "Other(text, markup=True)",
        "frame.border_title = text", "class Line(Static): ...",
        "class Line(Static):\n def __init__(self): super().__init__(text)",
    ],
)  # fmt: skip
def test_the_rule_refuses(source: str) -> None:
    assert list(_refusals(source))


@pytest.mark.parametrize(
    "source",
    [
        "Static(text, markup=False)", "self.notify(text, markup=False)", "Button(Content(text))",
        "frame.border_title = Content(text)", "Other(text)",
        "class Line(Static):\n def __init__(self): super().__init__(text, markup=False)",
    ],
)  # fmt: skip
def test_the_rule_lets_pass(source: str) -> None:
    assert not list(_refusals(source))
