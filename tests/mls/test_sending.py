"""Every proposal by value and by reference, in PrivateMessage and PublicMessage; trees beside Welcomes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from mls_world import CONFIG, NOW, World, refused, unchanged

from sottovoce.crypto.secret import Secret
from sottovoce.mls import (
    Group,
    MissingPreSharedKey,
    MisuseError,
    RequiredCapabilities,
    ResumptionPSK,
    StagedCommit,
    StagedProposal,
    ValidationError,
    ValidationRule,
)
from sottovoce.mls.framing import MLSMessage, PrivateMessage, PublicMessage
from sottovoce.mls.proposals import PreSharedKey, PSKType

PUBLIC = replace(CONFIG, accept_public_messages=True, send_public_handshakes=True)
PSKS = {b"a": Secret(b"\x01" * 32), b"b": Secret(b"\x02" * 32)}
REQUIRED = (RequiredCapabilities((), (), (1,)).extension(),)


def pass_on(world: World, sender: Group, staged: StagedProposal) -> None:
    world.deliver(staged.message, sender)
    sender.merge(staged)


@pytest.mark.parametrize("config", [CONFIG, PUBLIC], ids=["private", "public"])
@pytest.mark.parametrize(
    "propose",
    [
        lambda alice, world: alice.propose_add(world.bundle("dave").message, random=os.urandom, now=NOW),
        lambda alice, world: alice.propose_update(random=os.urandom),
        lambda alice, world: alice.propose_remove(world.groups["carol"].own_leaf_index, random=os.urandom),
        lambda alice, world: alice.propose_psk(b"a", random=os.urandom),
        lambda alice, world: alice.propose_psk(alice.resumption_psk(2), random=os.urandom),
        lambda alice, world: alice.propose_group_context_extensions(REQUIRED, random=os.urandom),
    ],
    ids=["add", "update", "remove", "external psk", "resumption psk", "extensions"],
)
def test_by_reference(
    world: World, config: object, propose: Callable[[Group, World], StagedProposal]
) -> None:
    world.config = config  # type: ignore[assignment]
    alice, bob, _ = world.group_of("alice", "bob", "carol")
    with unchanged(alice):
        staged = propose(alice, world)
    pass_on(world, alice, staged)
    commit = bob.commit(psks=PSKS, random=os.urandom, now=NOW)
    for name, group in world.groups.items():
        if name != "bob":
            received = group.process(commit.message, psks=PSKS, now=NOW)
            assert isinstance(received, StagedCommit)
            group.merge(received)
    bob.merge(commit)
    world.agree()
    body = MLSMessage.decode(commit.message).body
    assert isinstance(body, PublicMessage if config is PUBLIC else PrivateMessage)
    assert (commit.send_step is None) == (config is PUBLIC)


class TestPublicHandshakes:
    def test_each_member_in_its_own_format(self, world: World) -> None:
        """The transcript holds the wire format of each commit as it travelled (§8.2)."""
        alice, bob, carol = world.group_of("alice", "bob", "carol")
        alice._config = PUBLIC
        for group in (bob, carol):
            group._config = replace(CONFIG, accept_public_messages=True)
        world.commit(alice)
        world.commit(bob)
        world.agree()

    def test_are_refused_where_they_are_not_accepted(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        alice._config = PUBLIC
        commit = alice.commit(random=os.urandom, now=NOW)
        refused(bob, commit.message, ValidationRule.FRAMING_MEMBER_ENCRYPTS)

    def test_application_data_stays_private(self, world: World) -> None:
        world.config = PUBLIC
        alice, _ = world.group_of("alice", "bob")
        body = MLSMessage.decode(alice.encrypt(b"text", random=os.urandom).message).body
        assert isinstance(body, PrivateMessage)


class TestResumptionPSKs:
    def test_by_value(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        commit = alice.commit(resumption_psks=[alice.resumption_psk(2)], random=os.urandom, now=NOW)
        assert [(psk.psk_type, psk.epoch) for psk in commit.psks] == [(PSKType.RESUMPTION, 2)]
        assert commit.psk_ids == ()
        world.deliver(commit.message, alice)
        alice.merge(commit)
        world.agree()
        assert bob.epoch == 4

    def test_of_another_group(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        elsewhere = World().group_of("alice", "bob")
        other = replace(elsewhere[0].resumption_psk(), group_id=b"other room")
        commit = alice.commit(resumption_psks=[other], random=os.urandom, now=NOW)
        with unchanged(bob), pytest.raises(MissingPreSharedKey) as caught:
            bob.process(commit.message, now=NOW)
        assert (caught.value.group_id, caught.value.epoch) == (b"other room", 3)
        assert b"other room".hex() in str(caught.value)
        same = replace(elsewhere[1].resumption_psk(), group_id=b"other room")
        bob.merge(bob.process(commit.message, resumption_psks=[same], now=NOW))
        alice.merge(commit)
        world.agree()

    def test_a_wrong_one_does_not_confirm(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        commit = alice.commit(
            resumption_psks=[ResumptionPSK(b"x", 0, Secret(b"right"))], random=os.urandom, now=NOW
        )
        wrong = ResumptionPSK(b"x", 0, Secret(b"wrong"))
        with unchanged(bob), pytest.raises(ValidationError) as caught:
            bob.process(commit.message, resumption_psks=[wrong], now=NOW)
        assert caught.value.rule is ValidationRule.FRAMING_CONFIRMATION

    def test_a_caller_cannot_replace_the_groups_own(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        commit = alice.commit(resumption_psks=[alice.resumption_psk()], random=os.urandom, now=NOW)
        wrong = replace(alice.resumption_psk(), secret=Secret(b"wrong"))
        bob.merge(bob.process(commit.message, resumption_psks=[wrong], now=NOW))
        alice.merge(commit)
        world.agree()

    def test_an_epoch_that_is_gone(self, world: World) -> None:
        (alice,) = world.group_of("alice")
        with pytest.raises(MisuseError):
            alice.resumption_psk(9)

    def test_in_a_welcome(self, world: World) -> None:
        """A joiner has a resumption PSK only of a group that it was in: from there it hands it over."""
        alice, _ = world.group_of("alice", "bob")
        carol = world.bundle("carol")
        commit = alice.commit(
            add=[carol.message], resumption_psks=[alice.resumption_psk()], random=os.urandom, now=NOW
        )
        assert commit.welcome is not None
        with pytest.raises(MissingPreSharedKey):
            Group.join(commit.welcome, carol, config=CONFIG)
        joined = Group.join(commit.welcome, carol, resumption_psks=[alice.resumption_psk()], config=CONFIG)
        alice.merge(commit)
        assert joined.epoch_authenticator == alice.epoch_authenticator

    def test_one_both_proposed_and_asked_for_is_named_once(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        pass_on(world, alice, alice.propose_psk(alice.resumption_psk(), random=os.urandom))
        pass_on(world, alice, alice.propose_psk(b"a", random=os.urandom))
        commit = bob.commit(psks=PSKS, resumption_psks=[bob.resumption_psk()], random=os.urandom, now=NOW)
        assert len(commit.psks) == 3
        assert set(commit.psk_ids) == {b"a", b"b"}

    def test_each_naming_has_its_own_nonce(self, world: World) -> None:
        (alice,) = world.group_of("alice")
        names = [alice.propose_psk(b"a", random=os.urandom).proposal for _ in range(2)]
        assert isinstance(names[0], PreSharedKey)
        assert len(names[0].psk.nonce) == 32
        assert names[0] != names[1]


class TestTrees:
    def test_beside_a_welcome(self, world: World) -> None:
        alice, _ = world.group_of("alice", "bob")
        carol = world.bundle("carol")
        within = alice.commit(add=[carol.message], random=os.urandom, now=NOW)
        commit = alice.commit(add=[carol.message], with_tree=False, random=os.urandom, now=NOW)
        assert commit.welcome is not None
        assert len(commit.welcome) < len(within.welcome or b"")
        with pytest.raises(ValidationError) as caught:
            Group.join(commit.welcome, carol, config=CONFIG)
        assert caught.value.rule is ValidationRule.WELCOME_TREE
        joined = Group.join(commit.welcome, carol, ratchet_tree=commit.ratchet_tree(), config=CONFIG)
        alice.merge(commit)
        assert alice.ratchet_tree() == commit.ratchet_tree() == joined.ratchet_tree()

    def test_of_another_epoch(self, world: World) -> None:
        alice, _ = world.group_of("alice", "bob")
        carol = world.bundle("carol")
        commit = alice.commit(add=[carol.message], with_tree=False, random=os.urandom, now=NOW)
        assert commit.welcome is not None
        with pytest.raises(ValidationError) as caught:
            Group.join(commit.welcome, carol, ratchet_tree=alice.ratchet_tree(), config=CONFIG)
        assert caught.value.rule in (ValidationRule.WELCOME_SIGNATURE, ValidationRule.TREE_HASH)
