"""What Linux tells of cores and processes."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")


def cores() -> tuple[int, list[int]]:
    """Return the server's core and those of the load: the rest; the same if there is but one."""
    first, *others = sorted(os.sched_getaffinity(0))
    return first, others or [first]


def cpu_seconds(process: int) -> float:
    """Return the user and system time that a process has used, all its threads together; to 10 ms."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_kib(process: int, field: str = "VmRSS") -> int:
    """Return the resident memory of a process; ``VmHWM``: the most it has had."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0])
    return 0


def share_of(core: int, seconds: float = 0.3) -> float:
    """Return what part of a core a process that is always busy gets: below 1, others use it too."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, [core])
    try:
        began, cpu = time.monotonic(), time.process_time()
        while time.monotonic() < began + seconds:
            pass
        return (time.process_time() - cpu) / (time.monotonic() - began)
    finally:
        os.sched_setaffinity(0, before)


def raise_file_limit() -> None:
    """Allow this process as many connections as the system lets it have."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
