"""Several things at once: a storm of logins, a long backlog, or churn while others talk."""

from __future__ import annotations

from typing import Final

from bench.server import latencies, machine
from bench.server.orders import Churn, FetchAll, Logins, Report
from bench.server.processes import Load, running
from bench.server.scene import Result, Scene, figures, fill, losses, scene
from bench.server.sizes import Sizes

_PATIENCE: Final = 90.0
_SOAK_PATIENCE: Final = 300.0
_NICE: Final = 10
_LOGINS_AT_A_TIME: Final = 16
_STRANGERS: Final = 100


def storm(sizes: Sizes) -> Result:
    """The fixed rate without, then with as many logins as fit: the p99 of messages in both."""
    members = sizes.rooms * sizes.in_each
    rate = sizes.fixed_deliveries / (sizes.in_each - 1)
    result = Result("storm")
    with scene(
        sizes,
        users=members + _STRANGERS,
        rooms=sizes.rooms,
        connections=members,
        in_each=sizes.in_each,
    ) as at:
        at.connect(members, users=members)
        order = at.open_order(rate, sizes.warm, sizes.fixed_seconds)
        quiet = at.load.do(order, _PATIENCE)
        at.drained()
        logins = Logins(
            port=at.server.port, first=members, count=_STRANGERS, at_a_time=_LOGINS_AT_A_TIME,
            warm=sizes.warm, seconds=sizes.fixed_seconds, server=at.server.pid,
        )  # fmt: skip
        others = Load(at.directory, nice=_NICE)
        with running(others):
            others.give([logins])
            loud = at.load.do(order, _PATIENCE)
            result.ours = _compared(quiet, loud)
            done = others.reports(_PATIENCE)
            result.ours["logins_per_second"] = done.completed / done.seconds
            result.ours["login_p99_ms"] = latencies.quantile(done.latencies, 0.99)
        result.ours |= losses(at.drained(), sizes.in_each)
    return result


def backlog(sizes: Sizes) -> Result:
    """A client that was away fetches 100,000 entries of its room while the others talk in theirs."""
    in_each = sizes.in_each
    members = sizes.backlog_rooms * in_each
    result = Result("backlog")
    with scene(
        sizes,
        users=members + in_each,
        rooms=sizes.backlog_rooms + 1,
        in_each=in_each,
        prepare=lambda data: fill(data, [0], entries=sizes.backlog, payload=300),
    ) as at:
        at.connect(members, first=in_each, users=members + in_each)
        order = at.open_order(sizes.backlog_rate, sizes.warm, sizes.fixed_seconds)
        quiet = at.load.do(order, _PATIENCE)
        at.drained()
        fetch = FetchAll(
            port=at.server.port,
            user=0,
            room=0,
            entries=sizes.backlog,
            seconds=sizes.warm + sizes.fixed_seconds,
        )
        others = Load(at.directory, nice=_NICE)
        with running(others):
            others.give([fetch])
            loud = at.load.do(order, _PATIENCE)
            fetched = others.reports(_PATIENCE)
        result.ours = _compared(quiet, loud) | {
            "entries_per_second": fetched.completed / fetched.seconds,
            "entries_fetched": fetched.completed,
            "fetch_load_core": fetched.load_cpu / fetched.seconds,
        }
        result.ours |= losses(at.drained(), in_each)
    return result


def soak(sizes: Sizes) -> Result:
    """Connections that come and go, slow readers: memory stays flat and nothing is lost."""
    soak = sizes.soak
    result = Result("soak")
    with scene(sizes, users=soak.connections, rooms=soak.rooms, loads=1) as at:
        empty = machine.resident_kib(at.server.pid)
        report = at.load.do(_churn_order(at), _SOAK_PATIENCE + soak.seconds)
        resident = report.resident
        quarter = max(1, len(resident) // 4)
        early, late = sorted(resident[quarter : 2 * quarter] or resident), sorted(resident[-quarter:])
        result.ours = {
            "connections": soak.connections,
            "seconds": report.seconds,
            "messages": report.acknowledged,
            "deliveries": report.deliveries,
            "reconnections": report.completed,
            "lost": report.missing,
            "told_to_catch_up": report.told_to_catch_up,
            "refused": report.refused,
            "lost_connections": report.lost_connections,
            "p99_ms": latencies.quantile(report.latencies, 0.99),
            "empty_kib": empty,
            "early_kib": early[len(early) // 2],
            "late_kib": late[len(late) // 2],
            "peak_kib": machine.resident_kib(at.server.pid, "VmHWM"),
            "late_to_early": late[len(late) // 2] / early[len(early) // 2],
            "growth_mib": (max(resident) - resident[0]) / 1024,
            "allowed_growth_mib": 64 + soak.slow,
            "server_core": report.server_cpu / report.seconds,
            "load_core": report.load_cpu / report.seconds,
        }
    return result


def _churn_order(at: Scene) -> Churn:
    soak = at.sizes.soak
    return Churn(
        port=at.server.port, marker=at.marker, count=soak.connections, in_each=soak.connections // soak.rooms,
        seconds=soak.seconds, rate=soak.rate, reconnections=soak.reconnections, slow=soak.slow,
        asleep=soak.asleep, large=soak.large, server=at.server.pid,
    )  # fmt: skip


def _compared(quiet: Report, loud: Report) -> dict[str, float]:
    alone, together = figures(quiet), figures(loud)
    return {
        **together,
        "p99_alone_ms": alone["p99_ms"],
        "p99_ratio": together["p99_ms"] / alone["p99_ms"],
        "server_core_alone": alone["server_core"],
    }
