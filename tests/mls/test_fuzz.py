"""Damaged input meets documented errors only: more than 10,000 mutations of real messages."""

from __future__ import annotations

import os
import random
from dataclasses import replace

from mls_world import CONFIG, NOW, World, insider, taken_apart, unchanged
from mutation import fuzz, mutated

from sottovoce.errors import LocalError, PeerError
from sottovoce.mls import Credential, Group, GroupConfig, Lifetime, inspect_group_info
from sottovoce.mls.framing import MLSMessage
from sottovoce.mls.group_info import GroupSecrets
from sottovoce.mls.presentation import decode
from sottovoce.mls.proposals import Commit
from sottovoce.mls.ratchet_tree import RatchetTree


def test_decoders(world: World) -> None:
    alice, bob, _ = world.group_of("alice", "bob", "carol")
    dave = world.bundle("dave")
    staged = alice.commit(add=[dave.message], random=os.urandom, now=NOW)
    join = Group.join_externally(
        bob.group_info(),
        Credential.basic(b"x"),
        world.keys(),
        suite=world.suite,
        config=CONFIG,
        random=os.urandom,
    )
    seeds = [staged.message, staged.welcome or b"", alice.group_info(), dave.message, join.commit]

    def read(data: bytes) -> None:
        assert MLSMessage.decode(data).encode() == data

    commit = taken_apart(alice, add=[dave.message]).encoded
    secrets = GroupSecrets(b"j" * 32, b"p" * 32, ()).encode()
    assert fuzz(read, seeds, PeerError, times=5000) > 1000
    assert fuzz(RatchetTree.decode, [alice._state.tree.encode()], PeerError, times=1500) > 500
    assert fuzz(lambda data: decode(Commit.read, data), [commit], PeerError, times=1500) > 500
    assert fuzz(lambda data: decode(GroupSecrets.read, data), [secrets], PeerError, times=500) > 200


def test_process(world: World) -> None:
    world.config = GroupConfig(authentication=CONFIG.authentication, accept_public_messages=True)
    alice, bob, carol = world.group_of("alice", "bob", "carol")
    join = Group.join_externally(
        bob.group_info(),
        Credential.basic(b"x"),
        world.keys(),
        suite=world.suite,
        config=CONFIG,
        random=os.urandom,
    )
    seeds = [
        alice.encrypt(b"x", random=os.urandom).message,
        alice.commit(random=os.urandom, now=NOW).message,
        alice.propose_update(random=os.urandom).message,
        join.commit,
    ]
    with unchanged(bob):
        assert fuzz(lambda data: bob.process(data, now=NOW), seeds, PeerError) > 1900
    # What an insider signs is looked at more closely than what does not open.
    commit = taken_apart(alice, add=[world.bundle("dave").message], remove=[carol.own_leaf_index]).encoded

    def insiders(data: bytes) -> None:
        content = decode(Commit.read, data)
        with unchanged(bob):
            bob.process(insider(alice, content), now=NOW)

    assert fuzz(insiders, [commit], PeerError, times=1500, seeds_are_taken=False) > 1400


def test_group_infos(world: World) -> None:
    alice, _, _ = world.group_of("alice", "bob", "carol")
    tree = alice._state.tree

    def resigned(data: bytes) -> None:
        context = replace(alice._state.context, tree_hash=RatchetTree.decode(data).tree_hash(world.suite))
        info = replace(alice._state, context=context, tree=RatchetTree.decode(data))
        message = info.group_info_message((), with_tree=True, external=True)
        inspect_group_info(message, suite=world.suite, authentication=CONFIG.authentication)

    assert fuzz(resigned, [tree.encode()], PeerError, times=800) > 700


def test_snapshots(world: World) -> None:
    alice, _ = world.group_of("alice", "bob")
    records = alice.records()
    draw = random.Random(1)
    for _ in range(300):
        key = draw.choice(sorted(records))
        try:
            Group.restore({**records, key: mutated(draw, records[key])})
        except LocalError:
            continue


def test_lifetimes_are_inclusive() -> None:
    lifetime = Lifetime(5, 7)
    assert [lifetime.covers(now) for now in (4, 5, 7, 8)] == [False, True, True, False]
