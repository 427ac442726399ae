"""How large each workload is: by default, in a quick run, and for the test of the bench itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Soak:
    """See :class:`bench.server.orders.Churn`."""

    connections: int = 300
    rooms: int = 30
    seconds: float = 15.0
    rate: float = 200.0
    reconnections: float = 10.0
    slow: int = 3
    asleep: float = 5.0
    large: int = 32 * 1024


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of connections, rates and durations (seconds)."""

    warm: float = 1.0
    seconds: float = 4.0
    stage_warm: float = 0.4
    stage_seconds: float = 1.3
    stages: int = 14
    first_rate: float = 500.0
    most_p99_ms: float = 250.0
    least_delivered: float = 0.96
    room: int = 50
    large_room: int = 500
    rooms: int = 50
    in_each: int = 10
    idle: int = 5000
    login_seconds: float = 4.0
    fixed_deliveries: float = 36_000.0
    fixed_seconds: float = 6.0
    kills: int = 3
    kill_after: float = 2.0
    kill_senders: int = 2
    kill_window: int = 8
    backlog: int = 100_000
    backlog_rooms: int = 10
    backlog_rate: float = 1000.0
    entries: int = 1_000_000
    starts: int = 5
    soak: Soak = Soak()


DEFAULT: Final = Sizes()
QUICK: Final = Sizes(
    warm=0.5, seconds=2.0, stage_warm=0.3, stage_seconds=0.7, stages=11, idle=1000, login_seconds=2.0,
    fixed_seconds=3.0, kills=1, kill_after=1.0, backlog=20_000, entries=100_000, starts=3,
    soak=Soak(connections=100, rooms=10, seconds=8.0, asleep=3.0, large=64 * 1024),
)  # fmt: skip
TINY: Final = Sizes(
    warm=0.05, seconds=0.2, stage_warm=0.05, stage_seconds=0.15, stages=2, first_rate=50.0, room=5,
    most_p99_ms=60_000.0, least_delivered=0.0,
    large_room=6, rooms=2, in_each=3, idle=8, login_seconds=0.2, fixed_deliveries=100.0,
    fixed_seconds=1.0, kills=1, kill_after=0.2, backlog=1500, backlog_rooms=1, backlog_rate=50.0,
    entries=2000, starts=1,
    soak=Soak(connections=6, rooms=2, seconds=1.0, rate=30.0, reconnections=4.0, slow=1, asleep=0.4),
)  # fmt: skip
"""So small that its figures mean nothing: whether the bench works is all that it shows."""

MANY_KILLS: Final = replace(DEFAULT, kills=20, kill_after=5.0, kill_senders=10, kill_window=64)

LONG_SOAK: Final = replace(
    DEFAULT,
    soak=Soak(
        connections=10_000, rooms=1000, seconds=600.0, rate=500.0, reconnections=25.0, slow=5, asleep=20.0
    ),
)
