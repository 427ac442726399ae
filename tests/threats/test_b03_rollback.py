"""B3: who joins again joins no epoch before one it was in, nor another history of the same one."""

from __future__ import annotations

import copy

import pytest
from room_world import Log, Person, talking

from sottovoce.client.errors import ContentError, RoomRolledBack, SealBroken
from sottovoce.client.joining import plan_join
from sottovoce.client.tables import rooms as rooms_table
from sottovoce.client.tables.rooms import SelfUpdate


def restarted_without_its_group(person: Person) -> None:
    """What is left when a room is out of step: the record, by which the epochs it was in are known."""
    rooms_table.forget_group(person.database, person.state.record.room_id)
    person.restart()


def test_an_older_state_is_not_joined() -> None:
    alice, bob = talking("alice", "bob")
    old_epoch, old_info = bob.log.epoch, bob.log.group_info
    for _ in range(2):
        assert alice.commit(SelfUpdate())
        bob.read()
    for with_group in (True, False):
        if not with_group:
            restarted_without_its_group(bob)
        with pytest.raises(RoomRolledBack):
            plan_join(bob.state, old_epoch, old_info)
        # Under another number the old GroupInfo does not open.
        with pytest.raises(SealBroken):
            plan_join(bob.state, bob.log.epoch + 1, old_info)
    assert alice.commit(SelfUpdate())
    bob.join()
    assert bob.state.group.epoch == bob.log.epoch


def test_another_history_of_the_same_epoch_is_not_joined() -> None:
    alice, bob = talking("alice", "bob")
    fork = copy.deepcopy(alice.log)
    assert alice.commit(SelfUpdate())
    bob.read()
    # Carol is let in by a server that shows her another commit for the epoch that Alice has ended.
    carol = Person("carol", fork)
    carol.join()
    assert fork.epoch == bob.state.group.epoch
    with pytest.raises(RoomRolledBack):
        plan_join(bob.state, fork.epoch, fork.group_info)
    plan_join(bob.state, bob.log.epoch, bob.log.group_info)


def test_a_group_info_of_another_room_is_not_joined() -> None:
    alice, bob = talking("alice", "bob")
    epoch = bob.log.epoch
    elsewhere = bob.state.join_secret.seal_group_info(
        bytes(16), epoch, alice.state.group.group_info(), bob.around.random
    )
    with pytest.raises(SealBroken):
        plan_join(bob.state, epoch, elsewhere)
    mislabelled = bob.state.join_secret.seal_group_info(
        bob.state.record.room_id, epoch + 1, alice.state.group.group_info(), bob.around.random
    )
    with pytest.raises(ContentError):
        plan_join(bob.state, epoch + 1, mislabelled)
    assert isinstance(alice.log, Log)
