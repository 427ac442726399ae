"""Planning commits: whom a name brings into the room is never the server's word alone."""

from __future__ import annotations

import os

import pytest
from room_world import NOW, Person, talking

from sottovoce.client.committing import plan_commit
from sottovoce.client.credentials import AccountKeyChanged
from sottovoce.client.errors import ContentError
from sottovoce.client.joining import capabilities
from sottovoce.client.policy import Access
from sottovoce.client.tables.rooms import AddUser, StoredIntent
from sottovoce.crypto.suites import DEFAULT
from sottovoce.errors import PeerError
from sottovoce.mls import Lifetime, generate_key_package


def _key_package(person: Person) -> bytes:
    own = person.around.own
    lifetime = Lifetime(NOW - 60, NOW + 86400)
    return generate_key_package(
        DEFAULT,
        own.credential,
        own.key_pair,
        lifetime=lifetime,
        capabilities=capabilities(),
        random=os.urandom,
    ).message


def _plan(alice: Person, user: str, *packages: bytes) -> object:
    return plan_commit(alice.state, StoredIntent(1, AddUser(user, list(packages))), NOW)


def test_who_is_asked_for_is_added() -> None:
    (alice,) = talking("alice", access=Access.INVITE)
    planned = _plan(alice, "Bob", _key_package(Person("bob", alice.log)))
    assert planned is not None
    (added,) = planned.staged.added
    assert added.credential.identity
    assert planned.request(0).added[0].user == "bob"


def test_another_than_asked_for_is_not_added() -> None:
    """Threats A2: the server answers with the key package of an account of its own."""
    (alice,) = talking("alice", access=Access.INVITE)
    bob, mallory = Person("bob", alice.log), Person("mallory", alice.log)
    with pytest.raises(ContentError, match="another's"):
        _plan(alice, "bob", _key_package(bob), _key_package(mallory))
    assert "mallory" not in alice.around.contacts.by_name


def test_two_accounts_of_one_name_are_not_added() -> None:
    (alice,) = talking("alice", access=Access.INVITE)
    with pytest.raises(AccountKeyChanged):
        _plan(alice, "bob", _key_package(Person("bob", alice.log)), _key_package(Person("bob", alice.log)))


def test_what_is_no_key_package_adds_nobody() -> None:
    (alice,) = talking("alice", access=Access.INVITE)
    with pytest.raises(PeerError):
        _plan(alice, "bob", b"\x00\x01\x00\x05garbage")
