"""What the bench orders a load process to do, one JSON line each, and the one line that answers.

Times are seconds. ``first`` and ``count`` name connections by the numbers they have in the whole run:
connection n is user ``n % users`` and in room ``n // in_each`` (:mod:`bench.seed_server` makes them).
"""

from __future__ import annotations

import msgspec

MESSAGE_BYTES = 300
"""Of payload in each message, as in the shared harness."""


class Order(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """Base of all orders."""


class Connect(Order, frozen=True, kw_only=True):
    """Connect and log in, ``at_a_time``; with ``in_each`` also subscribe to the connection's room.

    ``marker`` (8 bytes) stands in every message of the run and nowhere else. ``payload`` is its bytes.
    """

    port: int
    marker: bytes
    first: int
    count: int
    users: int
    in_each: int = 0
    payload: int = MESSAGE_BYTES
    at_a_time: int = 32


class Closed(Order, frozen=True, kw_only=True):
    """``senders`` (numbers of connections) keep ``window`` messages unacknowledged each.

    ``until_lost``: send until the connections break, ``warm + seconds`` at most.
    """

    senders: list[int]
    window: int
    warm: float
    seconds: float
    server: int
    until_lost: bool = False


class Open(Order, frozen=True, kw_only=True):
    """All connections send in turn, ``rate`` messages a second together, whether or not the server keeps up.

    A latency counts from when its message was due.
    """

    rate: float
    warm: float
    seconds: float
    server: int


class Drain(Order, frozen=True, kw_only=True):
    """Read until nothing has come for ``quiet`` seconds and all is sent, ``most`` seconds at the longest."""

    quiet: float = 0.25
    most: float = 15.0


class Idle(Order, frozen=True, kw_only=True):
    """Do nothing but read."""

    seconds: float
    server: int


class Logins(Order, frozen=True, kw_only=True):
    """Connect, shake hands in full, log a device in, close: ``at_a_time`` of them, over and over."""

    port: int
    first: int
    count: int
    at_a_time: int
    warm: float
    seconds: float
    server: int


class FetchAll(Order, frozen=True, kw_only=True):
    """Connect as one user and fetch ``entries`` of a room from the first, again and again for ``seconds``."""

    port: int
    user: int
    room: int
    entries: int
    seconds: float


class Churn(Order, frozen=True, kw_only=True):
    """``count`` connections in rooms of ``in_each``: messages, reconnections, slow readers.

    ``rate`` messages and ``reconnections`` a second in all. ``slow`` members of the first room, in which
    messages are ``large`` bytes long, read nothing for ``asleep`` seconds at a time.
    """

    port: int
    marker: bytes
    count: int
    in_each: int
    seconds: float
    rate: float
    reconnections: float
    slow: int
    asleep: float
    large: int
    server: int


class Close(Order, frozen=True, kw_only=True):
    """Close every connection."""


AnyOrder = Connect | Closed | Open | Drain | Idle | Logins | FetchAll | Churn | Close


class Report(msgspec.Struct, kw_only=True):
    """What came of an order: of its measured part, and totals since the process began."""

    seconds: float = 0.0
    sent: int = 0
    acknowledged: int = 0
    deliveries: int = 0
    """Copies that members other than the sender received."""
    completed: int = 0
    """Logins, or entries fetched."""
    latencies: dict[int, int] = {}
    """How many took how long: see :mod:`bench.server.latencies`."""
    load_cpu: float = 0.0
    server_cpu: float = 0.0
    total_sent: int = 0
    total_acknowledged: int = 0
    total_arrived: int = 0
    """Copies of messages that came at all, the senders' own among them."""
    told_to_catch_up: int = 0
    refused: int = 0
    lost_connections: int = 0
    acknowledged_by: dict[int, int] = {}
    """For each sender how many of its messages, from its first on, were acknowledged."""
    missing: int = 0
    resident: list[int] = []
    """The server's memory, KiB, second by second."""
    failure: str = ""
