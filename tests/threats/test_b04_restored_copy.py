"""B4 in MLS: an old copy of a store is told what its twin has sent, and no insider feigns a twin."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from mls_world import CONFIG, NOW, World, insider, refused, refused_by, unchanged, whole

from sottovoce.mls import Group, OwnMessage, ValidationRule
from sottovoce.mls.framing import Sender


def test_a_twin_is_told(world: World) -> None:
    alice, _ = world.group_of("alice", "bob")
    copy = Group.restore(whole(alice), config=CONFIG)
    for text in (b"one", b"two"):
        sent = alice.encrypt(text, random=os.urandom)
        alice.merge(sent)
        for group, is_from_another_copy in ((alice, False), (copy, True)):
            with unchanged(group), pytest.raises(OwnMessage) as caught:
                group.process(sent.message, now=NOW)
            assert caught.value.is_from_another_copy is is_from_another_copy


def test_an_insider_feigns_no_twin(world: World) -> None:
    alice, bob = world.group_of("alice", "bob")
    as_alice = Sender.member(alice.own_leaf_index)
    twin = Group.restore(whole(bob), config=CONFIG)
    twin._state = replace(twin._state, own_leaf=alice.own_leaf_index)
    forged = insider(twin, b"I am alice", sender=as_alice)
    refused(alice, forged, ValidationRule.FRAMING_SIGNATURE)
    alice.merge(alice.encrypt(b"first", random=os.urandom))
    # The key of that generation is gone now: nobody can tell, so nothing is said of a copy.
    refused_by(alice, forged, OwnMessage)
    with pytest.raises(OwnMessage) as caught:
        alice.process(forged, now=NOW)
    assert not caught.value.is_from_another_copy
