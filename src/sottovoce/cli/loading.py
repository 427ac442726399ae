"""Loading modules without the garbage collector: what they make stays, so looking for garbage is in vain.

It is a fifth of the processor time of a start, which counts where many chats start at once.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Collect no garbage meanwhile, and never look again at what is there by the end."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
