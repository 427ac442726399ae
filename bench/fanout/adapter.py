"""Sottovoce's server for the shared side-by-side harness (``BENCH_PLUGINS=bench/fanout``)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from adapters import Adapter, register  # type: ignore[import-not-found]  # the harness that loads this has it

_HERE: Final = Path(__file__).resolve().parent
_SHAPES: Final = {"W1": (1, 50), "W2": (1, 500), "W3": (50, 500), "W6": (1, 10)}
"""Rooms and connections of a workload."""

Run = Any  # the harness's Ctx: dir, port, cert, key, users, workload


def _python() -> str:
    return os.environ.get("SOTTOVOCE_PYTHON", sys.executable)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(_HERE.parents[1] / "src")}


@register
class Sottovoce(Adapter):  # type: ignore[misc]  # of the harness, untyped
    """The real server: its database, its rules, its protocol; the load client logs in with device keys."""

    name, proto, stores = "sottovoce", "sottovoce", True
    label = "this server: durable, authenticated, the real protocol"

    def prepare(self, ctx: Run) -> None:
        """Put accounts, devices and rooms into a fresh data directory."""
        rooms, connections = _SHAPES.get(ctx.workload, (1, 10))
        numbers = (str(number) for number in (ctx.users, rooms, connections))
        argv = [_python(), str(_HERE.parent / "seed_server.py"), ctx.path("data"), *numbers]
        subprocess.run(argv, check=True, env=_environment())

    def argv(self, ctx: Run) -> list[str]:
        """Return the server's command line."""
        return [
            *(_python(), "-m", "sottovoce", "serve", "--data", ctx.path("data"), "--port", str(ctx.port)),
            *("--tls-certificate", ctx.cert, "--tls-key", ctx.key, "--messages-per-second", "1e9"),
            *("--connections-per-address", "20000", "--connections", "20000"),
        ]

    def env(self, ctx: Run) -> dict[str, str]:  # noqa: ARG002  # the harness's interface
        """Return the server's environment: it runs from the checkout."""
        return _environment()
