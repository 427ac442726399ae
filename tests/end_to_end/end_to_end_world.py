"""Real processes for the end-to-end tests: a server, chats, and a recording proxy between them."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

COMMAND = [sys.executable, "-m", "sottovoce.cli.main"]
PASSWORD = "correct horse battery staple"

PATIENCE = 180.0
"""Seconds after which what a test waits for is taken not to come, on however slow a machine."""


class Lines:
    """The lines of a stream, collected by a thread; waiting is for a line, never for a time."""

    def __init__(self, stream) -> None:
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._collect, args=(stream,), daemon=True)
        self._thread.start()

    def _collect(self, stream) -> None:
        with stream:
            for raw in stream:
                with self._changed:
                    self._lines.append(raw.decode(errors="replace").rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def join(self) -> list[str]:
        """Return all lines, once the process has closed the stream."""
        self._thread.join(PATIENCE)
        return self.snapshot()

    def snapshot(self) -> list[str]:
        with self._changed:
            return list(self._lines)

    def wait_for(self, found: Callable[[list[str]], bool], what: str, timeout: float = PATIENCE) -> list[str]:
        """Return the lines once ``found(lines)``; fail with the last of them otherwise."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not found(self._lines):
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    why = "the stream ended" if self._ended else f"{timeout:.0f} s passed"
                    raise AssertionError(f"{why} without {what}; got:\n" + "\n".join(self._lines[-40:]))
                self._changed.wait(left)
            return list(self._lines)


class Process:
    """One `sottovoce` process of ours with its output collected."""

    def __init__(self, *arguments: str, env: dict[str, str]) -> None:
        self.popen = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
        )
        self.out = Lines(self.popen.stdout)
        self.err = Lines(self.popen.stderr)

    def type(self, *lines: str) -> None:
        """Write lines to standard input."""
        self.popen.stdin.write("".join(line + "\n" for line in lines).encode())
        self.popen.stdin.flush()

    def wait(self, timeout: float = PATIENCE) -> int:
        """Close standard input and return the exit code."""
        self.close()
        code = self.popen.wait(timeout)
        self.out.join()
        self.err.join()
        return code

    def kill(self) -> None:
        """Kill -9, and reap."""
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait(PATIENCE)
        self.close()

    def close(self) -> None:
        """Close the pipe to a process that has ended; what was never read of it is dropped."""
        with contextlib.suppress(BrokenPipeError):
            self.popen.stdin.close()


class Server:
    """A `sottovoce serve` process on a data directory of its own, killed and restarted at will."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.data = folder / "server"
        self.runtime = folder / "runtime"
        self.arguments = arguments
        self.port = 0
        self.link = ""
        self.logs: list[str] = []
        self.process: Process | None = None

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "SOTTOVOCE_RUNTIME_DIR": str(self.runtime), "PYTHONWARNINGS": "error"}

    def start(self) -> Server:
        self.process = Process(
            "serve", "--data", str(self.data), "--port", str(self.port), *self.arguments, env=self.env
        )
        lines = self.process.out.wait_for(lambda ls: any("sottovoce://" in x for x in ls), "an invite link")
        listening = next(line for line in lines if line.startswith("listening on "))
        self.port = int(listening.rsplit(":", 1)[1])
        self.link = next(w for line in lines for w in line.split() if w.startswith("sottovoce://"))
        return self

    def kill(self) -> None:
        """Kill -9."""
        self.process.kill()
        self._collect_logs()

    def stop(self) -> int:
        """SIGTERM, as an operator would."""
        self.process.popen.send_signal(signal.SIGTERM)
        code = self.process.popen.wait(PATIENCE)
        self._collect_logs()
        return code

    def _collect_logs(self) -> None:
        self.logs += self.process.out.join() + self.process.err.join()
        self.process.close()

    def database(self) -> Path:
        """The one SQLite file of the data directory."""
        (found,) = [p for p in self.data.rglob("*") if p.suffix in {".db", ".sqlite", ".sqlite3"}]
        return found

    def query(self, sql: str, *parameters: object) -> list[tuple]:
        with sqlite3.connect(f"file:{self.database()}?mode=ro", uri=True) as connection:
            rows = connection.execute(sql, parameters).fetchall()
        connection.close()
        return rows


class World:
    """One server and the people who talk through it, each with a home of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = Server(folder)
        self.processes: list[Process] = []

    def chat(self, user: str, *arguments: str, link: str | None = None, password: str = PASSWORD) -> Process:
        env = {**self.server.env, "SOTTOVOCE_PASSWORD": password}
        where = [link or self.server.link]
        process = Process(
            "chat", *where, "--user", user, "--home", str(self.home(user)), "--plain", *arguments, env=env
        )
        self.processes.append(process)
        return process

    def home(self, user: str) -> Path:
        return self.folder / "homes" / user.lower()

    def close(self) -> None:
        for process in self.processes:
            process.kill()
        if self.server.process is not None and self.server.process.popen.poll() is None:
            self.server.kill()


def in_room(process: Process, timeout: float = PATIENCE) -> None:
    """Wait until the chat says that it is in its room."""
    process.err.wait_for(
        lambda lines: any("you are in " in line.lower() for line in lines), "entering", timeout
    )


def make_room_key(world: World) -> Path:
    """Make a room key the way two people would, and return its file."""
    path = world.folder / "room.key"
    subprocess.run([*COMMAND, "keygen", "--out", str(path)], check=True, capture_output=True)
    return path
