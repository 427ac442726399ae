"""A2: a name has one key. Where no person could decide between two, the second is passed over."""

from __future__ import annotations

import os

import pytest
from room_world import NOW, Person, talking

from sottovoce.client.credentials import AccountKeyChanged
from sottovoce.client.joining import capabilities
from sottovoce.client.log_payload import MemberCommit, encode_commit
from sottovoce.client.policy import Access
from sottovoce.mls import KeyPackage, Lifetime, generate_key_package


def _key_package(user: str, adder: Person) -> KeyPackage:
    own, group = Person(user, adder.log).around.own, adder.state.group
    assert group is not None
    return generate_key_package(
        group.suite,
        own.credential,
        own.key_pair,
        lifetime=Lifetime(NOW - 60, NOW + 86400),
        capabilities=capabilities(),
        random=os.urandom,
    ).key_package


def _add(mallory: Person, *users: str) -> None:
    """Commit what an honest client refuses to: accounts that the server calls by names of others."""
    group = mallory.state.group
    assert group is not None
    mallory.around.contacts.by_name.clear()
    staged = group.commit(
        add=[_key_package(user, mallory) for user in users], random=os.urandom, now=mallory.now
    )
    mallory.log.store_commit(staged.epoch - 1, encode_commit(MemberCommit(staged.message)))


@pytest.mark.parametrize("users", [("bob",), ("dave", "Dave")])
def test_a_room_does_not_wait_for_a_decision_that_nobody_can_make(users: tuple[str, ...]) -> None:
    """Another under this account's own name; two new ones under one name."""
    mallory, bob = talking("mallory", "bob", access=Access.OPEN)
    mallory.log.clock = NOW
    _add(mallory, *users)
    bob.read()
    assert bob.state.record.passed_over == len(bob.log.entries)
    assert "dave" not in bob.around.contacts.by_name


def test_it_waits_where_one_of_the_two_is_known() -> None:
    mallory, bob, _ = talking("mallory", "bob", "carol", access=Access.OPEN)
    mallory.log.clock = NOW
    _add(mallory, "carol")
    with pytest.raises(AccountKeyChanged):
        bob.read()
    assert bob.state.record.passed_over is None
