"""Groups from their first epoch to a member's removal."""

from __future__ import annotations

import os

import pytest
from mls_world import CONFIG, NOW, World, refused, refused_by, unchanged, whole

from sottovoce.crypto.secret import Secret
from sottovoce.crypto.suites import SUPPORTED, CipherSuite
from sottovoce.mls import (
    Credential,
    DecodingError,
    Extension,
    Group,
    GroupConfig,
    KeyConsumed,
    KeyPackage,
    LeafIndex,
    MissingPreSharedKey,
    MisuseError,
    MLSPeerError,
    NotAMember,
    OwnMessage,
    RequiredCapabilities,
    StagedApplication,
    StagedCommit,
    StagedProposal,
    StaleStaging,
    UncommittedProposals,
    ValidationError,
    ValidationRule,
    WrongEpoch,
    bucket_padding,
    inspect_group_info,
)
from sottovoce.mls.framing import MLSMessage, PrivateMessage, WireFormat
from sottovoce.mls.proposals import Remove
from sottovoce.mls.sending import sign_own

SECRET = {b"join": Secret(b"\x07" * 32)}


@pytest.mark.parametrize("suite", SUPPORTED.values(), ids=lambda suite: str(suite.id))
def test_life_of_a_group(suite: CipherSuite) -> None:
    world = World(suite)
    alice, bob, carol = world.group_of("alice", "bob", "carol")
    world.agree()
    staged = bob.encrypt(b"Hi everyone!", authenticated_data=b"seen", random=os.urandom)
    bob.merge(staged)
    for group in (alice, carol):
        received = group.process(staged.message, now=NOW)
        assert isinstance(received, StagedApplication)
        assert (received.content, received.authenticated_data) == (b"Hi everyone!", b"seen")
        assert received.sender == bob.own_leaf_index
        assert received.sender_credential == Credential.basic(b"bob")
        assert (received.epoch, received.generation) == (bob.epoch, staged.generation)
        group.merge(received)
    join = Group.join_externally(
        alice.group_info(),
        Credential.basic(b"dave"),
        world.keys(),
        suite=suite,
        psks=SECRET,
        config=CONFIG,
        random=os.urandom,
    )
    world.deliver(join.commit, None, SECRET)
    world.groups["dave"] = join.group
    world.agree()
    world.commit(join.group, remove=[bob.own_leaf_index])
    assert not bob.is_active
    world.agree()
    assert alice.export("label", b"context", 40) == carol.export(b"label", b"context", 40)
    assert alice.confirmed_transcript_hash == join.group.confirmed_transcript_hash


def test_an_export_has_a_greatest_length(world: World) -> None:
    alice = world.create()
    assert len(alice.export("x", b"", 255 * 32)) == 255 * 32
    for length in (255 * 32 + 1, 1 << 16, -1):
        with pytest.raises(MisuseError):
            alice.export("x", b"", length)


class TestStagedThenMerged:
    def test_operations_change_nothing(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        package = world.bundle("carol").message
        with unchanged(alice, bob):
            message = alice.encrypt(b"text", random=os.urandom)
            commit = alice.commit(add=[package], psks=SECRET, random=os.urandom, now=NOW)
            update = alice.propose_update(random=os.urandom)
            alice.propose_remove(bob.own_leaf_index, random=os.urandom)
            alice.propose_add(package, random=os.urandom, now=NOW)
            for received in (message.message, commit.message, update.message):
                bob.process(received, psks=SECRET, now=NOW)

    def test_first_of_two_commits_wins(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        mine = alice.commit(random=os.urandom, now=NOW)
        theirs = bob.commit(random=os.urandom, now=NOW)
        alice.merge(mine.send_step or mine)
        alice.merge(alice.process(theirs.message, now=NOW))
        bob.merge(theirs)
        world.agree()
        with unchanged(alice), pytest.raises(StaleStaging):
            alice.merge(mine)

    def test_a_lost_commits_key_is_not_used_again(self, world: World) -> None:
        alice, _ = world.group_of("alice", "bob")
        first = alice.commit(random=os.urandom, now=NOW)
        assert first.send_step is not None
        alice.merge(first.send_step)
        second = alice.commit(random=os.urandom, now=NOW)
        assert second.send_step is not None
        assert second.send_step.generation == first.send_step.generation + 1
        alice.merge(second)

    def test_one_received_message_is_merged_once(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        sent = [alice.encrypt(b"one", random=os.urandom)]
        alice.merge(sent[0])
        sent.append(alice.encrypt(b"two", random=os.urandom))
        alice.merge(sent[1])
        twice = [bob.process(sent[0].message, now=NOW) for _ in range(2)]
        late = bob.process(sent[1].message, now=NOW)
        bob.merge(late)
        with unchanged(bob), pytest.raises(StaleStaging):
            bob.merge(twice[0])
        again = [bob.process(sent[0].message, now=NOW) for _ in range(2)]
        bob.merge(again[0])
        with unchanged(bob), pytest.raises(StaleStaging):
            bob.merge(again[1])

    def test_a_message_staged_before_its_epoch_ended_too_long_ago(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        sent = alice.encrypt(b"late", random=os.urandom)
        alice.merge(sent)
        staged = bob.process(sent.message, now=NOW)
        for _ in range(4):
            world.commit(alice)
        with pytest.raises(StaleStaging):
            bob.merge(staged)
        with unchanged(bob), pytest.raises(WrongEpoch) as caught:
            bob.process(sent.message, now=NOW)
        assert "deleted" in str(caught.value)


class TestMessages:
    def test_replay_own_and_late(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        sent = alice.encrypt(b"text", random=os.urandom)
        alice.merge(sent)
        refused_by(alice, sent.message, OwnMessage)
        with pytest.raises(OwnMessage) as caught:
            alice.process(sent.message, now=NOW)
        assert not caught.value.is_from_another_copy
        for _ in range(3):
            world.commit(alice)
        staged = bob.process(sent.message, now=NOW)
        assert isinstance(staged, StagedApplication)
        assert staged.content == b"text"
        assert staged.epoch == bob.epoch - 3
        bob.merge(staged)
        refused_by(bob, sent.message, KeyConsumed)

    def test_a_message_of_the_future(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        alice.merge(alice.commit(random=os.urandom, now=NOW))
        sent = alice.encrypt(b"text", random=os.urandom)
        with pytest.raises(WrongEpoch) as caught:
            bob.process(sent.message, now=NOW)
        assert (caught.value.epoch, caught.value.current) == (alice.epoch, bob.epoch)

    @pytest.mark.parametrize(("length", "padded"), [(0, 256), (256, 256), (257, 1024), (65537, 131072)])
    def test_padding_buckets(self, length: int, padded: int) -> None:
        assert bucket_padding(length) == padded

    def test_length_tells_the_bucket_only(self, world: World) -> None:
        (alice,) = world.group_of("alice")
        sizes = {len(alice.encrypt(bytes(n), random=os.urandom).message) for n in range(0, 150, 7)}
        assert len(sizes) == 1

    def test_not_a_message(self, world: World) -> None:
        (alice,) = world.group_of("alice")
        refused_by(alice, b"", DecodingError)
        refused_by(alice, b"\x00\x02\x00\x02", DecodingError)


class TestProposals:
    def test_committed_by_reference(self, world: World) -> None:
        alice, bob, carol = world.group_of("alice", "bob", "carol")
        dave = world.bundle("dave")
        for sender, propose in (
            (alice, lambda: alice.propose_add(dave.message, random=os.urandom, now=NOW)),
            (bob, lambda: bob.propose_update(random=os.urandom)),
            (alice, lambda: alice.propose_remove(carol.own_leaf_index, random=os.urandom)),
        ):
            staged = propose()
            sender.merge(staged)
            for group in world.groups.values():
                if group is not sender:
                    received = group.process(staged.message, now=NOW)
                    assert isinstance(received, StagedProposal)
                    assert received.reference == staged.reference
                    assert received.sender == sender.own_leaf_index
                    assert received.proposal == staged.proposal
                    group.merge(received)
        for name in ("alice", "bob"):
            group = world.groups[name]
            world.groups[name] = Group.restore(whole(group), config=CONFIG)
        alice, bob = world.groups["alice"], world.groups["bob"]
        assert alice.has_pending_proposals
        with pytest.raises(UncommittedProposals):
            alice.encrypt(b"before the commit", random=os.urandom)
        staged_commit = alice.commit(random=os.urandom, now=NOW)
        assert [member.credential.data for member in staged_commit.added] == [b"dave"]
        assert [member.credential.data for member in staged_commit.removed] == [b"carol"]
        assert [member.leaf_index for member in staged_commit.updated] == [bob.own_leaf_index]
        world.deliver(staged_commit.message, alice)
        alice.merge(staged_commit)
        assert staged_commit.welcome is not None
        world.groups["dave"] = Group.join(staged_commit.welcome, dave, config=CONFIG)
        world.agree()
        assert not alice.has_pending_proposals
        world.commit(bob)
        world.agree()

    def test_a_new_signature_key_by_update(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        keys = world.keys()
        staged = bob.propose_update(
            credential=Credential.basic(b"bob/2"), signature_key_pair=keys, random=os.urandom
        )
        bob.merge(staged)
        alice.merge(alice.process(staged.message, now=NOW))
        world.commit(alice)
        member = alice.member(bob.own_leaf_index)
        assert member is not None
        assert (member.signature_key, member.credential.data) == (keys.public, b"bob/2")
        world.commit(bob)
        world.agree()

    def test_a_proposal_of_a_past_epoch(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        staged = alice.propose_update(random=os.urandom)
        world.commit(bob)
        with pytest.raises(StaleStaging):
            alice.merge(staged)
        refused_by(bob, staged.message, WrongEpoch)

    def test_a_flood_is_refused(self, world: World) -> None:
        world.config = GroupConfig(authentication=CONFIG.authentication, max_pending_proposals=3)
        alice, bob, carol = world.group_of("alice", "bob", "carol")
        first = alice.propose_remove(LeafIndex(0), random=os.urandom)
        alice.merge(first)
        world.deliver(first.message, alice)
        for leaf in (1, 2):
            staged = alice.propose_remove(LeafIndex(leaf), random=os.urandom)
            alice.merge(staged)
            world.deliver(staged.message, alice)
        with unchanged(alice), pytest.raises(ValidationError) as caught:
            alice.propose_update(random=os.urandom)
        assert caught.value.rule is ValidationRule.PROPOSAL_COUNT
        alice._config = CONFIG
        one_more = alice.propose_update(random=os.urandom)
        refused(bob, one_more.message, ValidationRule.PROPOSAL_COUNT)
        # The same proposal again is none more, another member has a count of its own, so has another epoch.
        again = alice.propose_remove(LeafIndex(0), random=os.urandom)
        bob.merge(bob.process(again.message, now=NOW))
        bob.merge(bob.propose_update(random=os.urandom))
        bob.merge(bob.commit(include_pending=False, random=os.urandom, now=NOW))
        assert not bob.has_pending_proposals
        assert carol.has_pending_proposals

    def test_policy_may_refuse_one_before_it_is_committed(self, world: World) -> None:
        class NotAllowedError(MLSPeerError):
            pass

        def only_to_leave(staged: StagedProposal) -> None:
            proposal = staged.proposal
            if not (isinstance(proposal, Remove) and proposal.removed == staged.sender):
                raise NotAllowedError("a member may propose to leave, and nothing else")

        world.config = GroupConfig(authentication=CONFIG.authentication, check_proposal=only_to_leave)
        alice, bob, carol = world.group_of("alice", "bob", "carol")
        with unchanged(bob), pytest.raises(NotAllowedError):
            bob.propose_remove(carol.own_leaf_index, random=os.urandom)
        bob._config = CONFIG
        refused_by(
            alice, bob.propose_remove(carol.own_leaf_index, random=os.urandom).message, NotAllowedError
        )
        alice.merge(alice.process(bob.propose_remove(bob.own_leaf_index, random=os.urandom).message, now=NOW))
        removed = alice.commit(random=os.urandom, now=NOW).removed
        assert [member.leaf_index for member in removed] == [bob.own_leaf_index]

    def test_of_nobody(self, world: World) -> None:
        (alice,) = world.group_of("alice")
        with pytest.raises(MisuseError):
            alice.propose_remove(LeafIndex(5), random=os.urandom)


class TestCommits:
    def test_staged_commit_tells_of_the_new_epoch(self, world: World) -> None:
        seen: list[StagedCommit] = []
        world.config = GroupConfig(authentication=CONFIG.authentication, check_commit=seen.append)
        alice, bob = world.group_of("alice", "bob")
        note = Extension(0xF001, b"policy")
        with pytest.raises(ValidationError) as caught:
            alice.commit(group_context_extensions=(note,), random=os.urandom, now=NOW)
        assert caught.value.rule is ValidationRule.LEAF_GROUP_EXTENSIONS
        required = RequiredCapabilities((), (), (1,)).extension()
        staged = alice.commit(
            group_context_extensions=(required,),
            psks=SECRET,
            authenticated_data=b"why",
            random=os.urandom,
            now=NOW,
        )
        received = bob.process(staged.message, psks=SECRET, now=NOW)
        assert isinstance(received, StagedCommit)
        for one in (staged, received):
            assert one.psk_ids == (b"join",)
            assert (one.group_context_extensions, one.old_group_context_extensions) == ((required,), ())
            assert one.sender == one.sender_member.leaf_index == alice.own_leaf_index
            assert one.authenticated_data == b"why"
            assert not one.is_external
            assert not one.removes_self
            assert one.members() == alice.members()
        assert staged.epoch_authenticator == received.epoch_authenticator
        assert staged.export("x", b"", 16) == received.export("x", b"", 16)
        view = inspect_group_info(staged.group_info((Extension(0xF00D, b"e"),)), suite=alice.suite)
        assert (view.epoch, view.group_id) == (staged.epoch, b"room")
        assert Extension(0xF00D, b"e") in view.group_info_extensions
        assert len(seen) > 4
        alice.merge(staged)
        bob.merge(received)
        assert alice.extensions == bob.extensions == (required,)

    def test_policy_may_refuse(self, world: World) -> None:
        class NotAllowedError(MLSPeerError):
            pass

        def check(staged: StagedCommit) -> None:
            if staged.removed:
                raise NotAllowedError("nobody is removed here")

        world.config = GroupConfig(authentication=CONFIG.authentication, check_commit=check)
        alice, bob = world.group_of("alice", "bob")
        with unchanged(alice), pytest.raises(NotAllowedError):
            alice.commit(remove=[bob.own_leaf_index], random=os.urandom, now=NOW)
        alice._config = CONFIG
        staged = alice.commit(remove=[bob.own_leaf_index], random=os.urandom, now=NOW)
        refused_by(bob, staged.message, NotAllowedError)

    def test_a_removed_member_is_out(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        staged = alice.commit(remove=[bob.own_leaf_index], random=os.urandom, now=NOW)
        received = bob.process(staged.message, now=NOW)
        assert isinstance(received, StagedCommit)
        assert received.removes_self
        for ask in (received.members, received.group_info, lambda: received.epoch_authenticator):
            with pytest.raises(NotAMember):
                ask()
        state, members = bob._state, bob.members()
        bob.merge(received)
        with pytest.raises(StaleStaging):
            bob.merge(received)
        kept = b"".join(whole(bob).values())
        secrets = [getattr(state.secrets, name) for name in vars(state.secrets)]
        secrets += [*state.private_keys.values(), state.signature_key_pair.private]
        assert [secret for secret in secrets if secret in kept] == [bob.epoch_authenticator]
        bob = Group.restore(whole(bob))
        assert not bob.is_active
        assert bob.members() == members
        for act in (
            lambda: bob.encrypt(b"", random=os.urandom),
            lambda: bob.process(b"", now=NOW),
            lambda: bob.export("x", b"", 1),
            bob.group_info,
        ):
            with pytest.raises(NotAMember):
                act()
        assert {key[:1] for key in whole(bob)} == {b"G", b"T"}

    def test_without_a_path(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        carol = world.bundle("carol")
        staged = alice.commit(
            add=[KeyPackage.from_message(carol.message)], force_path=False, random=os.urandom, now=NOW
        )
        bob.merge(bob.process(staged.message, now=NOW))
        alice.merge(staged)
        assert staged.welcome is not None
        world.groups["carol"] = Group.join(staged.welcome, carol, config=CONFIG)
        world.agree()
        world.commit(world.groups["carol"])
        world.agree()

    def test_a_missing_psk_is_named(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        staged = alice.commit(psks=SECRET, random=os.urandom, now=NOW)
        with unchanged(bob), pytest.raises(MissingPreSharedKey) as caught:
            bob.process(staged.message, now=NOW)
        assert caught.value.psk_id == b"join"

    def test_a_long_name_of_a_psk_is_cut_short(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        name = b"\xab" * 100_000
        staged = alice.commit(psks={name: Secret(b"x")}, random=os.urandom, now=NOW)
        with unchanged(bob), pytest.raises(MissingPreSharedKey) as caught:
            bob.process(staged.message, now=NOW)
        assert caught.value.psk_id == name
        assert len(str(caught.value)) < 200

    def test_a_wrong_psk_does_not_confirm(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        staged = alice.commit(psks=SECRET, random=os.urandom, now=NOW)
        with unchanged(bob), pytest.raises(ValidationError) as caught:
            bob.process(staged.message, psks={b"join": Secret(b"wrong")}, now=NOW)
        assert caught.value.rule is ValidationRule.FRAMING_CONFIRMATION

    def test_extension_types_come_once_in_a_group_info(self, world: World) -> None:
        (alice,) = world.group_of("alice")
        with pytest.raises(MisuseError):
            alice.group_info((Extension(2, b""),))
        assert alice.group_info(with_tree=False, external=False) < alice.group_info()


class TestSecrecy:
    def test_repr_shows_no_secret(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        staged = alice.commit(random=os.urandom, now=NOW)
        bundle = world.bundle("carol")
        note = Extension(0xF00D, b"a secret of the application")
        info, message = (
            alice._state.group_info((note,), with_tree=True, external=True),
            sign_own(alice._state, b"text", b"", WireFormat.PRIVATE_MESSAGE),
        )
        shown = (alice, staged, staged.base, bundle, alice._epochs[alice.epoch], info, message)
        texts = [repr(x) for x in shown]
        secrets = [getattr(alice._state.secrets, name) for name in vars(alice._state.secrets)]
        secrets += [*alice._state.private_keys.values(), alice._state.signature_key_pair.private]
        secrets += [staged.encryption_secret, bundle.init_private_key.reveal(), note.data, b"words"]
        for text in texts:
            for secret in secrets:
                assert repr(secret)[2:-1] not in text
                assert secret.hex() not in text
        assert b"room".hex() in repr(alice)
        assert bob is not None


def test_trace_tells_steps_and_no_secret(world: World) -> None:
    lines: list[str] = []
    world.config = GroupConfig(authentication=CONFIG.authentication, trace=lines.append)
    alice, bob = world.group_of("alice", "bob")
    sent = alice.encrypt(b"text", random=os.urandom)
    alice.merge(sent)
    bob.merge(bob.process(sent.message, now=NOW))
    assert any("generation 0" in line for line in lines)
    assert all(alice.suite.name in line and "epoch" in line for line in lines)
    assert alice._state.secrets.exporter_secret.hex() not in "".join(lines)


def test_headers_are_readable_without_secrets(world: World) -> None:
    (alice,) = world.group_of("alice")
    body = MLSMessage.decode(alice.encrypt(b"x", random=os.urandom).message).body
    assert isinstance(body, PrivateMessage)
    assert (body.group_id, body.epoch) == (b"room", alice.epoch)
