"""Key packages, Welcomes and what is stored of a group; the rest of MLS is in ``tests/mls/test_fuzz.py``."""

from __future__ import annotations

import os

from mls_world import CONFIG, NOW, World
from mutation import fuzz

from sottovoce.errors import LocalError, PeerError
from sottovoce.mls import Group, KeyPackage, KeyPackageBundle, inspect_group_info
from sottovoce.mls.records import GROUP


def test_key_packages() -> None:
    world = World()
    bundle = world.bundle("alice")

    def read(octets: bytes) -> None:
        KeyPackage.from_message(octets).validate(world.suite, NOW, CONFIG.authentication)

    assert fuzz(read, [bundle.message], PeerError) > 1900
    assert fuzz(KeyPackageBundle.from_bytes, [bundle.to_bytes()], PeerError) > 500


def test_welcomes_and_group_infos() -> None:
    world = World()
    alice, _ = world.group_of("alice", "bob")
    bundle = world.bundle("carol")
    staged = alice.commit(add=[bundle.message], random=os.urandom, now=NOW)
    assert staged.welcome is not None
    assert fuzz(lambda octets: Group.join(octets, bundle, config=CONFIG), [staged.welcome], PeerError) > 1900
    info = alice.group_info()
    assert fuzz(lambda octets: inspect_group_info(octets, suite=world.suite), [info], PeerError) > 1900


def test_stored_groups() -> None:
    world = World()
    alice, bob = world.group_of("alice", "bob")
    for number in range(3):
        sent = bob.encrypt(b"%d" % number, random=os.urandom)
        bob.merge(sent)
    alice.merge(alice.process(sent.message, now=NOW))
    records = alice.records()

    def record(octets: bytes) -> None:
        Group.restore({**records, key: octets}, config=CONFIG)

    def misplaced(octets: bytes) -> None:
        Group.restore({**records, octets: records[key]}, config=CONFIG)

    for key in sorted(records):
        refused = fuzz(record, [records[key]], LocalError, times=1500 if key == GROUP else 100)
        assert refused > 50 or key[:1] == b"M"
        fuzz(misplaced, [key], LocalError, times=50)


def test_commits_in_flight() -> None:
    world = World()
    alice, _ = world.group_of("alice", "bob")
    carol = world.bundle("carol")
    stored = alice.commit(add=[carol.message], random=os.urandom, now=NOW).stored()

    def record(octets: bytes) -> None:
        alice.resume({**stored, key: octets})

    def misplaced(octets: bytes) -> None:
        alice.resume({**stored, octets: stored[key]})

    for key, value in stored.items():
        assert value is not None
        refused = fuzz(record, [value], LocalError, times=500 if key == GROUP else 100)
        assert refused > 50 or key[:1] in b"ME"
        fuzz(misplaced, [key], LocalError, times=50)
