"""B4: a store restored from a copy sends nothing under a key and nonce that was used before."""

from __future__ import annotations

import sqlite3

import pytest
from room_world import Person, talking

from sottovoce.client.log_reader import OutOfStep
from sottovoce.client.tables import schema
from sottovoce.client.tables.database import Database
from sottovoce.crypto.aead import Aead


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, bytes]]:
    """Every (key, nonce) that something was encrypted under."""
    uses: list[tuple[bytes, bytes]] = []
    original = Aead.seal

    def seal(self: Aead, key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
        uses.append((key, nonce))
        return original(self, key, nonce, aad, plaintext)

    monkeypatch.setattr(Aead, "seal", seal)
    return uses


def opened(octets: bytes) -> Database:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.deserialize(octets)
    connection.execute("PRAGMA foreign_keys = ON")
    assert schema.version(Database(connection)) == schema.VERSION
    return Database(connection)


def five(person: Person, what: str) -> None:
    for number in range(5):
        person.type(f"{what} {number}")
        person.send()
    person.read()


def test_a_copy_joins_again_before_it_sends(sealed: list[tuple[bytes, bytes]]) -> None:
    alice, bob = talking("alice", "bob")
    copy = alice.database._connection.serialize()
    five(alice, "first")
    alice.database = opened(copy)
    alice.restart()
    assert alice.messages() == []
    with pytest.raises(OutOfStep, match="older"):
        alice.read()  # it reads before it sends
    alice.join()
    bob.read()
    five(alice, "second")
    bob.read()
    assert [text for _, text in bob.messages()] == [
        f"{what} {n}" for what in ("first", "second") for n in range(5)
    ]
    assert bob.gaps() == []
    assert len(sealed) > 20
    assert len(set(sealed)) == len(sealed)


def test_keys_of_messages_are_used_once_even_without_their_nonces(sealed: list[tuple[bytes, bytes]]) -> None:
    alice, bob = talking("alice", "bob")
    sealed.clear()
    for person in (alice, bob):
        five(person, "line")
        person.restart()
        person.read()
        five(person, "after a restart")
    keys = [key for key, _ in sealed]
    assert len(keys) >= 40  # of the message and of its sender data
    assert len(set(keys)) == len(keys)
