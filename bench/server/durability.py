"""W6: what was acknowledged is on disk, and was synced before the acknowledgement left."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeVar

from bench.server import wire
from bench.server.connection import Connection, Poller
from bench.server.orders import Close, Closed, Connect
from bench.server.processes import BenchFailed, Load, Server, running, sottovoce
from bench.server.scene import Result, new_data, new_marker
from bench.server.sizes import Sizes
from sottovoce.link.messages import Append, AppendReply, ErrorReply, Fetch, FetchReply, ServerMessage
from sottovoce.link.parts import Entry, Outgoing
from sottovoce.server.store.database import DATABASE_NAME

_MEMBERS: Final = 10
_ONE_BY_ONE: Final = 100
_PATIENCE: Final = 60.0
_SYNCED: Final = re.compile(r"^\d+ +(?:<\.\.\. )?(?:fsync|fdatasync)(?:\(| resumed).* = 0$", re.MULTILINE)
_SENT: Final = re.compile(r"^\d+ +(?:write|sendto|sendmsg)\(\d+<(?:socket|TCP)[^>]*>", re.MULTILINE)
_Answer = TypeVar("_Answer", AppendReply, FetchReply)
_EITHER: Final = re.compile(f"(?P<synced>{_SYNCED.pattern})|(?P<sent>{_SENT.pattern})", re.MULTILINE)


def w6(sizes: Sizes) -> Result:
    """Kill -9 under load: all that was acknowledged is there, and was synced before it was acknowledged."""
    result = Result("W6")
    directory = Path(tempfile.mkdtemp(prefix="sottovoce-bench-"))
    try:
        data = new_data(directory, users=_MEMBERS, rooms=1, connections=_MEMBERS)
        load = Load(directory)
        with running(load):
            _trace(result, directory, data, load, sizes)
            checked = _Checked()
            for _ in range(sizes.kills):
                _kill_under_load(checked, data, load, sizes)
        result.ours |= {
            "kills": sizes.kills,
            "acknowledged": checked.acknowledged,
            "found": checked.found,
            "lost": checked.acknowledged - checked.found,
            "doubled": checked.doubled,
            "out_of_order": checked.out_of_order,
        }
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return result


# --- what strace sees --------------------------------------------------------------------------------------


def _trace(result: Result, directory: Path, data: Path, load: Load, sizes: Sizes) -> None:
    if shutil.which("strace") is None:
        result.notes.append(
            "strace is not installed: the order of sync and acknowledgement was not looked at"
        )
        return
    server = sottovoce(data)
    with running(server), _Client(server.port, user=0) as client:
        try:
            with _traced(server, directory / "one-by-one") as trace:
                for number in range(_ONE_BY_ONE):
                    client.ask(
                        Append(4, wire.room_id(0), [Outgoing(number.to_bytes(16), 0, b"one by one")]),
                        AppendReply,
                    )
            result.ours |= replies_and_syncs(trace.read_text())
            with _traced(server, directory / "under-load") as trace:
                load.do(_connect(server, new_marker()), _PATIENCE)
                report = load.do(
                    Closed(
                        senders=list(range(sizes.kill_senders)),
                        window=sizes.kill_window,
                        warm=0.0,
                        seconds=sizes.kill_after,
                        server=server.pid,
                    ),
                    _PATIENCE,
                )
                load.do(Close(), _PATIENCE)
            syncs = len(_SYNCED.findall(trace.read_text()))
            result.ours["syncs_per_message_under_load"] = syncs / max(1, report.acknowledged)
        except BenchFailed as error:
            result.notes.append(f"strace: {error}")


@contextlib.contextmanager
def _traced(server: Server, to: Path) -> Iterator[Path]:
    """Write the syncs and socket writes of all the server's threads to a file meanwhile."""
    calls = "trace=fsync,fdatasync,write,sendto,sendmsg"
    command = ["strace", "-f", "-qq", "-y", "-s", "0", "-e", calls, "-p", str(server.pid), "-o", str(to)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 10.0
        while not all(_is_traced(task) for task in Path(f"/proc/{server.pid}/task").iterdir()):
            if process.poll() is not None or time.monotonic() > until:
                raise BenchFailed("it may not trace the server here")
            time.sleep(0.01)
        yield to
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def _is_traced(task: Path) -> bool:
    return "TracerPid:\t0\n" not in (task / "status").read_text()


def replies_and_syncs(trace: str) -> dict[str, float]:
    """Go through a trace in which each reply is the one write to a socket: what was synced before it."""
    replies = unsynced = syncs = 0
    is_synced = False
    for call in _EITHER.finditer(trace):
        if call["synced"]:
            syncs += 1
            is_synced = True
        else:
            replies += 1
            unsynced += not is_synced
            is_synced = False
    return {
        "replies_traced": replies,
        "replies_before_sync": unsynced,
        "syncs_per_message_one_by_one": syncs / max(1, replies),
    }


# --- kill -9 -----------------------------------------------------------------------------------------------


@dataclass
class _Checked:
    head: int = 0
    acknowledged: int = 0
    found: int = 0
    doubled: int = 0
    out_of_order: int = 0


def _kill_under_load(checked: _Checked, data: Path, load: Load, sizes: Sizes) -> None:
    marker = new_marker()
    server = sottovoce(data)
    with running(server):
        load.do(_connect(server, marker), _PATIENCE)
        written_at = _written_at(data)
        load.give(
            [
                Closed(
                    senders=list(range(sizes.kill_senders)),
                    window=sizes.kill_window,
                    warm=0.0,
                    seconds=30.0,
                    server=server.pid,
                    until_lost=True,
                )
            ]
        )
        _until_written(data, written_at)
        time.sleep(sizes.kill_after)
        server.kill()
        acknowledged = load.reports(_PATIENCE).acknowledged_by
        load.do(Close(), _PATIENCE)
    server = sottovoce(data)
    with running(server), _Client(server.port, user=1) as client:
        log = client.log(0, checked.head)
    checked.head += len(log)
    stored = [wire.origin(entry.payload) for entry in log if entry.payload.startswith(marker)]
    times = Counter(stored)
    checked.acknowledged += sum(acknowledged.values())
    checked.found += sum(
        (sender, number) in times for sender, count in acknowledged.items() for number in range(count)
    )
    checked.doubled += sum(count - 1 for count in times.values())
    for sender in range(sizes.kill_senders):
        numbers = [number for connection, number in stored if connection == sender]
        checked.out_of_order += sum(b < a for a, b in pairwise(numbers))


def _written_at(data: Path) -> int:
    """When the database was last written to, in nanoseconds."""
    log = data / f"{DATABASE_NAME}-wal"
    return log.stat().st_mtime_ns if log.exists() else 0


def _until_written(data: Path, before: int) -> None:
    """Wait until the load has come as far as the disk."""
    until = time.monotonic() + _PATIENCE
    while _written_at(data) == before and time.monotonic() < until:
        time.sleep(0.001)


def _connect(server: Server, marker: bytes) -> Connect:
    return Connect(port=server.port, marker=marker, first=0, count=_MEMBERS, users=_MEMBERS, in_each=_MEMBERS)


class _Client:
    """One client that asks and waits; nothing is pushed to it."""

    def __init__(self, port: int, user: int) -> None:
        self._poller = Poller()
        self._answers: list[ServerMessage] = []
        self._is_ready = False
        self._connection = Connection(self._poller, user, user, None, on_ready=self._ready)
        self._connection.on_messages = lambda _connection, message: self._answers.append(message)
        self._connection.start(port)
        self._wait(lambda: self._is_ready)

    def __enter__(self) -> _Client:
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.close()

    def ask(self, request: Append | Fetch, kind: type[_Answer]) -> _Answer:
        """Send a request and return its answer. Raises :class:`BenchFailed` for any other."""
        self._answers.clear()
        self._connection.ask(request)
        self._wait(lambda: bool(self._answers))
        answer = self._answers[0]
        if not isinstance(answer, kind):
            reason = answer.message if isinstance(answer, ErrorReply) else type(answer).__name__
            raise BenchFailed(f"a request was answered with: {reason}")
        return answer

    def log(self, room: int, after: int) -> list[Entry]:
        """Fetch what a room has after a seq. Raises :class:`BenchFailed` when the numbers have a hole."""
        entries: list[Entry] = []
        while page := self.ask(Fetch(4, wire.room_id(room), after + len(entries), 1000), FetchReply).entries:
            entries += page
        if [entry.seq for entry in entries] != list(range(after + 1, after + len(entries) + 1)):
            raise BenchFailed("the log has a hole")
        return entries

    def _ready(self, _connection: Connection) -> None:
        self._is_ready = True

    def _wait(self, is_done: Callable[[], bool]) -> None:
        until = time.monotonic() + _PATIENCE
        while not is_done():
            if time.monotonic() > until:
                raise BenchFailed("the server did not answer")
            self._poller.poll(0.1)
