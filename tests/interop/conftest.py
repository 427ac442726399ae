"""The other implementations, and a count of what was tried between them and us."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package; their shared parts are plain modules

from member import Member, Side
from node_process import INTEROP, NodeProcess, find_node
from our_member import OurMember
from ts_mls_member import TsMlsMember

_counts: Counter[str] = Counter()
_failed: Counter[str] = Counter()

Meet = Callable[[str, Side, int], Member]


def _start(program: str) -> NodeProcess:
    if find_node() is None or not (INTEROP / "node_modules").is_dir():
        pytest.skip("no Node or no interop/node_modules: `make interop` sets them up")
    return NodeProcess(program)


@pytest.fixture(scope="session")
def start_node() -> Callable[[str], NodeProcess]:
    """Start a program of ``interop/``."""
    return _start


@pytest.fixture(scope="session")
def ts_mls() -> Iterator[NodeProcess]:
    """A process that holds ts-mls members."""
    process = _start("ts_mls_peer.mjs")
    yield process
    process.close()


@pytest.fixture
def meet(ts_mls: NodeProcess) -> Iterator[Meet]:
    """Meet somebody: name, side, number of the suite."""
    theirs: list[TsMlsMember] = []

    def meet_one(name: str, side: Side, suite: int) -> Member:
        if side == "ours":
            return OurMember(name, suite)
        theirs.append(TsMlsMember(ts_mls, name, suite))
        return theirs[-1]

    yield meet_one
    for one in theirs:
        one.forget()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up what tests say of themselves with ``record_property``."""
    if "interop/" in report.nodeid and report.when == "call":
        for name, value in report.user_properties:
            (_counts if report.passed else _failed)[name] += value


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _counts or _failed:
        counts = ", ".join(f"{number} {name}" for name, number in sorted(_counts.items()))
        failed = sum(_failed.values())
        terminalreporter.write_line(f"interoperation: {counts}; failed: {failed}")
