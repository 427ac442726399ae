"""Proposals from outside: who may send which, how they are made, and what becomes of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from mls_world import CONFIG, NOW, World, commit_of, insider, refused, refused_by, unchanged, whole

from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.secret import Secret
from sottovoce.mls import (
    Credential,
    CredentialRefused,
    DecodingError,
    Extension,
    ExternalSender,
    ExternalSenders,
    Group,
    LeafIndex,
    Lifetime,
    MisuseError,
    MLSPeerError,
    RequiredCapabilities,
    SenderType,
    StagedProposal,
    ValidationRule,
    propose_externally,
    propose_own_addition,
)
from sottovoce.mls.extensions import ExtensionType
from sottovoce.mls.framing import MLSMessage, PublicMessage, Sender
from sottovoce.mls.proposals import (
    Add,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    PreSharedKeyID,
    Proposal,
    PSKType,
    ReInit,
    Remove,
    Update,
)

OPEN = replace(CONFIG, accept_external_proposals=True)
SECRET = {b"id": Secret(b"x")}


class Outside:
    """A group of three, and an external sender whom it knows."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.config = OPEN
        self.keys: KeyPair = world.keys()
        self.sender = ExternalSender(self.keys.public, Credential.basic(b"bot"))
        other = ExternalSender(world.keys().public, Credential.basic(b"other bot"))
        self.extension = ExternalSenders((other, self.sender)).extension()
        self.alice, self.bob, self.carol = world.group_of("alice", "bob", "carol")
        world.commit(self.alice, group_context_extensions=(self.extension,))

    def propose(self, proposal: Proposal, index: int = 1, **changes: object) -> bytes:
        arguments: dict[str, object] = {
            "suite": self.world.suite,
            "group_id": self.alice.group_id,
            "epoch": self.alice.epoch,
            "sender_index": index,
            "signature_key_pair": self.keys,
            **changes,
        }
        return propose_externally(proposal, **arguments)  # type: ignore[arg-type]

    def forged(self, proposal: Proposal, sender: Sender) -> bytes:
        return insider(self.alice, proposal, sender=sender, key=self.keys.private, public=True)


@pytest.fixture
def outside(world: World) -> Outside:
    return Outside(world)


class TestExternalSender:
    @pytest.mark.parametrize(
        "make",
        [
            lambda o: Add(o.world.bundle("dave").key_package),
            lambda o: Remove(o.carol.own_leaf_index),
            lambda o: PreSharedKey(PreSharedKeyID(PSKType.EXTERNAL, bytes(32), b"id")),
            lambda o: GroupContextExtensions((o.extension, RequiredCapabilities((), (), (1,)).extension())),
        ],
        ids=["add", "remove", "psk", "extensions"],
    )
    def test_a_member_commits_what_it_proposes(
        self, outside: Outside, make: Callable[[Outside], Proposal]
    ) -> None:
        message = outside.propose(make(outside), authenticated_data=b"why")
        for group in outside.world.groups.values():
            with unchanged(group):
                staged = group.process(message, now=NOW)
            assert isinstance(staged, StagedProposal)
            assert staged.external_sender == outside.sender
            assert (staged.sender, staged.sender_type) == (None, SenderType.EXTERNAL)
            group.merge(staged)
        outside.world.groups["alice"] = alice = Group.restore(whole(outside.alice), config=OPEN)
        commit = alice.commit(psks=SECRET, random=os.urandom, now=NOW)
        outside.world.deliver(commit.message, alice, SECRET)
        alice.merge(commit)
        outside.world.agree()
        assert not alice.has_pending_proposals

    def test_a_reinit(self, outside: Outside) -> None:
        message = outside.propose(ReInit.to(outside.world.suite, b"next"))
        refused(outside.bob, message, ValidationRule.PROPOSAL_REINIT_ACCEPTED)
        outside.bob._config = replace(OPEN, accept_reinit=True)
        outside.bob.merge(outside.bob.process(message, now=NOW))
        assert outside.bob.commit(random=os.urandom, now=NOW).reinit is not None

    def test_is_refused_by_default(self, outside: Outside) -> None:
        outside.bob._config = CONFIG
        message = outside.propose(Remove(LeafIndex(0)))
        refused(outside.bob, message, ValidationRule.PROPOSAL_OUTSIDERS_ACCEPTED)

    def test_not_in_the_list(self, outside: Outside) -> None:
        message = outside.propose(Remove(LeafIndex(0)), index=2)
        refused(outside.bob, message, ValidationRule.FRAMING_EXTERNAL_SENDER)
        world = World(config=OPEN)
        alone = world.create()
        message = outside.propose(Remove(LeafIndex(0)), epoch=0)
        refused(alone, message, ValidationRule.FRAMING_EXTERNAL_SENDER)

    def test_in_the_name_of_another(self, outside: Outside) -> None:
        message = outside.propose(Remove(LeafIndex(0)), index=0)
        refused(outside.bob, message, ValidationRule.FRAMING_SIGNATURE)

    def test_for_another_group_or_epoch(self, outside: Outside) -> None:
        refused(
            outside.bob, outside.propose(Remove(LeafIndex(0)), group_id=b"x"), ValidationRule.FRAMING_GROUP
        )
        outside.world.commit(outside.alice, group_context_extensions=(outside.extension,))
        message = outside.propose(Remove(LeafIndex(0)), epoch=outside.alice.epoch - 1)
        with unchanged(outside.bob), pytest.raises(MLSPeerError):
            outside.bob.process(message, now=NOW)

    def test_what_members_alone_propose(self, outside: Outside) -> None:
        leaf = outside.alice._state.tree.leaf(LeafIndex(0))
        assert leaf is not None
        for proposal in (Update(leaf), ExternalInit(b"")):
            with pytest.raises(MisuseError):
                outside.propose(proposal)
            message = outside.forged(proposal, Sender(SenderType.EXTERNAL, 1))
            refused(outside.bob, message, ValidationRule.PROPOSAL_OUTSIDER_KIND)

    def test_a_commit(self, outside: Outside) -> None:
        for sender in (Sender(SenderType.EXTERNAL, 1), Sender(SenderType.NEW_MEMBER_PROPOSAL)):
            message = insider(
                outside.alice, commit_of(), sender=sender, key=outside.keys.private, public=True
            )
            refused(outside.bob, message, ValidationRule.FRAMING_SENDER)

    def test_a_poisoned_key_package(self, outside: Outside) -> None:
        late = outside.world.bundle("dave", lifetime=Lifetime(0, 5)).key_package
        refused(outside.bob, outside.propose(Add(late)), ValidationRule.LEAF_LIFETIME)
        mallory = outside.world.bundle("mallory").key_package
        refused_by(outside.bob, outside.propose(Add(mallory)), CredentialRefused)
        outside.bob._config = replace(OPEN, max_leaf_size=100)
        good = outside.world.bundle("dave").key_package
        refused(outside.bob, outside.propose(Add(good)), ValidationRule.LEAF_SIZE)
        outside.bob._config = replace(OPEN, max_lifetime=19)
        refused(outside.bob, outside.propose(Add(good)), ValidationRule.LEAF_TOTAL_LIFETIME)

    def test_a_flood(self, outside: Outside) -> None:
        bob = outside.bob
        bob._config = replace(OPEN, max_pending_proposals=2)
        for leaf in (0, 2):
            bob.merge(bob.process(outside.propose(Remove(LeafIndex(leaf))), now=NOW))
        message = outside.propose(Remove(LeafIndex(1)))
        refused(bob, message, ValidationRule.PROPOSAL_COUNT)
        # A member is counted by itself.
        bob.merge(bob.process(outside.alice.propose_update(random=os.urandom).message, now=NOW))

    def test_the_application_may_refuse(self, outside: Outside) -> None:
        class NotAllowedError(MLSPeerError):
            pass

        def check(staged: StagedProposal) -> None:
            if staged.sender_type is SenderType.EXTERNAL and not isinstance(staged.proposal, Remove):
                raise NotAllowedError("the bot removes, and does nothing else")

        outside.bob._config = replace(OPEN, check_proposal=check)
        outside.bob.process(outside.propose(Remove(LeafIndex(0))), now=NOW)
        psk = PreSharedKey(PreSharedKeyID(PSKType.EXTERNAL, bytes(32), b"id"))
        refused_by(outside.bob, outside.propose(psk), NotAllowedError)


class TestList:
    def test_reads_what_it_wrote(self, outside: Outside) -> None:
        assert ExternalSenders.of(outside.alice.extensions).senders[1] == outside.sender
        assert ExternalSenders.of(()) == ExternalSenders()
        with pytest.raises(DecodingError):
            ExternalSenders.of([Extension(ExtensionType.EXTERNAL_SENDERS, b"\x01")])

    def test_its_credentials_are_judged_wherever_it_comes_in(self, world: World) -> None:
        keys = world.keys()
        bad = ExternalSenders((ExternalSender(keys.public, Credential.basic(b"mallory")),)).extension()
        malformed = Extension(ExtensionType.EXTERNAL_SENDERS, b"\x07")
        for extension, error in ((bad, CredentialRefused), (malformed, DecodingError)):
            alice, bob = world.group_of("alice", "bob")
            with unchanged(alice), pytest.raises(error):
                alice.commit(group_context_extensions=(extension,), random=os.urandom, now=NOW)
            message = insider(alice, commit_of(GroupContextExtensions((extension,))))
            refused_by(bob, message, error)
            with pytest.raises(error):
                Group.create(
                    world.suite,
                    b"room",
                    Credential.basic(b"alice"),
                    keys,
                    extensions=(extension,),
                    config=CONFIG,
                    random=os.urandom,
                    now=NOW,
                )

    def test_its_credentials_are_judged_by_who_joins(self, outside: Outside) -> None:
        class NoBots:
            def validate(self, credential: Credential, signature_key: bytes) -> None:
                if b"bot" in credential.identity:
                    raise CredentialRefused("no bots")

            def same_client(self, old: Credential, new: Credential) -> bool:
                return old == new

        dave = outside.world.bundle("dave")
        commit = outside.alice.commit(add=[dave.message], random=os.urandom, now=NOW)
        assert commit.welcome is not None
        with pytest.raises(CredentialRefused):
            Group.join(commit.welcome, dave, config=replace(CONFIG, authentication=NoBots()))
        assert Group.join(commit.welcome, dave, config=CONFIG).epoch == commit.epoch


class TestOwnAddition:
    def test_a_client_proposes_itself(self, world: World) -> None:
        world.config = OPEN
        alice, bob = world.group_of("alice", "bob")
        dave = world.bundle("dave")
        message = propose_own_addition(dave, group_id=alice.group_id, epoch=alice.epoch)
        body = MLSMessage.decode(message).body
        assert isinstance(body, PublicMessage)
        assert body.membership_tag is None
        for group in (alice, bob):
            staged = group.process(message, now=NOW)
            assert isinstance(staged, StagedProposal)
            assert (staged.sender, staged.external_sender) == (None, None)
            assert staged.sender_type is SenderType.NEW_MEMBER_PROPOSAL
            group.merge(staged)
        commit = bob.commit(random=os.urandom, now=NOW)
        assert [member.credential.data for member in commit.added] == [b"dave"]
        world.deliver(commit.message, bob)
        bob.merge(commit)
        assert commit.welcome is not None
        world.groups["dave"] = Group.join(commit.welcome, dave, config=OPEN)
        world.agree()

    def test_nothing_but_an_add(self, outside: Outside) -> None:
        message = outside.forged(Remove(LeafIndex(0)), Sender(SenderType.NEW_MEMBER_PROPOSAL))
        refused(outside.bob, message, ValidationRule.PROPOSAL_OUTSIDER_KIND)

    def test_of_somebody_else(self, outside: Outside) -> None:
        add = Add(outside.world.bundle("dave").key_package)
        message = outside.forged(add, Sender(SenderType.NEW_MEMBER_PROPOSAL))
        refused(outside.bob, message, ValidationRule.FRAMING_SIGNATURE)

    def test_is_refused_by_default(self, world: World) -> None:
        alice, _ = world.group_of("alice", "bob")
        message = propose_own_addition(world.bundle("dave"), group_id=alice.group_id, epoch=alice.epoch)
        refused(alice, message, ValidationRule.PROPOSAL_OUTSIDERS_ACCEPTED)

    def test_joiners_send_commits(self, outside: Outside) -> None:
        add = Add(outside.world.bundle("dave").key_package)
        message = outside.forged(add, Sender(SenderType.NEW_MEMBER_COMMIT))
        refused(outside.bob, message, ValidationRule.FRAMING_SENDER)
