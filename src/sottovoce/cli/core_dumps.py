"""What a crash leaves behind."""

from __future__ import annotations

import resource


def forbid_core_dumps() -> None:
    """A crash must not write keys to the disk (threats G)."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
