"""B12: a Welcome of a liar. One failing case for each check is in ``tests/mls/test_join.py``."""

from __future__ import annotations

import os
import random

import pytest
from mls_world import CONFIG, NOW, World

from sottovoce.errors import PeerError
from sottovoce.mls import Group


def test_every_damaged_welcome_is_refused(world: World) -> None:
    alice, _ = world.group_of("alice", "bob")
    bundle = world.bundle("carol")
    welcome = alice.commit(add=[bundle.message], random=os.urandom, now=NOW).welcome or b""
    draw = random.Random(12)
    for _ in range(300):
        spoilt = bytearray(welcome)
        spoilt[draw.randrange(len(spoilt))] ^= 1 << draw.randrange(8)
        with pytest.raises(PeerError):
            Group.join(bytes(spoilt), bundle, config=CONFIG)
    assert Group.join(welcome, bundle, config=CONFIG).own_leaf_index == 2
