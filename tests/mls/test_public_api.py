"""The public API of sottovoce.mls: its names and signatures as written down, frozen, typed, documented.

After a change that is meant, renew the snapshot: ``python tests/mls/test_public_api.py``.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import pytest

from sottovoce import mls

WIDTH = 90
SNAPSHOT = Path(__file__).with_name("public_api.txt")


def public(name: str) -> object:
    """What a public name stands for."""
    return getattr(mls, name)


class Shown:
    """Text that is its own ``repr``, so that a signature shows it without quotes."""

    def __init__(self, text: object) -> None:
        self.text = str(text)

    def __repr__(self) -> str:
        return self.text


def default(value: object) -> Shown:
    """A plain default as it is, any other by the name of its class: memory addresses tell nothing."""
    plain = value is None or isinstance(value, bool | int | str | bytes | tuple)
    return Shown(repr(value) if plain else f"<{getattr(value, '__name__', type(value).__name__)}>")


def signature(function: object) -> list[str]:
    """A function's parameters and result: on one line if it fits, else a line for each parameter."""
    found = inspect.signature(function)  # type: ignore[arg-type]
    parameters = [
        one.replace(
            annotation=one.empty if one.annotation is one.empty else Shown(one.annotation),
            default=one.empty if one.default is one.empty else default(one.default),
        )
        for one in found.parameters.values()
    ]
    whole = str(found.replace(parameters=parameters, return_annotation=Shown(found.return_annotation)))
    if len(whole) <= WIDTH:
        return [whole]
    shown = [str(one) for one in parameters]
    first_keyword = next((at for at, one in enumerate(parameters) if one.kind is one.KEYWORD_ONLY), None)
    if first_keyword is not None:
        shown.insert(first_keyword, "*")
    return ["(", *(f"    {one}," for one in shown), f") -> {found.return_annotation}"]


def plain(member: object) -> object:
    """The function inside a method, class method or property."""
    for inside in ("__func__", "fget", "func"):
        member = getattr(member, inside, member)
    return member


def own_members(kind: type) -> Iterator[tuple[str, object]]:
    """The public methods and properties a class defines itself, or has from a class of ours."""
    fields = {one.name for one in dataclasses.fields(kind)} if dataclasses.is_dataclass(kind) else set()
    for name in dir(kind):
        function = plain(inspect.getattr_static(kind, name))
        is_ours = inspect.isfunction(function) and function.__module__.startswith("sottovoce")
        if is_ours and not name.startswith("_") and name not in fields:
            yield name, inspect.getattr_static(kind, name)


def functions() -> Iterator[tuple[str, object]]:
    """Every public function, method and property, by its dotted name."""
    for name in mls.__all__:
        value = public(name)
        if inspect.isfunction(value):
            yield name, value
        elif inspect.isclass(value):
            yield from ((f"{name}.{member}", plain(found)) for member, found in own_members(value))


def inside(kind: type) -> Iterator[str]:
    """The lines that describe a class."""
    if issubclass(kind, mls.ValidationRule):
        yield from (f"{one.identifier} {one.name} ({one.section})" for one in kind)
    elif issubclass(kind, Enum):
        yield from (f"{one.name} = {one.value}" for one in kind)
    elif dataclasses.is_dataclass(kind):
        for one in dataclasses.fields(kind):
            has_default = (
                one.default is not dataclasses.MISSING or one.default_factory is not dataclasses.MISSING
            )
            yield f"{one.name}: {one.type}{' = ...' if has_default else ''}"
    for name, found in own_members(kind):
        if isinstance(found, classmethod | staticmethod):
            first, *more = signature(found.__func__)
            yield from (f"@{type(found).__name__} {name}{first}", *more)
        elif inspect.isfunction(found):
            first, *more = signature(found)
            yield from (f"def {name}{first}", *more)
        else:
            yield f"@property {name} -> {inspect.signature(plain(found)).return_annotation}"  # type: ignore[arg-type]


def lines() -> Iterator[str]:
    """The snapshot, line by line."""
    for name in sorted(mls.__all__, key=str.lower):
        value = public(name)
        if inspect.isclass(value):
            bases = ", ".join(base.__name__ for base in value.__bases__ if base is not object)
            yield f"class {name}({bases})" if bases else f"class {name}"
            yield from (f"    {line}" for line in inside(value))
        elif inspect.isfunction(value):
            first, *more = signature(value)
            yield from (f"def {name}{first}", *more)
        else:
            yield f"{name} = {value}"


def test_the_names_and_signatures_are_those_written_down() -> None:
    assert list(lines()) == SNAPSHOT.read_text(encoding="utf-8").splitlines()


def test_every_name_can_be_imported_and_is_listed_once() -> None:
    assert len(set(mls.__all__)) == len(mls.__all__)
    assert [name for name in mls.__all__ if not hasattr(mls, name)] == []
    with pytest.raises(AttributeError):
        mls.no_such_name  # noqa: B018  # asking for it is the test


def test_every_public_name_is_documented() -> None:
    classes = [name for name in mls.__all__ if inspect.isclass(public(name))]
    undocumented = [name for name in classes if not (vars(public(name)).get("__doc__") or "").strip()]
    undocumented += [name for name, value in functions() if not (inspect.getdoc(value) or "").strip()]
    assert undocumented == []


def test_every_annotation_is_there() -> None:
    def bare(function: object) -> bool:
        shown = inspect.signature(function)  # type: ignore[arg-type]
        takes = [one for one in shown.parameters.values() if one.name not in ("self", "cls")]
        return shown.return_annotation is shown.empty or any(one.annotation is one.empty for one in takes)

    assert [name for name, value in functions() if bare(value)] == []


def test_every_public_dataclass_is_frozen() -> None:
    classes = [public(name) for name in mls.__all__ if dataclasses.is_dataclass(public(name))]
    assert classes
    thawed = [one for one in classes if not one.__dataclass_params__.frozen]  # type: ignore[attr-defined]
    assert thawed == []


if __name__ == "__main__":
    SNAPSHOT.write_text("\n".join(lines()) + "\n", encoding="utf-8")
