"""SelfRemove: members leave, and joiners from outside can commit it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from mls_world import CONFIG, NOW, SUITE_1, World, commit_of, insider, refused, taken_apart, unchanged

from sottovoce.mls import (
    Credential,
    Group,
    KeyPackageBundle,
    LeafIndex,
    MisuseError,
    MLSPeerError,
    ProposalType,
    SelfRemove,
    StagedProposal,
    ValidationError,
    ValidationRule,
    default_capabilities,
)
from sottovoce.mls.framing import MLSMessage, PublicMessage, Sender, SenderType
from sottovoce.mls.proposals import Commit, ProposalReference

ABLE = default_capabilities(SUITE_1, proposals=[ProposalType.SELF_REMOVE])


class AbleWorld(World):
    """Everyone lists the proposal's type, but for who is called unable."""

    def bundle(self, name: str, **arguments: object) -> KeyPackageBundle:
        listed = default_capabilities(SUITE_1) if name == "unable" else ABLE
        return super().bundle(name, **{"capabilities": listed, **arguments})  # type: ignore[arg-type]

    def create(self, name: str = "alice") -> Group:
        self.groups[name] = group = Group.create(
            self.suite,
            b"room",
            Credential.basic(name.encode()),
            self.keys(),
            capabilities=ABLE,
            config=self.config,
            random=os.urandom,
            now=NOW,
        )
        return group

    def external_join(self, group: Group, **arguments: object) -> Group:
        join = Group.join_externally(
            group.group_info(),
            Credential.basic(b"dave"),
            self.keys(),
            suite=self.suite,
            capabilities=ABLE,
            config=CONFIG,
            random=os.urandom,
            **arguments,  # type: ignore[arg-type]
        )
        self.deliver(join.commit, None)
        self.groups["dave"] = join.group
        return join.group


@pytest.fixture
def able() -> AbleWorld:
    return AbleWorld()


def leave(world: World, group: Group) -> bytes:
    staged = group.propose_self_remove(random=os.urandom)
    world.deliver(staged.message, group)
    group.merge(staged)
    return staged.message


class TestLeaving:
    def test_another_member_commits_it(self, able: AbleWorld) -> None:
        alice, bob, carol = able.group_of("alice", "bob", "carol")
        message = leave(able, carol)
        body = MLSMessage.decode(message).body
        assert isinstance(body, PublicMessage)
        # Not by the one who leaves, who cannot know the next epoch.
        assert carol.commit(random=os.urandom, now=NOW).removed == ()
        commit = bob.commit(force_path=False, random=os.urandom, now=NOW)
        assert [member.leaf_index for member in commit.removed] == [carol.own_leaf_index]
        able.deliver(commit.message, bob)
        bob.merge(commit)
        able.agree()
        assert not carol.is_active
        assert len(alice.members()) == 2

    def test_a_joiner_commits_it(self, able: AbleWorld) -> None:
        alice, bob, carol = able.group_of("alice", "bob", "carol")
        messages = [leave(able, bob), leave(able, carol)]
        dave = able.external_join(alice, self_removals=messages)
        able.agree()
        assert not bob.is_active
        assert not carol.is_active
        assert [one.credential.data for one in dave.members()] == [b"alice", b"dave"]

    def test_a_joiner_returns_to_its_own_leaf_with_it(self, able: AbleWorld) -> None:
        alice, bob, carol = able.group_of("alice", "dave", "carol")
        messages = [leave(able, carol)]
        able.external_join(alice, self_removals=messages, remove=bob.own_leaf_index)
        able.agree()
        assert len(alice.members()) == 2

    def test_a_joiner_removes_nobody_twice(self, able: AbleWorld) -> None:
        alice, dave, _ = able.group_of("alice", "dave", "carol")
        messages = [leave(able, dave)]
        with pytest.raises(MisuseError):
            able.external_join(alice, self_removals=messages, remove=dave.own_leaf_index)

    def test_goes_before_a_remove_of_the_same_leaf(self, able: AbleWorld) -> None:
        alice, bob, carol = able.group_of("alice", "bob", "carol")
        staged = alice.propose_remove(carol.own_leaf_index, random=os.urandom)
        able.deliver(staged.message, alice)
        alice.merge(staged)
        leave(able, carol)
        commit = bob.commit(random=os.urandom, now=NOW)
        assert len(commit.removed) == 1
        body = taken_apart(bob)
        assert len(body.proposals) == 1
        (reference,) = body.proposals
        assert isinstance(reference, ProposalReference)
        assert isinstance(bob._pending[reference.reference].proposal, SelfRemove)


class TestRules:
    def test_once_in_an_epoch(self, able: AbleWorld) -> None:
        alice, bob = able.group_of("alice", "bob")
        leave(able, bob)
        with unchanged(bob), pytest.raises(MisuseError):
            bob.propose_self_remove(random=os.urandom)
        bob._pending = {}
        again = bob.propose_self_remove(authenticated_data=b"again", random=os.urandom)
        refused(alice, again.message, ValidationRule.PROPOSAL_SELF_REMOVE)
        # The very same message is none more.
        bob._pending = {}
        same = bob.propose_self_remove(random=os.urandom)
        assert isinstance(alice.process(same.message, now=NOW), StagedProposal)

    def test_in_a_group_that_is_not_capable(self, able: AbleWorld) -> None:
        alice, bob, _ = able.group_of("alice", "bob", "unable")
        with pytest.raises(MisuseError):
            bob.propose_self_remove(random=os.urandom)
        message = insider(bob, SelfRemove(), public=True)
        refused(alice, message, ValidationRule.FRAMING_MEMBER_ENCRYPTS)
        alice._config = replace(CONFIG, accept_public_messages=True)
        refused(alice, message, ValidationRule.PROPOSAL_SUPPORTED)
        refused(alice, insider(bob, commit_of(SelfRemove())), ValidationRule.PROPOSAL_SUPPORTED)

    def test_in_no_private_message(self, able: AbleWorld) -> None:
        alice, bob = able.group_of("alice", "bob")
        refused(alice, insider(bob, SelfRemove()), ValidationRule.PROPOSAL_SELF_REMOVE)

    def test_not_by_value(self, able: AbleWorld) -> None:
        alice, bob = able.group_of("alice", "bob")
        refused(alice, insider(bob, commit_of(SelfRemove())), ValidationRule.PROPOSAL_SELF_REMOVE)

    def test_not_of_the_committer(self, able: AbleWorld) -> None:
        alice, bob, _ = able.group_of("alice", "bob", "carol")
        leave(able, bob)
        (reference,) = alice._pending
        path = taken_apart(bob, include_pending=False).path
        message = insider(bob, Commit((ProposalReference(reference),), path))
        refused(alice, message, ValidationRule.PROPOSAL_OWN_UPDATE)

    def test_not_from_outside(self, able: AbleWorld) -> None:
        alice, bob = able.group_of("alice", "bob")
        alice._config = replace(CONFIG, accept_external_proposals=True)
        for sender in (Sender(SenderType.EXTERNAL, 0), Sender(SenderType.NEW_MEMBER_PROPOSAL)):
            message = insider(bob, SelfRemove(), sender=sender, public=True)
            refused(alice, message, ValidationRule.PROPOSAL_OUTSIDER_KIND)


class TestJoinersCheck:
    """A joiner holds what it is given against the GroupInfo's tree."""

    def joined(self, able: AbleWorld, alice: Group, *messages: bytes) -> ValidationRule:
        with pytest.raises(ValidationError) as caught:
            able.external_join(alice, self_removals=messages)
        return caught.value.rule

    @pytest.mark.parametrize(
        ("make", "rule"),
        [
            (lambda a, b: b.propose_update(random=os.urandom).message, ValidationRule.PROPOSAL_SELF_REMOVE),
            (lambda a, b: insider(b, SelfRemove()), ValidationRule.PROPOSAL_SELF_REMOVE),
            (lambda a, b: insider(b, SelfRemove(), public=True, group_id=b"x"), ValidationRule.FRAMING_GROUP),
            (lambda a, b: insider(b, SelfRemove(), public=True, epoch=1), ValidationRule.FRAMING_GROUP),
            (
                lambda a, b: insider(b, SelfRemove(), public=True, sender=Sender.member(LeafIndex(9))),
                ValidationRule.FRAMING_SENDER,
            ),
            (
                lambda a, b: insider(b, SelfRemove(), public=True, sender=Sender(SenderType.EXTERNAL, 1)),
                ValidationRule.FRAMING_SENDER,
            ),
            (
                lambda a, b: insider(b, SelfRemove(), public=True, sender=Sender.member(a.own_leaf_index)),
                ValidationRule.FRAMING_SIGNATURE,
            ),
        ],
    )
    def test_refused(
        self, able: AbleWorld, make: Callable[[Group, Group], bytes], rule: ValidationRule
    ) -> None:
        alice, bob = able.group_of("alice", "bob")
        assert self.joined(able, alice, make(alice, bob)) is rule

    def test_of_a_group_that_is_not_capable(self, able: AbleWorld) -> None:
        alice, bob, _ = able.group_of("alice", "bob", "unable")
        message = insider(bob, SelfRemove(), public=True)
        assert self.joined(able, alice, message) is ValidationRule.PROPOSAL_SUPPORTED

    def test_two_of_one_member(self, able: AbleWorld) -> None:
        alice, bob = able.group_of("alice", "bob")
        first = bob.propose_self_remove(random=os.urandom).message
        second = bob.propose_self_remove(authenticated_data=b"x", random=os.urandom).message
        assert self.joined(able, alice, first, second) is ValidationRule.PROPOSAL_ONE_PER_LEAF

    def test_garbage(self, able: AbleWorld) -> None:
        alice, _ = able.group_of("alice", "bob")
        with pytest.raises(MLSPeerError):
            able.external_join(alice, self_removals=[b"garbage"])


def test_a_joiner_proves_that_it_was_there(world: World) -> None:
    """An external commit may inject a resumption PSK of an epoch the joiner was a member in (§8.6)."""
    alice, bob = world.group_of("alice", "bob")
    psk = bob.resumption_psk()
    join = Group.join_externally(
        alice.group_info(),
        Credential.basic(b"bob"),
        world.keys(),
        suite=world.suite,
        resumption_psks=[psk],
        remove=bob.own_leaf_index,
        config=CONFIG,
        random=os.urandom,
    )
    staged = alice.process(join.commit, now=NOW)
    assert [(one.group_id, one.epoch) for one in staged.psks] == [(b"room", psk.epoch)]  # type: ignore[union-attr]
    alice.merge(staged)
    assert alice.epoch_authenticator == join.group.epoch_authenticator
