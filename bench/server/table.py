"""The results of a run as one Markdown table, for people, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.server.scene import Result

Figures = Mapping[str, float]

_LONG: Final = 60.0  # seconds: before, a server is still filling its caches

_HARNESS: Final = "of the C limit: shared harness"


@dataclass(frozen=True)
class Line:
    """One line of the table: a figure, its aim, and whether that is reached (None: not judged here)."""

    workload: str
    what: str
    figure: str
    unit: str
    aim: str = ""
    is_reached: Callable[[Figures], bool | None] = lambda _figures: None


LINES: Final = (
    Line("W1", "1 room of 50, 5 senders, window 16", "deliveries_per_second", "/s", f">= 0.40 {_HARNESS}"),
    Line("W1", "latency, p99", "p99_ms", "ms"),
    Line("W1", "server's CPU for a delivery", "server_us_per_delivery", "us"),
    Line("W2", "1 room of 500, 1 sender, window 4", "deliveries_per_second", "/s", f">= 0.60 {_HARNESS}"),
    Line("W2", "latency, p99", "p99_ms", "ms"),
    Line("W2", "server's CPU for a delivery", "server_us_per_delivery", "us"),
    Line(
        "W3", "50 rooms of 10, open loop, p99 <= 250 ms", "deliveries_per_second", "/s", f">= 0.40 {_HARNESS}"
    ),
    Line("W3", "latency at that rate, p99", "p99_ms", "ms"),
    Line("W3", "server's CPU for a delivery", "server_us_per_delivery", "us"),
    Line(
        "W4", "memory of an idle connection", "kib_per_connection", "KiB", "<= 18 KiB",
        lambda x: x["kib_per_connection"] <= 18,
    ),
    Line("W5", "full handshake + device login", "logins_per_second", "/s", f">= 0.8 {_HARNESS}"),
    Line("W5", "server's CPU for each", "server_ms_per_login", "ms"),
    Line(
        "fixed", "36,000 deliveries/s in rooms of 10", "server_core", "core", "<= 0.55 core",
        lambda x: x["server_core"] <= 0.55,
    ),
    Line("fixed", "latency, p99", "p99_ms", "ms", "<= 6 ms", lambda x: x["p99_ms"] <= 6),
    Line(
        "W6", "acknowledged messages lost by kill -9", "lost", "", "0 lost, doubled or out of order",
        lambda x: x["acknowledged"] > 0 and not (x["lost"] or x["doubled"] or x["out_of_order"]),
    ),
    Line(
        "W6", "acknowledgements that left before a sync", "replies_before_sync", "", "0",
        lambda x: x["replies_traced"] > 0 and x["replies_before_sync"] == 0,
    ),
    Line("W6", "syncs per message under load", "syncs_per_message_under_load", ""),
    Line(
        "storm", "p99 of messages in a storm of logins / without", "p99_ratio", "x", "<= 2x",
        lambda x: x["p99_ratio"] <= 2,
    ),
    Line("storm", "logins meanwhile", "logins_per_second", "/s"),
    Line("backlog", "100,000 entries fetched by one client", "entries_per_second", "/s"),
    Line("backlog", "p99 of the live ones meanwhile / without", "p99_ratio", "x"),
    Line(
        "startup", "serve listens, 1,000,000 entries there", "listening_ms", "ms", "< 300 ms",
        lambda x: x["listening_ms"] < 300,
    ),
    Line("startup", "sottovoce --help", "help_ms", "ms", "< 150 ms", lambda x: x["help_ms"] < 150),
    Line("soak", "entries lost in churn", "lost", "", "0", lambda x: x["lost"] == 0),
    Line(
        "soak", "memory, late / early", "late_to_early", "x", "flat (<= 1.1x)",
        lambda x: x["late_to_early"] <= 1.1 if x["seconds"] >= _LONG else None,
    ),
    Line(
        "soak", "memory gained under churn", "growth_mib", "MiB", "<= 64 + 1 MiB for each slow reader",
        lambda x: x["growth_mib"] <= x["allowed_growth_mib"],
    ),
)  # fmt: skip
"""Ratios to the C limit and to other servers are for the shared harness to tell."""


@dataclass(frozen=True)
class Run:
    """All that one run has measured."""

    versions: Mapping[str, str]
    results: Sequence[Result]
    seconds: float

    def as_json(self) -> dict[str, object]:
        """Return all of it. The unit is in each figure's name; shares are of one core, others are counts."""
        return {
            "versions": dict(self.versions),
            "workloads": {
                one.workload: {
                    "ours": _finite(one.ours),
                    "reference": _finite(one.reference),
                    "ratios": {
                        name: value / one.reference[name]
                        for name, value in _finite(one.ours).items()
                        if value is not None and one.reference.get(name)
                    },
                    "reached": {
                        line.figure: reached
                        for line in _lines(one)
                        if (reached := line.is_reached(one.ours)) is not None
                    },
                    "notes": one.notes,
                    "failure": one.failure,
                    "seconds": one.seconds,
                }
                for one in self.results
            },
            "seconds": self.seconds,
        }

    def lines(self) -> Iterator[str]:
        """Yield the Markdown: the table, then what it leaves open."""
        yield ", ".join(f"{name} {version}" for name, version in self.versions.items())
        yield ""
        yield "| | workload | ours | reference | ratio | aim | | cores: server, load |"
        yield "|---|---|---:|---:|---:|---|---|---|"
        for result in self.results:
            if result.failure:
                yield f"| {result.workload} | failed: {result.failure} | | | | | no | |"
                continue
            yield from (_row(line, result) for line in _lines(result))
        yield ""
        yield "reference: a plain asyncio TLS fan-out in the same run, nothing stored, nobody checked"
        yield from (f"{result.workload}: {note}" for result in self.results for note in result.notes)
        for result in self.results:
            wrong = {name: result.ours[name] for name in _WRONGS if result.ours.get(name)}
            if wrong:
                yield f"{result.workload}: " + ", ".join(f"{_number(n)} {name}" for name, n in wrong.items())
        yield f"{self.seconds:.0f} seconds"


_WRONGS: Final = (
    "lost", "doubled", "out_of_order", "unacknowledged", "told_to_catch_up", "refused", "lost_connections"
)  # fmt: skip


def _lines(result: Result) -> list[Line]:
    return [line for line in LINES if line.workload == result.workload and line.figure in result.ours]


def _row(line: Line, result: Result) -> str:
    value, other = result.ours[line.figure], result.reference.get(line.figure)
    ratio = f"{value / other:.2f}" if other else ""
    reached = {True: "yes", False: "no", None: ""}[line.is_reached(result.ours)]
    cores = [result.ours[name] for name in ("server_core", "load_core") if name in result.ours]
    return (
        f"| {line.workload} | {line.what} | {_number(value)} {line.unit} | "
        f"{'' if other is None else f'{_number(other)} {line.unit}'} | {ratio} | {line.aim} | {reached} | "
        f"{', '.join(f'{core:.2f}' for core in cores)} |"
    )


def _number(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _finite(figures: Figures) -> dict[str, float | None]:
    """JSON has no NaN: a figure that could not be taken is null."""
    return {name: None if math.isnan(value) else value for name, value in figures.items()}
