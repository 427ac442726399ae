"""The processes of a run: a server on one core, the load on another; each is stopped by its own id."""

from __future__ import annotations

import contextlib
import os
import platform
import select
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import IO, Final

import msgspec

from bench.server import latencies, machine
from bench.server.orders import AnyOrder, Report

ROOT: Final = Path(__file__).resolve().parents[2]
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 20.0


class BenchFailed(Exception):
    """A process did not do what it was to do; the text says what."""


class _Process:
    """A Python program in a process of its own, on given cores; standard error goes to a file."""

    def __init__(self, arguments: Sequence[str], *, cores: Sequence[int], log: Path, nice: int = 0) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
            "SOTTOVOCE_RUNTIME_DIR": str(log.parent / "run"),
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed server has its bytecode
        self.log = log
        self.began = time.monotonic()
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=log.parent, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        self.pid = self._process.pid
        os.sched_setaffinity(self.pid, cores)
        os.setpriority(os.PRIO_PROCESS, self.pid, nice)

    def line(self, seconds: float) -> bytes:
        """Return the next line that it prints. Raises :class:`BenchFailed` if none comes in time."""
        output = self._pipe(self._process.stdout)
        until = time.monotonic() + seconds
        held = bytearray()
        while not held.endswith(b"\n"):
            ready, _, _ = select.select([output], [], [], max(0.0, until - time.monotonic()))
            chunk = os.read(output.fileno(), 1 << 20) if ready else b""
            if not chunk:
                raise BenchFailed(f"{'it ended' if ready else 'no answer in time'}: {self.last_words()}")
            held += chunk
        return bytes(held)

    def write(self, data: bytes) -> None:
        """Write to its standard input. Raises :class:`BenchFailed` when it has ended."""
        talk = self._pipe(self._process.stdin)
        try:
            talk.write(data)
            talk.flush()
        except BrokenPipeError:
            raise BenchFailed(f"it ended: {self.last_words()}") from None

    def last_words(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace").strip()[-400:]

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Ask it to end, wait, and kill it if it does not."""
        with contextlib.suppress(BrokenPipeError):
            self._pipe(self._process.stdin).close()
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._pipe(self._process.stdout).close()

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        if pipe is None:
            raise BenchFailed("a process was started without a pipe")
        return pipe


class Server(_Process):
    """A server that prints ``listening on HOST:PORT`` when it is ready."""

    def __init__(self, arguments: Sequence[str], *, log: Path) -> None:
        core, _ = machine.cores()
        super().__init__(arguments, cores=[core], log=log)
        self.port = 0
        try:
            said = self.line(_START_SECONDS)
        except BenchFailed:
            self.stop()
            raise
        self.seconds_to_listen = time.monotonic() - self.began
        self.cpu_to_listen = machine.cpu_seconds(self.pid)
        first = said.splitlines()[0].decode()
        if not first.startswith("listening on "):
            self.stop()
            raise BenchFailed(f"the server said: {first}")
        self.port = int(first.rpartition(":")[2])


def sottovoce(directory: Path, settings: Mapping[str, object] | None = None) -> Server:
    """Start the server under test on a data directory: its limits out of the way, all else at its default."""
    given = {
        "data": directory,
        "port": 0,
        "messages-per-second": 1e9,
        "connections": 20_000,
        "connections-per-address": 20_000,
        **(settings or {}),
    }
    flags = [text for name, value in given.items() for text in (f"--{name}", str(value))]
    return Server(["-m", "sottovoce", "serve", *flags], log=directory.parent / "server.log")


def reference(directory: Path) -> Server:
    """Start the plain asyncio fan-out, with a certificate in the same directory."""
    return Server(["-m", "bench.server.reference", str(directory)], log=directory.parent / "reference.log")


class Load:
    """Load processes that share the connections of a run; every order goes to all of them at once."""

    def __init__(self, directory: Path, *, processes: int = 1, nice: int = 0) -> None:
        _, cores = machine.cores()
        self._all: list[_Process] = []
        for number in range(processes):
            core = cores[number % len(cores)]
            log = directory / f"load-{number}-{nice}.log"
            self._all.append(_Process(["-m", "bench.server.load"], cores=[core], log=log, nice=nice))

    @property
    def count(self) -> int:
        """How many processes there are."""
        return len(self._all)

    def give(self, orders: Sequence[AnyOrder]) -> None:
        """Send each process its order."""
        for process, order in zip(self._all, orders, strict=True):
            process.write(msgspec.json.encode(order) + b"\n")

    def reports(self, seconds: float) -> Report:
        """Wait for the answers and return them as one. Raises :class:`BenchFailed`."""
        until = time.monotonic() + seconds
        answers = [
            msgspec.json.decode(process.line(until - time.monotonic()), type=Report) for process in self._all
        ]
        for answer in answers:
            if answer.failure:
                raise BenchFailed(answer.failure)
        return _added(answers)

    def do(self, order: AnyOrder, seconds: float) -> Report:
        """Have every process do the same, and wait."""
        self.give([order] * self.count)
        return self.reports(seconds)

    def stop(self) -> None:
        """End them."""
        for process in self._all:
            process.stop()


def _added(reports: Sequence[Report]) -> Report:
    """Return several processes' report as one: counts added, the longest time, the server's cost once."""
    total = Report()
    for report in reports:
        for name in (
            "sent", "acknowledged", "deliveries", "completed", "load_cpu", "total_sent", "total_acknowledged",
            "total_arrived", "told_to_catch_up", "refused", "lost_connections", "missing",
        ):  # fmt: skip
            setattr(total, name, getattr(total, name) + getattr(report, name))
        total.acknowledged_by |= report.acknowledged_by
    total.seconds = max(report.seconds for report in reports)
    total.server_cpu = max(report.server_cpu for report in reports)
    total.latencies = latencies.added(report.latencies for report in reports)
    total.resident = reports[0].resident
    return total


@contextlib.contextmanager
def running(*processes: Server | Load) -> Iterator[None]:
    """Stop them all at the end, whatever happens."""
    try:
        yield
    finally:
        with contextlib.ExitStack() as stack:
            for process in processes:
                stack.callback(process.stop)


def versions() -> dict[str, str]:
    """Return what the figures depend on."""
    model = next(
        (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")),
        platform.machine(),
    )  # fmt: skip
    cores = sorted(os.sched_getaffinity(0))
    return {
        "python": platform.python_version(),
        "uvloop": version("uvloop"),
        "openssl": ssl.OPENSSL_VERSION,
        "linux": platform.release(),
        "cpu": model,
        "cores": "/".join(map(str, cores)),
        "free of them": "/".join(f"{machine.share_of(core):.2f}" for core in cores),
    }
