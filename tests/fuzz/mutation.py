"""Seeded mutation of valid inputs, and the one thing that is asked of a decoder: documented errors only."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Sequence

TIMES = 2000
LONGEST = 0.25
"""Seconds that one input may take; 50 ms are meant, the rest is for a machine that does something else."""

_EDGES = (0, 1, 0x17, 0x18, 0x3F, 0x40, 0x5F, 0x7F, 0x80, 0x9F, 0xBF, 0xC0, 0xDF, 0xFF)


def mutated(draw: random.Random, data: bytes) -> bytes:
    """Flip, set, cut, insert or repeat a little, once or several times."""
    spoilt = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 5))):
        at = draw.randrange(len(spoilt) + 1)
        match draw.randrange(6):
            case 0 if at < len(spoilt):
                spoilt[at] ^= 1 << draw.randrange(8)
            case 1 if at < len(spoilt):
                spoilt[at] = draw.choice(_EDGES)
            case 2:
                del spoilt[at : at + draw.randrange(1, 9)]
            case 3:
                spoilt[at:at] = draw.randbytes(draw.randrange(1, 9))
            case 4:
                del spoilt[at:]
            case _:
                other = draw.randrange(len(spoilt) + 1)
                spoilt[at:at] = spoilt[other : other + draw.randrange(40)]
    return bytes(spoilt)


def fuzz(
    read: Callable[[bytes], object],
    seeds: Sequence[bytes],
    documented: type[Exception] | tuple[type[Exception], ...],
    *,
    times: int = TIMES,
    seeds_are_taken: bool = True,
) -> int:
    """Give ``read`` the seeds, which it must take, then ``times`` mutations; return how many it refused."""
    for seed in seeds if seeds_are_taken else ():
        read(seed)
    gc.collect()
    gc.freeze()  # to look through what other tests left behind is not part of reading
    try:
        return _refused(read, seeds, documented, times)
    finally:
        gc.unfreeze()


def _refused(
    read: Callable[[bytes], object],
    seeds: Sequence[bytes],
    documented: type[Exception] | tuple[type[Exception], ...],
    times: int,
) -> int:
    draw, refused = random.Random(20_000), 0
    for _ in range(times):
        data = mutated(draw, draw.choice(seeds))
        if data in seeds:
            continue
        start = time.thread_time()
        try:
            read(data)
        except documented:
            refused += 1
        assert time.thread_time() - start < LONGEST, data.hex()
    return refused
