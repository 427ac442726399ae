"""The workloads of the shared harness: fan-out, open loop, idle connections, logins, a fixed rate."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Final

from bench.server import latencies, machine
from bench.server.orders import Closed, Idle, Logins, Report
from bench.server.processes import BenchFailed
from bench.server.scene import Result, Scene, figures, losses, scene
from bench.server.sizes import Sizes

_BUSY: Final = 0.9
_LEAST_STEP: Final = 1.08
_PATIENCE: Final = 90.0
_LOGINS_AT_A_TIME: Final = 16


def beside_the_reference(
    name: str, measure: Callable[[Sizes, bool], dict[str, float]], sizes: Sizes
) -> Result:
    """Measure the server, then the reference, in the same way."""
    result = Result(name)
    result.ours = measure(sizes, False)
    try:
        result.reference = measure(sizes, True)
    except BenchFailed as error:
        result.notes.append(f"reference: {error}")
    return result


# --- W1, W2: closed loop -----------------------------------------------------------------------------------


def w1(sizes: Sizes) -> Result:
    """One room of 50, 5 senders, 16 messages under way each."""
    return beside_the_reference("W1", lambda s, r: _one_room(s, r, s.room, senders=5, window=16), sizes)


def w2(sizes: Sizes) -> Result:
    """One room of 500, 1 sender, 4 messages under way."""
    return beside_the_reference("W2", lambda s, r: _one_room(s, r, s.large_room, senders=1, window=4), sizes)


def _one_room(
    sizes: Sizes, is_reference: bool, members: int, *, senders: int, window: int
) -> dict[str, float]:
    with scene(sizes, users=members, in_each=members, is_reference=is_reference) as at:
        at.connect(members, users=members)
        chosen = [number * members // senders for number in range(senders)]
        parts = [part * members // at.load.count for part in range(at.load.count + 1)]
        at.load.give(
            [
                Closed(
                    senders=[one for one in chosen if start <= one < end],
                    window=window, warm=sizes.warm, seconds=sizes.seconds, server=at.server.pid,
                )
                for start, end in pairwise(parts)
            ]
        )  # fmt: skip
        measured = at.load.reports(_PATIENCE)
        return figures(measured) | losses(at.drained(), members)


# --- W3, fixed: open loop ----------------------------------------------------------------------------------


def w3(sizes: Sizes) -> Result:
    """50 rooms of 10, all of them send: the highest rate that is kept up."""
    return beside_the_reference("W3", _highest_rate, sizes)


def _highest_rate(sizes: Sizes, is_reference: bool) -> dict[str, float]:
    members = sizes.rooms * sizes.in_each
    with scene(
        sizes, users=members, rooms=sizes.rooms, in_each=sizes.in_each, is_reference=is_reference
    ) as at:
        at.connect(members, users=members)
        best, rate = _search(at)
        if best is None:
            raise BenchFailed("no rate was kept up")
        return figures(best) | {"rate": rate} | losses(at.drained(), sizes.in_each)


def _search(at: Scene) -> tuple[Report | None, float]:
    """Double the rate until it is not kept up, then bisect; returns the best stage and its rate.

    A stage that fails while neither side was busy is noise of the machine: it is tried once more.
    """
    sizes = at.sizes
    rate, low, high = sizes.first_rate, 0.0, 0.0
    best: Report | None = None
    is_second_try = False
    for _ in range(sizes.stages):
        report = at.load.do(at.open_order(rate, sizes.stage_warm, sizes.stage_seconds), _PATIENCE)
        at.drained()
        if _is_kept_up(report, rate, at.in_each, sizes):
            best, low, is_second_try = report, rate, False
        else:
            busiest = max(report.server_cpu, report.load_cpu / at.load.count)
            if busiest < _BUSY * report.seconds and not is_second_try:
                is_second_try = True
                continue
            high, is_second_try = rate, False
        if not high:
            rate *= 2
        elif low and high / low < _LEAST_STEP:
            break
        else:
            rate = (low * high) ** 0.5 if low else high / 2
    return best, low


def _is_kept_up(report: Report, rate: float, in_each: int, sizes: Sizes) -> bool:
    offered = rate * (in_each - 1) * report.seconds
    p99 = latencies.quantile(report.latencies, 0.99)
    return p99 <= sizes.most_p99_ms and report.deliveries >= sizes.least_delivered * offered


def fixed(sizes: Sizes) -> Result:
    """36,000 deliveries a second in rooms of 10: how much of a core, and how late; no batch flatters it."""
    members = sizes.rooms * sizes.in_each
    rate = sizes.fixed_deliveries / (sizes.in_each - 1)
    result = Result("fixed")
    with scene(sizes, users=members, rooms=sizes.rooms, in_each=sizes.in_each) as at:
        at.connect(members, users=members)
        report = at.load.do(at.open_order(rate, sizes.warm, sizes.fixed_seconds), _PATIENCE)
        result.ours = figures(report) | losses(at.drained(), sizes.in_each)
    return result


# --- W4, W5: connections -----------------------------------------------------------------------------------


def w4(sizes: Sizes) -> Result:
    """Connections that are logged in and do nothing: the server's memory for each."""
    result = Result("W4")
    users = min(sizes.idle, 1000)
    with scene(sizes, users=users) as at:
        empty = machine.resident_kib(at.server.pid)
        at.connect(sizes.idle, users=users)
        idle = at.load.do(Idle(seconds=sizes.warm, server=at.server.pid), _PATIENCE)
        full = machine.resident_kib(at.server.pid)
        result.ours = {
            "kib_per_connection": (full - empty) / sizes.idle,
            "connections": sizes.idle,
            "empty_kib": empty,
            "full_kib": full,
            "idle_core": idle.server_cpu / idle.seconds,
        }
    return result


def w5(sizes: Sizes) -> Result:
    """16 at a time: connect, full handshake, device login, close."""
    return beside_the_reference("W5", _logins, sizes)


def _logins(sizes: Sizes, is_reference: bool) -> dict[str, float]:
    users = 64
    with scene(sizes, users=users, is_reference=is_reference) as at:
        report = at.load.do(
            Logins(
                port=at.server.port, first=0, count=users, at_a_time=_LOGINS_AT_A_TIME,
                warm=sizes.warm, seconds=sizes.login_seconds, server=at.server.pid,
            ),
            _PATIENCE,
        )  # fmt: skip
        return {
            "logins_per_second": report.completed / report.seconds,
            "p99_ms": latencies.quantile(report.latencies, 0.99),
            "server_ms_per_login": report.server_cpu * 1e3 / max(1, report.completed),
            "server_core": report.server_cpu / report.seconds,
            "load_core": report.load_cpu / report.seconds,
        }
