"""Official vectors: where they are, one test for each, and a count of those that ran."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("SOTTOVOCE_SHARED", Path(__file__).parents[3] / "shared"))
_ran: Counter[str] = Counter()
_failed: Counter[str] = Counter()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "mls_vectors(name): one test for each vector of that file")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test marked ``mls_vectors`` its ``vector``: one test each."""
    marker = metafunc.definition.get_closest_marker("mls_vectors")
    if marker is None:
        return
    path = SHARED / "mls-vectors" / f"{marker.args[0]}.json"
    if not path.is_file():
        absent = pytest.param(None, marks=pytest.mark.skip(reason=f"no vectors at {path}"))
        metafunc.parametrize("vector", [absent], ids=["absent"])
        return
    vectors = json.loads(path.read_text())
    ids = [
        f"{at}-suite{one['cipher_suite']}" if "cipher_suite" in one else str(at)
        for at, one in enumerate(vectors)
    ]
    metafunc.parametrize("vector", vectors, ids=ids)


def _family(nodeid: str) -> str | None:
    name = nodeid.split("::", 1)[0].rsplit("/", 1)[-1]
    if "vectors/" not in nodeid:
        return None
    return name.removeprefix("test_").split("_", 1)[0]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    family = _family(report.nodeid)
    if family is not None and report.when == "call":
        (_ran if report.passed else _failed)[family] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _ran and not _failed:
        return
    counts = ", ".join(f"{family} {number} run" for family, number in sorted(_ran.items()))
    terminalreporter.write_line(f"official vectors: {counts or '0 run'}; failed: {sum(_failed.values())}")
