"""Where the official vectors are, and what is asked of those that were spoilt."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sottovoce.mls import ValidationError, ValidationRule

SHARED = Path(os.environ.get("SOTTOVOCE_SHARED", Path(__file__).parents[3] / "shared"))
PASSIVE_CLIENT = "passive-client-*"
"""Of this form is what ``SOTTOVOCE_VECTORS`` names too: files, with the system's path separator between."""


def vector_files(name: str) -> list[Path]:
    """Return the official files of that name, and whatever else there is of their form."""
    found = sorted((SHARED / "mls-vectors").glob(f"{name}.json"))
    if name == PASSIVE_CLIENT:
        named = os.environ.get("SOTTOVOCE_VECTORS", "").split(os.pathsep)
        found += [Path(one) for one in named if one]
    return found


def read_vectors(*names: str) -> Any:
    """Return what one of the other shared files holds; a module that asks where it is not is skipped."""
    path = SHARED.joinpath(*names)
    if not path.exists():
        pytest.skip(f"the official vectors are not here: {path}", allow_module_level=True)
    return json.loads(path.read_text())


class Refusals:
    """Counts what is refused, and checks that it is refused for the right reason."""

    def __init__(self) -> None:
        self.count = 0

    def expect(self, why: ValidationRule | type[Exception], attempt: Callable[[], object]) -> None:
        """Check that ``attempt`` raises the ``ValidationError`` of that rule, or exactly that error."""
        kind = ValidationError if isinstance(why, ValidationRule) else why
        with pytest.raises(kind) as caught:
            attempt()
        if isinstance(why, ValidationRule):
            assert isinstance(caught.value, ValidationError)
            assert caught.value.rule is why, caught.value
            assert str(caught.value).startswith(why.identifier)
        else:
            assert type(caught.value) is why, caught.value
        self.count += 1

    def differs(self, spoilt: object, honest: object) -> None:
        """Check that what cannot be refused, a derivation from other inputs, has another result."""
        assert spoilt != honest
        self.count += 1
