"""Which proposals may stand in a commit: every rule refused by its own number."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from mls_world import (
    CONFIG,
    NEW_MEMBER,
    NOW,
    World,
    commit_of,
    insider,
    refused,
    taken_apart,
    unchanged,
)

from sottovoce.crypto.secret import Secret
from sottovoce.mls import (
    Capabilities,
    Credential,
    CredentialRefused,
    Group,
    GroupConfig,
    LeafIndex,
    Lifetime,
    MissingPreSharedKey,
    RequiredCapabilities,
    ValidationError,
    ValidationRule,
)
from sottovoce.mls.extensions import Extension
from sottovoce.mls.framing import MLSMessage, Sender, SenderType
from sottovoce.mls.key_package import KeyPackage
from sottovoce.mls.nodes import LeafNode, LeafNodeSource
from sottovoce.mls.proposal_list import SentProposal, apply_proposals
from sottovoce.mls.proposals import (
    Add,
    Commit,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    PreSharedKeyID,
    ProposalReference,
    PSKType,
    ReInit,
    Remove,
    ResumptionUsage,
    Update,
)

NONCE = bytes(32)
PSK = PreSharedKey(PreSharedKeyID(PSKType.EXTERNAL, NONCE, b"id"))


def leaf_of(group: Group) -> LeafNode:
    leaf = group._state.tree.leaf(group.own_leaf_index)
    assert leaf is not None
    return leaf


def fresh_leaf(world: World, group: Group, **changes: object) -> LeafNode:
    """An Update's leaf for that member, right but for the changes."""
    pair = world.suite.derive_key_pair(os.urandom(32))
    values = {
        "encryption_key": pair.public,
        "source": LeafNodeSource.UPDATE,
        "lifetime": None,
        "parent_hash": None,
    }
    leaf = replace(leaf_of(group), **{**values, **changes})  # type: ignore[arg-type]
    key = group._state.signature_key_pair.private
    return leaf.signed(world.suite, key, group.group_id, group.own_leaf_index)


class TestByValue:
    @pytest.mark.parametrize(
        ("proposals", "rule"),
        [
            ([Remove(LeafIndex(0))], ValidationRule.PROPOSAL_OWN_UPDATE),
            ([Remove(LeafIndex(2)), Remove(LeafIndex(2))], ValidationRule.PROPOSAL_ONE_PER_LEAF),
            ([Remove(LeafIndex(77))], ValidationRule.PROPOSAL_REMOVE_MEMBER),
            ([Remove(LeafIndex(3))], ValidationRule.PROPOSAL_REMOVE_MEMBER),
            ([Remove(LeafIndex(0xFFFFFFFF))], ValidationRule.PROPOSAL_REMOVE_MEMBER),
            ([PSK, PSK], ValidationRule.PROPOSAL_PSK_ONCE),
            (
                [PreSharedKey(PreSharedKeyID(PSKType.EXTERNAL, b"short", b"id"))],
                ValidationRule.PROPOSAL_PSK_FORM,
            ),
            (
                [
                    PreSharedKey(
                        PreSharedKeyID(PSKType.RESUMPTION, NONCE, b"", ResumptionUsage.BRANCH, b"room", 1)
                    )
                ],
                ValidationRule.PROPOSAL_PSK_FORM,
            ),
            (
                [GroupContextExtensions(()), GroupContextExtensions(())],
                ValidationRule.PROPOSAL_EXTENSIONS_ONCE,
            ),
            ([ExternalInit(b"")], ValidationRule.PROPOSAL_ALLOWED),
            ([ReInit(b"", 1, 1, ())], ValidationRule.PROPOSAL_REINIT_ACCEPTED),
            ([ProposalReference(NONCE)], ValidationRule.PROPOSAL_KNOWN),
            ([], ValidationRule.PROPOSAL_PATH),
            ([Remove(LeafIndex(2))], ValidationRule.PROPOSAL_PATH),
        ],
    )
    def test_refused(self, world: World, proposals: list[object], rule: ValidationRule) -> None:
        alice, bob, _ = world.group_of("alice", "bob", "carol")
        refused(bob, insider(alice, commit_of(*proposals)), rule)

    def test_a_confirmation_tag_of_nothing(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        refused(
            bob,
            insider(alice, commit_of(PSK)),
            ValidationRule.FRAMING_CONFIRMATION,
            {b"id": Secret(b"x")},
        )

    def test_one_key_proposed_by_two_members_is_injected_twice(self, world: World) -> None:
        alice, bob, carol = world.group_of("alice", "bob", "carol")
        psks = {b"id": Secret(b"x")}
        for proposer in (alice, bob):
            proposal = proposer.propose_psk(b"id", random=os.urandom)
            world.deliver(proposal.message, proposer)
            proposer.merge(proposal)
        bundle = world.bundle("dave")
        staged = carol.commit(add=[bundle.message], psks=psks, random=os.urandom, now=NOW)
        assert len(staged.psks) == 2
        assert staged.welcome is not None
        world.deliver(staged.message, carol, psks)
        carol.merge(staged)
        world.groups["dave"] = Group.join(staged.welcome, bundle, psks=psks, config=world.config)
        world.agree()

    def test_more_psks_than_can_be_counted(self, world: World) -> None:
        """One that everybody knows serves: it is named with as many nonces as one likes."""
        alice, bob = world.group_of("alice", "bob")
        names = (PreSharedKeyID(PSKType.EXTERNAL, n.to_bytes(32, "big"), b"id") for n in range(1 << 16))
        commit = commit_of(*map(PreSharedKey, names))
        forged = insider(alice, commit, tag=bytes(32))
        refused(bob, forged, ValidationRule.PSK_COUNT, {b"id": Secret(b"x")})

    def test_a_resumption_psk_of_an_epoch_that_is_gone(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        identifier = PreSharedKeyID(PSKType.RESUMPTION, NONCE, b"", ResumptionUsage.APPLICATION, b"room", 99)
        message = insider(alice, commit_of(PreSharedKey(identifier)))
        with unchanged(bob), pytest.raises(MissingPreSharedKey):
            bob.process(message, now=NOW)


class TestAdd:
    def message(self, world: World, sender: Group, package: KeyPackage) -> bytes:
        return insider(sender, commit_of(Add(package)))

    def test_rules_of_key_packages(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        good = world.bundle("carol").key_package
        late = world.bundle("carol", lifetime=Lifetime(0, 5)).key_package
        early = world.bundle("carol", lifetime=Lifetime(NOW + 1, NOW + 5)).key_package
        long = world.bundle("carol", lifetime=Lifetime(NOW - 1, NOW + CONFIG.max_lifetime)).key_package
        bad_leaf = replace(good.leaf_node, signature=b"")
        updated = replace(good.leaf_node, source=LeafNodeSource.UPDATE, lifetime=None)
        from sottovoce.mls.labels import sign_with_label

        bundle = world.bundle("carol")
        same = replace(bundle.key_package, init_key=bundle.key_package.leaf_node.encryption_key)
        signature = sign_with_label(
            world.suite, bundle.signature_private_key.reveal(), b"KeyPackageTBS", same._signed_part
        )
        cases = [
            (replace(good, suite_id=2), ValidationRule.KEY_PACKAGE_SUITE),
            (replace(good, version=2), ValidationRule.KEY_PACKAGE_SUITE),
            (replace(good, signature=good.signature[:-1]), ValidationRule.KEY_PACKAGE_SIGNATURE),
            (replace(good, leaf_node=bad_leaf), ValidationRule.LEAF_SIGNATURE),
            (replace(good, leaf_node=updated), ValidationRule.LEAF_SOURCE),
            (replace(same, signature=signature), ValidationRule.KEY_PACKAGE_INIT_KEY),
            (late, ValidationRule.LEAF_LIFETIME),
            (early, ValidationRule.LEAF_LIFETIME),
            (long, ValidationRule.LEAF_TOTAL_LIFETIME),
        ]
        for package, rule in cases:
            refused(bob, self.message(world, alice, package), rule)
            with unchanged(alice), pytest.raises(ValidationError) as caught:
                alice.commit(add=[package], random=os.urandom, now=NOW)
            assert caught.value.rule is rule

    def test_credential_refused(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        message = self.message(world, alice, world.bundle("mallory").key_package)
        with unchanged(bob), pytest.raises(CredentialRefused):
            bob.process(message, now=NOW)

    def test_rules_of_capabilities(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        for capabilities, rule in (
            (Capabilities((2,), (1,), (), (), (1,)), ValidationRule.LEAF_VERSION_AND_SUITE),
            (Capabilities((1,), (7,), (), (), (1,)), ValidationRule.LEAF_VERSION_AND_SUITE),
            (Capabilities((1,), (1,), (), (), (2,)), ValidationRule.LEAF_CREDENTIALS),
        ):
            package = world.bundle("carol", capabilities=capabilities).key_package
            refused(bob, self.message(world, alice, package), rule)

    def test_required_capabilities(self, world: World) -> None:
        required = RequiredCapabilities((0xF001,), (0xF002,), (1,)).extension()
        able = Capabilities((1,), (1,), (0xF001,), (0xF002,), (1,))
        alice = Group.create(
            world.suite,
            b"room",
            Credential.basic(b"alice"),
            world.keys(),
            extensions=(required,),
            capabilities=able,
            config=CONFIG,
            random=os.urandom,
            now=NOW,
        )
        for lacking in (
            replace(able, extensions=()),
            replace(able, proposals=()),
            replace(able, credentials=(2,)),
        ):
            package = world.bundle("bob", capabilities=lacking).key_package
            with pytest.raises(ValidationError) as caught:
                alice.commit(add=[package], random=os.urandom, now=NOW)
            assert caught.value.rule is ValidationRule.LEAF_REQUIRED_CAPABILITIES
        bob = world.bundle("bob", capabilities=able)
        staged = alice.commit(add=[bob.key_package], random=os.urandom, now=NOW)
        assert staged.welcome is not None
        assert Group.join(staged.welcome, bob, config=CONFIG).extensions == (required,)

    def test_keys_once(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        package = world.bundle("carol").key_package
        message = insider(alice, commit_of(Add(package), Add(package)))
        refused(bob, message, ValidationRule.LEAF_SIGNATURE_KEY_UNIQUE)

    def test_an_unusable_key(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        from sottovoce.mls.labels import sign_with_label

        bundle = world.bundle("carol")
        spoilt = replace(bundle.key_package, init_key=bytes(32))
        signature = sign_with_label(
            world.suite, bundle.signature_private_key.reveal(), b"KeyPackageTBS", spoilt._signed_part
        )
        package = replace(spoilt, signature=signature)
        refused(bob, self.message(world, alice, package), ValidationRule.LEAF_PUBLIC_KEY)


class TestUpdate:
    def refused_update(
        self, world: World, leaf_changes: dict[str, object], rule: ValidationRule, **after: object
    ) -> None:
        """Bob proposes the leaf; alice leaves it out; committed all the same, carol refuses the commit."""
        alice, bob, carol = world.group_of("alice", "bob", "carol")
        leaf = replace(fresh_leaf(world, bob, **leaf_changes), **after)  # type: ignore[arg-type]
        proposal = insider(bob, Update(leaf))
        for group in (alice, carol):
            group.merge(group.process(proposal, now=NOW))
        assert alice.commit(random=os.urandom, now=NOW).updated == ()
        reference = next(iter(carol._pending))
        path = taken_apart(alice, include_pending=False).path
        refused(carol, insider(alice, Commit((ProposalReference(reference),), path)), rule)

    def test_source(self, world: World) -> None:
        self.refused_update(
            world, {"source": LeafNodeSource.COMMIT, "parent_hash": b""}, ValidationRule.LEAF_SOURCE
        )

    def test_successor(self, world: World) -> None:
        self.refused_update(
            world, {"credential": Credential.basic(b"alice")}, ValidationRule.CREDENTIAL_SUCCESSOR
        )

    def test_extension_not_listed(self, world: World) -> None:
        self.refused_update(world, {"extensions": (Extension(0xF00D, b""),)}, ValidationRule.LEAF_EXTENSIONS)

    def test_unusable_key(self, world: World) -> None:
        self.refused_update(world, {"encryption_key": b"short"}, ValidationRule.LEAF_PUBLIC_KEY)

    def test_signature(self, world: World) -> None:
        self.refused_update(world, {}, ValidationRule.LEAF_SIGNATURE, signature=b"no")

    def test_the_old_key(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        leaf = fresh_leaf(world, bob, encryption_key=leaf_of(bob).encryption_key)
        alice.merge(alice.process(insider(bob, Update(leaf)), now=NOW))
        assert alice.commit(random=os.urandom, now=NOW).updated == ()

    def test_by_value_is_an_update_of_the_committer(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        message = insider(alice, commit_of(Update(fresh_leaf(world, alice))))
        refused(bob, message, ValidationRule.PROPOSAL_OWN_UPDATE)


@pytest.mark.parametrize("sender", [Sender(SenderType.EXTERNAL, 1), Sender(SenderType.MEMBER, 2)])
def test_an_update_of_no_member(world: World, sender: Sender) -> None:
    alice, bob = world.group_of("alice", "bob")
    sent = SentProposal(Update(fresh_leaf(world, bob)), sender, NONCE)
    with pytest.raises(ValidationError) as caught:
        apply_proposals(alice._state, CONFIG, [sent], committer=alice.own_leaf_index, now=NOW)
    assert caught.value.rule is ValidationRule.PROPOSAL_UPDATE_SENDER


class TestChoice:
    """What a committer makes of the proposals it received."""

    def test_a_poisoned_proposal_stops_nobody(self, world: World) -> None:
        alice, bob, carol = world.group_of("alice", "bob", "carol")
        unknown = PreSharedKey(PreSharedKeyID(PSKType.EXTERNAL, NONCE, b"nobody has it"))
        dave = world.bundle("dave").key_package
        for content in (unknown, Add(dave), Add(dave), Remove(LeafIndex(60)), Remove(bob.own_leaf_index)):
            message = insider(bob, content)
            for group in (alice, carol):
                group.merge(group.process(message, now=NOW))
        staged = alice.commit(random=os.urandom, now=NOW)
        assert [member.credential.data for member in staged.added] == [b"dave"]
        assert [member.credential.data for member in staged.removed] == [b"bob"]
        carol.merge(carol.process(staged.message, now=NOW))
        alice.merge(staged)
        assert alice.epoch_authenticator == carol.epoch_authenticator

    def test_what_is_asked_for_comes_first(self, world: World) -> None:
        alice, bob, carol = world.group_of("alice", "bob", "carol")
        for staged in (bob.propose_remove(bob.own_leaf_index, random=os.urandom),):
            bob.merge(staged)
            for group in (alice, carol):
                group.merge(group.process(staged.message, now=NOW))
        commit = alice.commit(remove=[bob.own_leaf_index], random=os.urandom, now=NOW)
        assert len(commit.removed) == 1
        own = bob.commit(random=os.urandom, now=NOW)
        assert own.removed == ()


class TestExternal:
    def test_an_old_leafs_key_again(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        keys, old = world.keys(), leaf_of(bob)
        join = Group.join_externally(
            alice.group_info(),
            Credential.basic(b"bob"),
            keys,
            suite=world.suite,
            remove=bob.own_leaf_index,
            config=CONFIG,
            random=os.urandom,
        )
        commit = MLSMessage.decode(join.commit).body.content.content  # type: ignore[union-attr]
        assert isinstance(commit, Commit)
        assert commit.path is not None
        leaf = replace(commit.path.leaf_node, encryption_key=old.encryption_key)
        spoilt = replace(commit, path=replace(commit.path, leaf_node=leaf))
        message = insider(alice, spoilt, sender=NEW_MEMBER, key=keys.private, public=True)
        refused(alice, message, ValidationRule.LEAF_KEY_FRESH)

    def spoilt(self, world: World, group: Group, **changes: object) -> bytes:
        """An external commit signed again after its proposals or path were changed."""
        keys = world.keys()
        join = Group.join_externally(
            group.group_info(),
            Credential.basic(b"dave"),
            keys,
            suite=world.suite,
            config=CONFIG,
            random=os.urandom,
        )
        body = MLSMessage.decode(join.commit).body
        commit = body.content.content  # type: ignore[union-attr]
        assert isinstance(commit, Commit)
        extra = changes.pop("extra", ())
        spoilt = replace(commit, proposals=(*commit.proposals, *extra), **changes)  # type: ignore[misc,arg-type]
        return insider(group, spoilt, sender=NEW_MEMBER, key=keys.private, public=True)

    @pytest.mark.parametrize(
        ("extra", "rule"),
        [
            ([ExternalInit(b"")], ValidationRule.PROPOSAL_EXTERNAL),
            ([Remove(LeafIndex(1)), Remove(LeafIndex(0))], ValidationRule.PROPOSAL_EXTERNAL),
            ([GroupContextExtensions(())], ValidationRule.PROPOSAL_EXTERNAL),
            ([Remove(LeafIndex(1))], ValidationRule.PROPOSAL_RESYNC),
            ([Remove(LeafIndex(9))], ValidationRule.PROPOSAL_REMOVE_MEMBER),
            ([ProposalReference(NONCE)], ValidationRule.PROPOSAL_KNOWN),
        ],
    )
    def test_proposals(self, world: World, extra: list[object], rule: ValidationRule) -> None:
        alice, _ = world.group_of("alice", "bob")
        refused(alice, self.spoilt(world, alice, extra=extra), rule)

    def test_by_reference(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        staged = bob.propose_remove(alice.own_leaf_index, random=os.urandom)
        alice.merge(alice.process(staged.message, now=NOW))
        message = self.spoilt(world, alice, extra=[ProposalReference(staged.reference)])
        refused(alice, message, ValidationRule.PROPOSAL_EXTERNAL)

    def test_no_path(self, world: World) -> None:
        alice, _ = world.group_of("alice", "bob")
        refused(alice, self.spoilt(world, alice, path=None), ValidationRule.PROPOSAL_EXTERNAL_PATH)

    def test_not_accepted(self, world: World) -> None:
        alice, _ = world.group_of("alice", "bob")
        message = self.spoilt(world, alice)
        alice._config = GroupConfig(authentication=CONFIG.authentication, accept_external_commits=False)
        refused(alice, message, ValidationRule.PROPOSAL_EXTERNALS_ACCEPTED)

    @pytest.mark.parametrize("sender_type", [SenderType.EXTERNAL, SenderType.NEW_MEMBER_PROPOSAL])
    def test_outsiders_propose_nothing(self, world: World, sender_type: SenderType) -> None:
        alice, _ = world.group_of("alice", "bob")
        message = insider(alice, Remove(LeafIndex(1)), sender=Sender(sender_type), public=True)
        refused(alice, message, ValidationRule.PROPOSAL_OUTSIDERS_ACCEPTED)
