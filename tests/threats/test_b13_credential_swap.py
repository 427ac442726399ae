"""B13: nobody takes over a member's leaf; messages are attributed by their own epoch's tree."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from mls_world import CONFIG, NOW, World, insider, refused, taken_apart

from sottovoce.mls import Credential, Group, MisuseError, StagedApplication, ValidationRule
from sottovoce.mls.nodes import LeafNode
from sottovoce.mls.proposals import Commit, ProposalReference, Update


def swapped(group: Group, leaf: LeafNode) -> LeafNode:
    """The leaf, saying it is alice, signed by its real owner."""
    key = group._state.signature_key_pair.private
    changed = replace(leaf, credential=Credential.basic(b"alice"))
    return changed.signed(group.suite, key, group.group_id, group.own_leaf_index)


def test_by_path(world: World) -> None:
    alice, bob, _ = world.group_of("alice", "bob", "carol")
    path = taken_apart(bob).path
    assert path is not None
    spoilt = replace(path, leaf_node=swapped(bob, path.leaf_node))
    refused(alice, insider(bob, Commit((), spoilt)), ValidationRule.CREDENTIAL_SUCCESSOR)


def test_by_update(world: World) -> None:
    alice, bob, carol = world.group_of("alice", "bob", "carol")
    staged = bob.propose_update(credential=Credential.basic(b"alice"), random=os.urandom)
    assert isinstance(staged.proposal, Update)
    bob.merge(staged)
    for group in (alice, carol):
        group.merge(group.process(staged.message, now=NOW))
    # An honest committer leaves it out; a commit that refers to it all the same is refused.
    assert carol.commit(random=os.urandom, now=NOW).updated == ()
    path = taken_apart(carol, include_pending=False).path
    message = insider(carol, Commit((ProposalReference(staged.reference),), path))
    refused(alice, message, ValidationRule.CREDENTIAL_SUCCESSOR)


def test_by_resync(world: World) -> None:
    alice, _ = world.group_of("alice", "bob")
    with pytest.raises(MisuseError):
        Group.join_externally(
            alice.group_info(),
            Credential.basic(b"bob"),
            world.keys(),
            suite=world.suite,
            remove=alice.own_leaf_index,
            config=CONFIG,
            random=os.urandom,
        )


def test_attribution_by_the_epochs_own_tree(world: World) -> None:
    alice, bob, carol = world.group_of("alice", "bob", "carol")
    sent = bob.encrypt(b"by bob", random=os.urandom)
    bob.merge(sent)
    dave = world.bundle("dave")
    world.commit(alice, remove=[bob.own_leaf_index], add=[dave.message])
    member = carol.member(bob.own_leaf_index)
    assert member is not None
    assert member.credential.data == b"dave"
    staged = carol.process(sent.message, now=NOW)
    assert isinstance(staged, StagedApplication)
    assert staged.sender_credential.data == b"bob"
