"""Client message ids: by them the server stores what is sent again only once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

MESSAGE_ID_BYTES: Final = 16
_TIME_BYTES: Final = 6


def new_message_id(random: Callable[[int], bytes]) -> bytes:
    """16 bytes: the time in Unix milliseconds (6 bytes, big-endian), then 10 from ``random``.

    Ids of the same time lie beside each other in the server's index; nothing else depends on the time.
    """
    now_ms = time.time_ns() // 1_000_000 % (1 << 8 * _TIME_BYTES)
    return now_ms.to_bytes(_TIME_BYTES, "big") + random(MESSAGE_ID_BYTES - _TIME_BYTES)
