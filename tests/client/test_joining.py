"""Joining again: what a GroupInfo, which any member can make, may not bring about."""

from __future__ import annotations

import dataclasses
import os

import pytest
from room_world import NOW, Person, talking

from sottovoce.client.credentials import certificates
from sottovoce.client.errors import RoomRolledBack, SealBroken, SecretOutdated
from sottovoce.client.join_secret import JoinSecret
from sottovoce.client.joining import plan_join
from sottovoce.client.policy import POLICY_EXTENSION, Access
from sottovoce.crypto.secret import Secret
from sottovoce.mls import Extension


def test_an_insider_does_not_become_the_owner_by_making_the_others_join_again() -> None:
    """A commit nobody can follow, and with it a GroupInfo of its maker's liking."""
    _alice, bob, mallory = talking("alice", "bob", "mallory", access=Access.KEY)
    group = mallory.state.group
    group._config = dataclasses.replace(group._config, check_commit=None)
    policy = dataclasses.replace(mallory.state.policy, owner=mallory.around.own.certificate.account_key)
    extensions = tuple(
        Extension(POLICY_EXTENSION, policy.encode()) if e.extension_type == POLICY_EXTENSION else e
        for e in group.extensions
    )
    staged = group.commit(group_context_extensions=extensions, random=os.urandom, now=NOW)
    room_id, secret = bob.state.record.room_id, bob.state.join_secret
    sealed = secret.seal_group_info(room_id, staged.epoch, staged.group_info(), os.urandom)
    with pytest.raises(RoomRolledBack):
        plan_join(bob.state, staged.epoch, sealed)


def test_nobody_is_kept_out_by_another_accounts_device_with_the_same_id() -> None:
    (alice,) = talking("alice")
    bob = Person("bob", alice.log)
    mallory = Person("mallory", alice.log, device_id=bob.around.own.certificate.device_id)
    mallory.join()
    alice.read()
    bob.join()
    bob.join()  # again, in the place of its own leaf
    alice.read()
    mallory.read()
    users = [certificate.user for certificate in certificates(alice.state.group.members())]
    assert sorted(users) == ["alice", "bob", "mallory"]
    assert alice.gaps() == mallory.gaps() == []


def test_an_outdated_secret_is_told_from_a_damaged_group_info() -> None:
    alice, bob = talking("alice", "bob")
    sealed, epoch = alice.log.group_info, alice.log.epoch
    with pytest.raises(SealBroken):
        plan_join(bob.state, epoch, sealed[:-1] + bytes([sealed[-1] ^ 1]))
    rotated = JoinSecret(Secret(os.urandom(32)), 1)
    group_info = alice.state.group.group_info()
    sealed = rotated.seal_group_info(bob.state.record.room_id, epoch, group_info, os.urandom)
    with pytest.raises(SecretOutdated):
        plan_join(bob.state, epoch, sealed)
