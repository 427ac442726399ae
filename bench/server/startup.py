"""How long until a server with a large database listens, and until the command line answers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Final

from bench.server.processes import ROOT, running, sottovoce
from bench.server.scene import Result, fill, new_data
from bench.server.sizes import Sizes

_ROOMS: Final = 10
_MEMBERS: Final = 10
_PAYLOAD: Final = 100


def startup(sizes: Sizes) -> Result:
    """``serve`` until "listening" with 1,000,000 entries in the database, and ``sottovoce --help``."""
    result = Result("startup")
    directory = Path(tempfile.mkdtemp(prefix="sottovoce-bench-"))
    try:
        data = new_data(directory, users=_MEMBERS, rooms=_ROOMS, connections=_MEMBERS)
        fill(data, range(_ROOMS), entries=sizes.entries // _ROOMS, payload=_PAYLOAD)
        with running(sottovoce(data)):
            pass  # not counted: it compiles what an installation has compiled
        times, costs = [], []
        for _ in range(sizes.starts):
            server = sottovoce(data)
            times.append(server.seconds_to_listen * 1e3)
            costs.append(server.cpu_to_listen * 1e3)
            with running(server):
                pass
        helps = [_help() * 1e3 for _ in range(sizes.starts)]
        result.ours = {
            "entries": sizes.entries,
            "listening_ms": median(times),
            "listening_best_ms": min(times),
            "listening_cpu_ms": median(costs),
            "help_ms": median(helps),
            "help_best_ms": min(helps),
        }
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return result


def _help() -> float:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "sottovoce", "--help"], env=environment, stdout=subprocess.DEVNULL, check=True
    )
    return time.monotonic() - began
