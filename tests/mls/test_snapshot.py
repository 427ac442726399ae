"""Damaged stores are told from whole ones."""

from __future__ import annotations

import pytest
from mls_world import World, whole

from sottovoce.mls import DamagedSnapshot, Group, KeyPackageBundle
from sottovoce.mls.snapshot import STATIC_PART, record_key


def test_damage(world: World) -> None:
    alice, _ = world.group_of("alice", "bob")
    snapshot, records = whole(alice)
    for spoilt in (b"", b"\xff" + snapshot[1:], snapshot[:-1], snapshot + b"x"):
        with pytest.raises(DamagedSnapshot):
            Group.restore(spoilt, records)
    static = record_key(alice.epoch - 1, STATIC_PART)
    missing = {key: value for key, value in records.items() if key != static}
    for wrong in (missing, {**records, static: b"x"}, {**records, record_key(99, b"N\0\0\0\0"): b"x"}):
        with pytest.raises(DamagedSnapshot):
            Group.restore(snapshot, wrong)


def test_bundle(world: World) -> None:
    bundle = world.bundle("alice")
    again = KeyPackageBundle.from_bytes(bundle.to_bytes())
    assert again == bundle
    assert again.ref == bundle.ref
    assert again.suite == world.suite
