"""B16: a commit that some members cannot open costs them a new leaf, and the room nothing it had stored."""

from __future__ import annotations

import pytest
from room_world import Person, talking

from sottovoce.client.tables.rooms import SelfUpdate
from sottovoce.crypto.hpke import HpkeSealer


def commit_only_for(spared: Person, insider: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an insider commit with path secrets that nobody but ``spared`` can open."""
    group = spared.state.group
    leaf = group._state.tree.leaf(group.own_leaf_index)
    assert leaf is not None
    seal = HpkeSealer.seal

    def seal_badly(sealer: HpkeSealer, public_key: bytes, plaintext: bytes) -> tuple[bytes, bytes]:
        kem_output, ciphertext = seal(sealer, public_key, plaintext)
        if public_key != leaf.encryption_key:
            ciphertext = ciphertext[:-1] + bytes([ciphertext[-1] ^ 1])
        return kem_output, ciphertext

    with monkeypatch.context() as patch:
        patch.setattr(HpkeSealer, "seal", seal_badly)
        assert insider.commit(SelfUpdate())


def test_the_split_room_is_one_again(monkeypatch: pytest.MonkeyPatch) -> None:
    people = mallory, alice, bob, carol = talking("mallory", "alice", "bob", "carol")
    alice.type("before it")
    alice.send()
    for person in people:
        person.read()
    commit_only_for(alice, mallory, monkeypatch)
    alice.read()
    for person in (bob, carol):
        person.read()
        assert person.state.record.passed_over == len(person.log.entries), "all before it was read and kept"
        assert person.state.group.epoch == alice.state.group.epoch - 1
    bob.join()
    carol.join()
    for person in people:
        person.read()
    assert len({person.state.group.epoch_authenticator for person in people}) == 1
    assert len(alice.state.group.members()) == 4
    for number, person in enumerate(people):
        person.type(f"line {number}")
        person.send()
    for person in people:
        person.read()
        assert [text for _, text in person.messages()] == ["before it", *(f"line {n}" for n in range(4))]
        assert len(person.gaps()) == (person in (bob, carol))
