"""B14 at the client: every key of a device, without the room's current join secret, is no way in."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from room_world import Person, talking

from sottovoce.client.errors import SealBroken
from sottovoce.client.join_secret import JoinSecret
from sottovoce.client.joining import ROOM_SUITE, capabilities, plan_join
from sottovoce.client.log_payload import MemberCommit, SealedExternalCommit, encode_commit
from sottovoce.crypto.secret import Secret
from sottovoce.link.parts import Entry, EntryKind
from sottovoce.mls import Group

ENTRANCE = Callable[[Person, bytes], bytes]
OLD = JoinSecret(Secret(b"o" * 32), 0)


def external_commit(thief: Person, group_info: bytes, psks: dict[bytes, Secret]) -> bytes:
    own = thief.around.own
    return Group.join_externally(
        group_info,
        own.credential,
        own.key_pair,
        suite=ROOM_SUITE,
        psks=psks,
        remove=thief.state.group.own_leaf_index,
        capabilities=capabilities(),
        config=thief.state.config,
        random=os.urandom,
    ).commit


@pytest.fixture
def room() -> list[Person]:
    """Alice, and Bob whose device is stolen; the thief even came by a GroupInfo, but not by the secret."""
    return talking("alice", "bob")


def test_the_sealed_group_info_does_not_open(room: list[Person]) -> None:
    alice, bob = room
    bob.state.update(join_secret=OLD.secret)
    with pytest.raises(SealBroken):
        plan_join(bob.state, alice.log.epoch, alice.log.group_info)


@pytest.mark.parametrize("psk", ["none", "of another secret under the right name", "under another name"])
@pytest.mark.parametrize("way", ["sealed under another secret", "sealed by an accomplice", "as a member's"])
def test_no_commit_of_the_thief_is_followed(room: list[Person], psk: str, way: str) -> None:
    alice, bob = room
    room_id, epoch = bob.state.record.room_id, alice.state.group.epoch
    right = alice.state.join_secret
    psks = {
        "none": {},
        "of another secret under the right name": {right.psk_id(room_id): OLD.psk()},
        "under another name": {b"another": OLD.psk()},
    }[psk]
    commit = external_commit(bob, alice.state.group.group_info(), psks)
    if way == "as a member's":
        payload = encode_commit(MemberCommit(commit))
    else:
        secret = right if way == "sealed by an accomplice" else OLD
        sealed = secret.seal_external_commit(room_id, epoch, commit, os.urandom)
        payload = encode_commit(SealedExternalCommit(sealed))
    before, members = alice.group_fingerprint(), alice.state.group.members()
    log = alice.log.entries
    forged = Entry(len(log) + 1, EntryKind.COMMIT, epoch, payload, 0)
    (gap,) = alice.read(entries=[*log, forged])
    assert "did not follow its rules" in gap.reason
    assert alice.group_fingerprint() == before
    assert alice.state.group.members() == members
    assert alice.state.record.passed_over == forged.seq


def test_with_the_secret_the_same_commit_is_followed(room: list[Person]) -> None:
    alice, bob = room
    bob.join()
    alice.read()
    assert alice.state.group.epoch_authenticator == bob.state.group.epoch_authenticator
    assert len(alice.state.group.members()) == 2
