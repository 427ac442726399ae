"""Many connections that come and go, slow readers among them; every member checks that it misses nothing."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

from bench.server import latencies, machine, wire
from bench.server.connection import Connection, LoadFailed, Poller
from bench.server.orders import MESSAGE_BYTES, Churn, Report
from sottovoce.link.messages import (
    AppendReply,
    CatchUp,
    EntriesPush,
    ErrorReply,
    Fetch,
    FetchReply,
    ServerMessage,
)
from sottovoce.link.parts import Entry

_AT_A_TIME: Final = 32
_AWAY_SECONDS: Final = (0.2, 2.0)
_SETUP_SECONDS: Final = 180.0
_END_SECONDS: Final = 30.0
_FIRST_ROOMS_SHARE: Final = 0.1  # of all messages: the room with the slow readers is a busy one
_FETCH: Final = 4
_SLOW_RECEIVE_BUFFER: Final = 16 * 1024
_SAMPLED: Final = 10


class _Member:
    """One client: what it has seen of its room's log, over all its connections."""

    def __init__(self, number: int, room: int) -> None:
        self.number = number
        self.room = room
        self.connection: Connection | None = None
        self.is_online = False
        self.is_asleep = False
        self.seen: int | None = None
        self.highest = 0
        self.is_fetching = False


class _Churning:
    """One run of it."""

    def __init__(self, order: Churn) -> None:
        self._order = order
        self._poller = Poller()
        self._poller.lost = self._lost
        self._members = [_Member(n, n // order.in_each) for n in range(order.count)]
        self._slow = self._members[: order.slow]
        self._by_connection: dict[Connection, _Member] = {}
        self._heads: dict[int, int] = {}
        self._coming: deque[_Member] = deque()
        self._logging_in = 0
        self._away: list[tuple[float, _Member]] = []
        self._samples: list[int] = []
        self._random = random.Random(1)
        self.report = Report()

    def run(self) -> Report:
        """Connect all, churn, then wait until every member has seen all of its room."""
        order, report = self._order, self.report
        self._coming.extend(self._members)
        began = time.monotonic()
        while sum(one.is_online for one in self._members) < order.count:
            self._turn()
            if time.monotonic() > began + _SETUP_SECONDS:
                raise LoadFailed("the connections did not all come up")
        self._samples.clear()
        cpu, server_cpu = time.process_time(), machine.cpu_seconds(order.server)
        self._churn()
        report.load_cpu = time.process_time() - cpu
        report.server_cpu = machine.cpu_seconds(order.server) - server_cpu
        self._end()
        report.latencies = latencies.counted(self._samples)
        return report

    def _turn(self) -> None:
        while self._coming and self._logging_in < _AT_A_TIME:
            self._connect(self._coming.popleft())
        self._poller.poll(0.002)

    # --- the plan ------------------------------------------------------------------------------------------

    def _churn(self) -> None:
        order, report = self._order, self.report
        began = time.monotonic()
        sent = reconnected = naps = 0
        while (passed := time.monotonic() - began) < order.seconds:
            while sent < passed * order.rate:
                self._send(began + sent / order.rate)
                sent += 1
            while reconnected < passed * order.reconnections:
                self._leave()
                reconnected += 1
            if passed > len(report.resident):
                report.resident.append(machine.resident_kib(order.server))
            if passed > (naps + 0.5) * order.asleep:
                naps += 1
                for member in self._slow:
                    self._nap(member, is_asleep=naps % 2 == 1)
            self._come_back()
            self._turn()
        report.seconds = time.monotonic() - began

    def _send(self, due: float) -> None:
        is_first = self._random.random() < _FIRST_ROOMS_SHARE
        last = self._order.in_each if is_first else len(self._members)
        member = self._members[self._random.randrange(self._order.slow, last)]
        if member.connection is None or not member.is_online or member.connection.sender is None:
            return
        member.connection.send(member.connection.sender.next(int(due * 1e9)))
        self.report.sent += 1

    def _leave(self) -> None:
        member = self._members[self._random.randrange(self._order.slow, len(self._members))]
        if member.connection is None or not member.is_online:
            return
        del self._by_connection[member.connection]
        member.connection.close()
        member.connection, member.is_online = None, False
        self._away.append((time.monotonic() + self._random.uniform(*_AWAY_SECONDS), member))
        self.report.completed += 1

    def _come_back(self, *, is_end: bool = False) -> None:
        now = time.monotonic()
        self._coming.extend(member for at, member in self._away if is_end or at <= now)
        self._away = [] if is_end else [one for one in self._away if one[0] > now]

    def _nap(self, member: _Member, *, is_asleep: bool) -> None:
        if member.connection is None or member.is_asleep == is_asleep or not member.is_online:
            return
        member.is_asleep = is_asleep
        if is_asleep:
            member.connection.sleep()
        else:
            member.connection.wake()

    def _end(self) -> None:
        for member in self._slow:
            self._nap(member, is_asleep=False)
        self._come_back(is_end=True)
        until = time.monotonic() + _END_SECONDS
        while time.monotonic() < until and any(map(self._lacks, self._members)):
            self._turn()
        self.report.missing += sum(map(self._lacks, self._members))

    def _lacks(self, member: _Member) -> int:
        """How many entries of its room, as far as anybody knows, a member has not seen."""
        return self._heads.get(member.room, 0) - (member.seen or 0)

    # --- connections ---------------------------------------------------------------------------------------

    def _connect(self, member: _Member) -> None:
        order = self._order
        room = wire.room_id(member.room)
        connection = Connection(self._poller, member.number, member.number, room, on_ready=self._ready)
        size = order.large if member.room == 0 else MESSAGE_BYTES
        connection.sender = wire.Sender(member.number, room, order.marker, size)
        connection.on_messages = self._message
        member.connection, member.is_asleep, member.is_fetching = connection, False, False
        self._by_connection[connection] = member
        self._logging_in += 1
        is_slow = member.number < order.slow
        connection.start(order.port, receive_buffer=_SLOW_RECEIVE_BUFFER if is_slow else 0)

    def _ready(self, connection: Connection) -> None:
        member = self._by_connection[connection]
        self._logging_in -= 1
        member.is_online = True
        member.seen = connection.head if member.seen is None else member.seen
        self._fetch_up_to(member, connection.head)

    def _lost(self, connection: Connection) -> None:
        member = self._by_connection.pop(connection, None)
        if member is None:
            return
        self.report.lost_connections += 1
        self._logging_in -= not member.is_online
        member.connection, member.is_online = None, False
        self._away.append((time.monotonic() + _AWAY_SECONDS[0], member))

    # --- what they are told --------------------------------------------------------------------------------

    def _message(self, connection: Connection, message: ServerMessage) -> None:
        member = self._by_connection.get(connection)
        if member is None:
            return
        match message:
            case EntriesPush():
                self._pushed(member, message.entries)
            case AppendReply():
                self.report.acknowledged += 1
                self._head_is(member.room, message.seqs[-1])
            case FetchReply():
                self._see(member, message.entries)
                member.is_fetching = False
                self._fetch_up_to(member, max(message.head, member.highest))
            case CatchUp():
                self.report.told_to_catch_up += 1
                self._fetch_up_to(member, message.head)
            case ErrorReply():
                self.report.refused += 1
            case _:
                pass

    def _pushed(self, member: _Member, entries: Sequence[Entry]) -> None:
        member.highest = max(member.highest, entries[-1].seq)
        self._head_is(member.room, entries[-1].seq)
        if member.is_fetching or member.seen is None:
            return  # the pages under way bring them, or the page after those
        if entries[0].seq > member.seen + 1:  # nobody told it to catch up: this is a loss
            self.report.missing += entries[0].seq - member.seen - 1
            self._fetch_up_to(member, entries[-1].seq)
            return
        if member.number % _SAMPLED == _SAMPLED - 1:
            now = time.monotonic_ns()
            self._samples += [now - wire.due_time(entry.payload, 0) for entry in entries]
        self._see(member, entries)

    def _see(self, member: _Member, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if member.seen is None or entry.seq <= member.seen:
                continue
            if entry.seq != member.seen + 1:
                raise LoadFailed("a page of the log has a hole")
            member.seen = entry.seq
            self.report.deliveries += 1

    def _fetch_up_to(self, member: _Member, head: int) -> None:
        member.highest = max(member.highest, head)
        self._head_is(member.room, head)
        is_behind = member.seen is not None and member.seen < head
        if is_behind and not member.is_fetching and member.connection is not None:
            member.is_fetching = True
            member.connection.ask(Fetch(_FETCH, wire.room_id(member.room), member.seen or 0, 1000))

    def _head_is(self, room: int, seq: int) -> None:
        self._heads[room] = max(self._heads.get(room, 0), seq)


def churn(order: Churn) -> Report:
    """Do what is ordered; ``missing`` counts entries that a member should have been sent and was not."""
    return _Churning(order).run()
