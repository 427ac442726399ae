"""Official vectors: where they are, one test for each, and a count of what was taken and what was refused."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "mls"))

from official_vectors import SHARED, Refusals, vector_files

_taken: Counter[str] = Counter()
_refused: Counter[str] = Counter()
_failed: Counter[str] = Counter()
_absent: Counter[str] = Counter()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "mls_vectors(name): one test for each vector of the files of that name"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test marked ``mls_vectors`` its ``vector``: one test each."""
    marker = metafunc.definition.get_closest_marker("mls_vectors")
    if marker is None:
        return
    name = marker.args[0]
    vectors = []
    for path in vector_files(name):
        for at, one in enumerate(json.loads(path.read_text())):
            suite = f"-suite{one['cipher_suite']}" if "cipher_suite" in one else ""
            vectors.append(pytest.param(one, id=f"{path.stem}:{at}{suite}"))
    if not vectors:
        reason = f"no vectors at {SHARED / 'mls-vectors' / name}.json"
        vectors.append(pytest.param(None, id="absent", marks=pytest.mark.skip(reason=reason)))
    metafunc.parametrize("vector", vectors)


@pytest.fixture
def refusals(record_property: Callable[[str, object], None]) -> Iterator[Refusals]:
    found = Refusals()
    yield found
    record_property("refused", found.count)


def _file(nodeid: str) -> str:
    """Return whose vectors a test runs: a file's name, or the family where a test reads its own."""
    module, _, test = nodeid.rpartition("::")
    if ":" in test:
        return test.partition("[")[2].partition(":")[0]
    return module.rpartition("/")[2].removeprefix("test_").removesuffix(".py").removesuffix("_vectors")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if "vectors/" not in report.nodeid:
        return
    file = _file(report.nodeid)
    refused = dict(report.user_properties).get("refused")
    if report.failed:
        _failed[file] += 1
    elif report.skipped:
        _absent[file] += 1
    elif report.when == "teardown" and isinstance(refused, int):
        _refused[file] += refused
    elif report.when == "call" and "_refused[" not in report.nodeid:
        _taken[file] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _absent:
        count = sum(_absent.values())
        terminalreporter.write_line(
            f"official vectors: {count} tests skipped, for there are none at {SHARED}"
        )
    files = sorted({*_taken, *_refused, *_failed})
    if not files:
        return
    terminalreporter.section("official vectors: tests passed, spoilt cases refused", "-")
    for file in files:
        failed = f"  {_failed[file]} FAILED" if _failed[file] else ""
        terminalreporter.write_line(f"{file:32} {_taken[file]:>6,} {_refused[file]:>8,}{failed}")
    sums = [sum(one.values()) for one in (_taken, _refused, _failed)]
    terminalreporter.write_line("{:32} {:>6,} {:>8,}  failed: {}".format("in all", *sums))
