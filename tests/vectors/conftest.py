"""Official vectors: where they are, one test for each, and a count of those that ran."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from sottovoce.crypto.suites import SUPPORTED

SHARED = Path(os.environ.get("SOTTOVOCE_SHARED", Path(__file__).parents[3] / "shared"))
_ran: Counter[str] = Counter()
_failed: Counter[str] = Counter()
_beyond: Counter[str] = Counter()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "mls_vectors(name): one test for each vector of that file")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test marked ``mls_vectors`` its ``vector``: one test each, suites of another issue left out."""
    marker = metafunc.definition.get_closest_marker("mls_vectors")
    if marker is None:
        return
    path = SHARED / "mls-vectors" / f"{marker.args[0]}.json"
    if not path.is_file():
        absent = pytest.param(None, marks=pytest.mark.skip(reason=f"no vectors at {path}"))
        metafunc.parametrize("vector", [absent], ids=["absent"])
        return
    vectors = json.loads(path.read_text())
    within = [one for one in vectors if one.get("cipher_suite", 1) in SUPPORTED]
    _beyond[marker.args[0]] = len(vectors) - len(within)
    ids = [
        f"{at}-suite{one['cipher_suite']}" if "cipher_suite" in one else str(at)
        for at, one in enumerate(within)
    ]
    metafunc.parametrize("vector", within, ids=ids)


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
    line = f"official vectors: {counts or '0 run'}; failed: {sum(_failed.values())}"
    if sum(_beyond.values()):
        line += f"; mls {sum(_beyond.values())} of suites 4 and 6 (X448) are beyond these suites"
    terminalreporter.write_line(line)
