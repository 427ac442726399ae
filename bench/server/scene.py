"""A fresh data directory, a server on it, load processes beside it: what every workload begins with."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

from bench.seed_server import named, seed
from bench.server import latencies, machine
from bench.server.orders import Connect, Drain, Open, Report
from bench.server.processes import Load, Server, reference, running, sottovoce
from bench.server.sizes import Sizes
from sottovoce.link.messages import Append
from sottovoce.link.parts import Outgoing
from sottovoce.server.appending import Appender, Gathered
from sottovoce.server.store.database import DATABASE_NAME, open_connection
from sottovoce.server.tls import own_tls_files

_PATIENCE: Final = 150.0
_DRAIN_PATIENCE: Final = 60.0
_NOTHING_MORE_SECONDS: Final = 10.0
_MOST_LOADS: Final = 4
_FILLED_AT_ONCE: Final = 100
_REQUESTS_AT_ONCE: Final = 50


@dataclass
class Result:
    """What one workload measured, here and with the reference; ``failure`` says why there is nothing."""

    workload: str
    ours: dict[str, float] = field(default_factory=dict)
    reference: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    failure: str = ""
    seconds: float = 0.0


def new_marker() -> bytes:
    """Return the 8 bytes that tell one run's messages; filler and frames do not have the first two."""
    return b"\xfe\xff" + os.urandom(6)


@dataclass
class Scene:
    """One server and its load, for one workload."""

    sizes: Sizes
    directory: Path
    server: Server
    load: Load
    marker: bytes
    in_each: int

    def connect(self, count: int, *, first: int = 0, users: int, at_a_time: int = 32) -> Report:
        """Bring up connections, shared out among the load processes."""
        parts = self.load.count
        edges = [first + part * count // parts for part in range(parts + 1)]
        self.load.give(
            [
                Connect(
                    port=self.server.port, marker=self.marker, first=edge, count=end - edge,
                    users=users, in_each=self.in_each, at_a_time=at_a_time,
                )
                for edge, end in pairwise(edges)
            ]
        )  # fmt: skip
        return self.load.reports(_PATIENCE)

    def open_order(self, rate: float, warm: float, seconds: float) -> Open:
        """Return what each load process is to do, so that all together send ``rate`` messages a second."""
        return Open(rate=rate / self.load.count, warm=warm, seconds=seconds, server=self.server.pid)

    def drained(self) -> Report:
        """Wait until all that was sent is acknowledged and delivered, or nothing more comes.

        Who was told to catch up is sent less. Else the server may be kept waiting, by the disk perhaps.
        """
        before, last = -1, time.monotonic()
        while True:
            report = self.load.do(Drain(), _DRAIN_PATIENCE)
            is_all = (
                report.total_arrived >= report.total_sent * self.in_each
                and report.total_acknowledged >= report.total_sent
            )
            if report.total_arrived != before:
                before, last = report.total_arrived, time.monotonic()
            elif report.told_to_catch_up or time.monotonic() > last + _NOTHING_MORE_SECONDS:
                return report
            if is_all:
                return report


@contextlib.contextmanager
def scene(
    sizes: Sizes,
    *,
    users: int,
    rooms: int = 1,
    connections: int = 0,
    in_each: int = 0,
    is_reference: bool = False,
    prepare: Callable[[Path], None] = lambda _data: None,
    loads: int = 0,
) -> Iterator[Scene]:
    """Yield a started server with ``users`` and ``rooms`` (see :func:`bench.seed_server.seed`), and load.

    ``prepare`` is given the data directory before the server starts. ``loads``: processes of load, by
    default one for each core that the server does not have.
    """
    directory = Path(tempfile.mkdtemp(prefix="sottovoce-bench-"))
    try:
        data = new_data(directory, users=users, rooms=rooms, connections=connections or users)
        prepare(data)
        server = reference(data) if is_reference else sottovoce(data)
        _, cores = machine.cores()
        load = Load(directory, processes=loads or min(len(cores), _MOST_LOADS))
        with running(load, server):
            yield Scene(sizes, directory, server, load, new_marker(), in_each)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def new_data(directory: Path, *, users: int, rooms: int, connections: int) -> Path:
    """Make a server's data directory with a certificate, accounts, devices and rooms; returns it."""
    data = directory / "data"
    seed(data, users=users, room_count=rooms, connections=connections)
    own_tls_files(data, ["localhost"], datetime.now(UTC))
    return data


def fill(data: Path, rooms: Sequence[int], *, entries: int, payload: int) -> None:
    """Put ``entries`` into each room, by its members in turn: the server's own code, large transactions."""
    db = open_connection(data / DATABASE_NAME)
    with contextlib.closing(db):
        appender = Appender()
        for room in rooms:
            _fill_room(db, appender, named("room", room)[:16], entries, payload)


def _fill_room(
    db: sqlite3.Connection, appender: Appender, room_id: bytes, entries: int, payload: int
) -> None:
    devices = [row[0] for row in db.execute(
        "SELECT device FROM roster JOIN rooms r ON r.id = room WHERE r.room_id = ?", (room_id,)
    )]  # fmt: skip
    text = os.urandom(payload)
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    for start in range(0, entries, _FILLED_AT_ONCE * _REQUESTS_AT_ONCE):
        stop = min(entries, start + _FILLED_AT_ONCE * _REQUESTS_AT_ONCE)
        gathered = Gathered()
        for at in range(start, stop, _FILLED_AT_ONCE):
            messages = [
                Outgoing(now_ms.to_bytes(6) + number.to_bytes(10), 0, text)
                for number in range(at, min(stop, at + _FILLED_AT_ONCE))
            ]
            gathered.append((devices[at % len(devices)], Append(1, room_id, messages)))
        db.execute("BEGIN IMMEDIATE")
        appended = appender.append(db, gathered, now_ms)
        db.execute("COMMIT")
        for outcome in appended.outcomes:
            if isinstance(outcome, Exception):
                raise outcome


def figures(report: Report) -> dict[str, float]:
    """Return what most workloads tell of a report's measured part. Shares are of one core."""
    return {
        "deliveries_per_second": report.deliveries / report.seconds,
        "messages_per_second": report.sent / report.seconds,
        "p50_ms": latencies.quantile(report.latencies, 0.5),
        "p99_ms": latencies.quantile(report.latencies, 0.99),
        "server_core": report.server_cpu / report.seconds,
        "server_us_per_delivery": report.server_cpu * 1e6 / max(1, report.deliveries),
        "load_core": report.load_cpu / report.seconds,
    }


def losses(report: Report, in_each: int) -> dict[str, float]:
    """Return what went wrong since the connections came up; all zero when nothing did."""
    return {
        "lost": report.total_acknowledged * in_each - report.total_arrived,
        "unacknowledged": report.total_sent - report.total_acknowledged,
        "told_to_catch_up": report.told_to_catch_up,
        "refused": report.refused,
        "lost_connections": report.lost_connections,
    }
