"""The load process: obeys orders from standard input, one JSON line each, and answers each with a line.

One thread on epoll; between orders it reads nothing. Run by :class:`bench.server.processes.Load`.
"""

from __future__ import annotations

import gc
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from bench.server import latencies, machine, wire
from bench.server.churn import churn
from bench.server.connection import Connection, LoadFailed, Poller
from bench.server.orders import (
    AnyOrder,
    Churn,
    Close,
    Closed,
    Connect,
    Drain,
    FetchAll,
    Idle,
    Logins,
    Open,
    Report,
)
from sottovoce.link.messages import Fetch, FetchReply, ServerMessage

_WATCHED: Final = 10
"""Every which connection has the latency of all it receives taken; at the least ..."""
_LEAST_WATCHED: Final = 5
_SETUP_SECONDS: Final = 120.0
_DELIVERY_SECONDS: Final = 15.0
_LONGEST_POLL: Final = 0.005
_AT_ONCE: Final = 2000
_BREAKING_SECONDS: Final = 2.0
_orders: Final = msgspec.json.Decoder(AnyOrder)


class Load:
    """The connections of one process, and what they have counted."""

    def __init__(self) -> None:
        self.poller = Poller()
        self.connections: list[Connection] = []
        self.report = Report()
        self._marker = b""
        self._samples: list[int] = []
        self._is_measuring = False
        self._refill: dict[Connection, int] = {}
        self._lost = 0

    def obey(self, order: AnyOrder) -> Report:
        """Do what is ordered; what cannot be done is told in the report."""
        try:
            match order:
                case Connect():
                    self._connect(order)
                case Closed():
                    self._closed(order)
                case Open():
                    self._open(order)
                case Drain():
                    self._drain(order)
                case Idle():
                    self._measured(0.0, order.seconds, order.server, self._poll)
                case Logins():
                    self._logins(order)
                case FetchAll():
                    self._fetch(order)
                case Churn():
                    self.report = churn(order)
                case Close():
                    self._close()
        except (LoadFailed, OSError) as error:
            self.report.failure = str(error)
        return self._with_totals()

    # --- connecting ----------------------------------------------------------------------------------------

    def _connect(self, order: Connect) -> None:
        """Bring up all connections; then they only count."""
        ready: list[Connection] = []
        latency: list[int] = []

        def on_ready(connection: Connection) -> None:
            latency.append(time.monotonic_ns() - connection.began)
            ready.append(connection)

        began = time.monotonic()
        self._marker = order.marker
        self.poller.lost = _lost_early
        numbers = deque(range(order.first, order.first + order.count))
        started = 0
        while len(ready) < order.count:
            while numbers and started - len(ready) < order.at_a_time:
                number = numbers.popleft()
                room = wire.room_id(number // order.in_each) if order.in_each else None
                connection = Connection(
                    self.poller, number, number % order.users, room,
                    on_ready=on_ready, on_arrived=self._arrived,
                )  # fmt: skip
                if room is not None:
                    connection.sender = wire.Sender(number, room, order.marker, order.payload)
                connection.start(order.port)
                started += 1
            self.poller.poll(0.1)
            if time.monotonic() - began > _SETUP_SECONDS:
                raise LoadFailed(f"only {len(ready)} of {order.count} logged in")
        self.poller.lost = self._noted_as_lost
        every = max(1, min(_WATCHED, order.count // _LEAST_WATCHED))
        for position, connection in enumerate(sorted(ready, key=lambda one: one.number)):
            connection.count_from_now_on()
            # Another place among the room's members each time: who is served first is not always the same.
            if (position + position // every) % every == 0:
                connection.on_arrived = self._arrived_watched
            self.connections.append(connection)
        self.report = Report(seconds=time.monotonic() - began, latencies=latencies.counted(latency))
        gc.collect()
        gc.freeze()

    def _close(self) -> None:
        for connection in self.connections:
            connection.close()
        self.connections = []
        self._lost = 0
        self.report = Report()

    def _noted_as_lost(self, _connection: Connection) -> None:
        self._lost += 1

    # --- counting ------------------------------------------------------------------------------------------

    def _arrived(self, connection: Connection, end: int) -> None:
        buffer = self.poller.buffer
        self.report.total_arrived += buffer.count(self._marker, 0, end)
        acknowledged = connection.counter.take(buffer, end)
        if acknowledged:
            self.report.total_acknowledged += acknowledged
            if connection in self._refill:
                self._send(connection, acknowledged)

    def _arrived_watched(self, connection: Connection, end: int) -> None:
        if self._is_measuring:
            now, buffer, marker = time.monotonic_ns(), self.poller.buffer, self._marker
            at = buffer.find(marker, 0, end)
            while 0 <= at <= end - 16:  # a due time that is cut off is one sample less
                self._samples.append(now - wire.due_time(buffer, at))
                at = buffer.find(marker, at + 16, end)
        self._arrived(connection, end)

    def _send(self, connection: Connection, count: int) -> None:
        sender = connection.sender
        if sender is None:
            raise LoadFailed(f"connection {connection.number} is in no room")
        now = time.monotonic_ns()
        frames = [sender.next(now) for _ in range(count)]
        self.report.total_sent += count
        connection.send(frames[0] if count == 1 else b"".join(frames))

    def _poll(self) -> None:
        self.poller.poll(_LONGEST_POLL)

    def _measured(
        self, warm: float, seconds: float, server: int, turn: Callable[[], None], *, is_loaded: bool = False
    ) -> None:
        """Take turns, at first to warm up; then note what each second brought and cost.

        ``is_loaded``: messages are under way, and there is nothing to tell before one was delivered.
        """
        until = time.monotonic() + warm
        while time.monotonic() < until:
            turn()
        self._samples = []
        self._is_measuring = True
        totals = self.report
        sent, acknowledged, arrived = totals.total_sent, totals.total_acknowledged, totals.total_arrived
        began, cpu, server_cpu = time.monotonic(), time.process_time(), machine.cpu_seconds(server)
        waits = is_loaded and len(self.connections) > 1
        while (passed := time.monotonic() - began) < seconds or (
            waits
            and passed < seconds + _DELIVERY_SECONDS
            and totals.total_arrived - arrived <= totals.total_acknowledged - acknowledged
        ):
            turn()
        self._is_measuring = False
        totals.seconds = time.monotonic() - began
        totals.load_cpu = time.process_time() - cpu
        totals.server_cpu = machine.cpu_seconds(server) - server_cpu
        totals.sent = totals.total_sent - sent
        totals.acknowledged = totals.total_acknowledged - acknowledged
        # Every sender is sent its own message too, as it is acknowledged.
        totals.deliveries = totals.total_arrived - arrived - totals.acknowledged
        totals.latencies = latencies.counted(self._samples)

    def _with_totals(self) -> Report:
        report = self.report
        counters = [connection.counter for connection in self.connections]
        report.told_to_catch_up += sum(counter.caught_out for counter in counters)
        report.refused += sum(counter.refused for counter in counters)
        report.lost_connections += self._lost
        self.report = Report(
            total_sent=report.total_sent,
            total_acknowledged=report.total_acknowledged,
            total_arrived=report.total_arrived,
        )
        return report

    # --- sending -------------------------------------------------------------------------------------------

    def _closed(self, order: Closed) -> None:
        """Send one for every acknowledgement; with ``until_lost`` the server's end is part of the plan."""
        by_number = {connection.number: connection for connection in self.connections}
        senders = [by_number[number] for number in order.senders]
        acknowledged_before = {one.number: one.counter.acknowledged for one in senders}
        self._refill = dict.fromkeys(senders, order.window)
        for connection in senders:
            self._send(connection, order.window)
        if order.until_lost:
            until = time.monotonic() + order.warm + order.seconds
            while not self._lost and time.monotonic() < until:
                self._poll()
            until = time.monotonic() + _BREAKING_SECONDS
            while self._lost < len(self.connections) and time.monotonic() < until:
                self._poll()
        else:
            self._measured(order.warm, order.seconds, order.server, self._poll, is_loaded=True)
        self._refill = {}
        self.report.acknowledged_by = {
            one.number: one.counter.acknowledged - acknowledged_before[one.number] for one in senders
        }

    def _open(self, order: Open) -> None:
        # By turns through all rooms: a step that is prime to the number of connections.
        count = len(self.connections)
        step = next(step for step in (61, 67, 71, 1) if count % step or step == 1)
        began = time.monotonic_ns()
        interval = 1e9 / order.rate
        sent = 0

        def turn() -> None:
            nonlocal sent
            due = int((time.monotonic_ns() - began) / interval) + 1
            for number in range(sent, min(due, sent + _AT_ONCE)):
                connection = self.connections[number * step % count]
                if connection.sender is not None:
                    connection.send(connection.sender.next(began + int(number * interval)))
                self.report.total_sent += 1
                sent += 1
            rest = (began + sent * interval - time.monotonic_ns()) / 1e9
            self.poller.poll(min(rest, _LONGEST_POLL))
            if self._lost:
                raise LoadFailed("the server closed connections")

        self._measured(order.warm, order.seconds, order.server, turn, is_loaded=True)

    def _drain(self, order: Drain) -> None:
        began = last = time.monotonic()
        while last + order.quiet > time.monotonic() and time.monotonic() < began + order.most:
            arrived = self.report.total_arrived + self.report.total_acknowledged
            self._poll()
            is_busy = arrived != self.report.total_arrived + self.report.total_acknowledged
            if is_busy or any(one.is_pending for one in self.connections):
                last = time.monotonic()

    # --- logins and fetches --------------------------------------------------------------------------------

    def _logins(self, order: Logins) -> None:
        """Keep logins under way; each ends as soon as the server has said that it is done."""
        done: list[int] = []
        under_way = 0
        next_user = 0

        def on_ready(connection: Connection) -> None:
            nonlocal under_way
            done.append(time.monotonic_ns() - connection.began)
            connection.close()
            under_way -= 1

        def turn() -> None:
            nonlocal under_way, next_user
            while under_way < order.at_a_time:
                user = order.first + next_user % order.count
                next_user += 1
                under_way += 1
                Connection(self.poller, user, user, None, on_ready=on_ready).start(order.port)
            self._poll()

        until = time.monotonic() + order.warm
        while time.monotonic() < until:
            turn()
        done.clear()
        self._measured(0.0, order.seconds, order.server, turn)
        self.report.completed, self.report.latencies = len(done), latencies.counted(done)
        ended = time.monotonic() + 10.0
        while under_way and time.monotonic() < ended:
            self._poll()

    def _fetch(self, order: FetchAll) -> None:
        """Fetch page after page, as a client does that was away; begin again until the time is over."""
        room = wire.room_id(order.room)
        is_ready = False
        fetched, after = 0, 0

        def on_ready(connection: Connection) -> None:
            nonlocal is_ready
            is_ready = True
            connection.on_messages = on_page

        def on_page(connection: Connection, message: ServerMessage) -> None:
            nonlocal fetched, after
            if not isinstance(message, FetchReply) or not message.entries:
                raise LoadFailed("a page of the backlog did not come")
            if message.entries[0].seq != after + 1:
                raise LoadFailed("a page of the backlog does not follow the one before")
            fetched += len(message.entries)
            after = message.entries[-1].seq % order.entries
            connection.ask(Fetch(4, room, after, 1000))

        connection = Connection(self.poller, order.user, order.user, None, on_ready=on_ready)
        connection.start(order.port)
        until = time.monotonic() + _SETUP_SECONDS
        while not is_ready and time.monotonic() < until:
            self._poll()
        began, cpu = time.monotonic(), time.process_time()
        connection.ask(Fetch(4, room, 0, 1000))
        while time.monotonic() < began + order.seconds or not fetched:
            self._poll()
        self.report.completed = fetched
        self.report.seconds = time.monotonic() - began
        self.report.load_cpu = time.process_time() - cpu
        connection.close()


def _lost_early(connection: Connection) -> None:
    raise LoadFailed(f"the server closed connection {connection.number} before it was logged in")


def main() -> None:
    """Obey until standard input ends."""
    machine.raise_file_limit()
    load = Load()
    for line in sys.stdin:
        report = load.obey(_orders.decode(line))
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
