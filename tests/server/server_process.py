"""A server in a process of its own, so that it can be killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from sottovoce.server.app import ServerAddress

_PROGRAM = """
import json, sys
from sottovoce.server.app import serve
from sottovoce.server.config import load_config
from sottovoce.server.errors import ServerStartError
def ready(address):
    print(json.dumps([address.host, address.port, address.pin.hex(), address.invite]), flush=True)
try:
    serve(load_config(None, {}, json.loads(sys.argv[1])), ready=ready)
except ServerStartError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


class ServerProcess:
    """Started by :meth:`start`, each time on a free port; its standard error goes to ``log``."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        self.directory = directory
        self.settings = {"data": str(directory / "data"), "port": 0, **settings}
        self.log = directory / "log"
        self.address: ServerAddress
        self.process: subprocess.Popen[str]

    def start(self) -> ServerAddress:
        """Start and wait until it listens. Raises RuntimeError with its last words if it does not."""
        environment = {**os.environ, "SOTTOVOCE_RUNTIME_DIR": str(self.directory / "run")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, json.dumps(self.settings)],
                stdout=subprocess.PIPE, stderr=log, env=environment, text=True,
            )  # fmt: skip
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.process.stdout.close()
            raise RuntimeError(self.log.read_text())
        host, port, pin, invite = json.loads(line)
        self.address = ServerAddress(host, port, bytes.fromhex(pin), invite, f"{host}:{port}")
        return self.address

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self.end(signal.SIGKILL)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; returns the exit status."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end of a process that was told to stop; returns the exit status."""
        status = self.process.wait(timeout=30)
        self.process.stdout.close()
        return status
