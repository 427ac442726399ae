"""ReInit and branching: groups that follow another, and every Welcome that only says it does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import pytest
from mls_world import (
    CONFIG,
    NOW,
    World,
    commit_of,
    insider,
    refused,
    taken_apart,
    unchanged,
    whole,
)

from sottovoce.crypto.secret import Secret
from sottovoce.crypto.suites import (
    DEFAULT,
    MLS_128_DHKEMP256_AES128GCM_SHA256_P256,
    CipherSuite,
    MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519,
)
from sottovoce.mls import (
    Credential,
    Group,
    GroupReinitialized,
    KeyPackageBundle,
    MissingPreSharedKey,
    MisuseError,
    RequiredCapabilities,
    StagedApplication,
    StagedCommit,
    StagedGroup,
    ValidationError,
    ValidationRule,
)
from sottovoce.mls.proposals import (
    Commit,
    PreSharedKey,
    PreSharedKeyID,
    PSKType,
    ReInit,
    Remove,
    ResumptionUsage,
)
from sottovoce.mls.sending import CommitRequest
from sottovoce.mls.successors import Predecessor, link_in, validate_following

OPEN = replace(CONFIG, accept_reinit=True)
REQUIRED = (RequiredCapabilities((), (), (1,)).extension(),)
SUITE_3 = MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519
P256 = MLS_128_DHKEMP256_AES128GCM_SHA256_P256


def closed(world: World, *names: str, suite: CipherSuite = SUITE_3) -> list[Group]:
    """The groups of these members after a ReInit was committed."""
    world.config = OPEN
    groups = world.group_of(*names)
    world.commit(groups[0], reinit=ReInit.to(suite, b"next room", REQUIRED))
    return groups


def bundles(suite: CipherSuite, *names: str) -> dict[str, KeyPackageBundle]:
    world = World(suite)
    return {name: world.bundle(name) for name in names}


def messages(found: dict[str, KeyPackageBundle]) -> list[bytes]:
    return [one.message for one in found.values()]


class TestReinit:
    @pytest.mark.parametrize("suite", [SUITE_3, P256, DEFAULT], ids=lambda suite: str(suite.id))
    @pytest.mark.parametrize("by_value", [True, False])
    def test_the_group_goes_on_in_another(self, world: World, suite: CipherSuite, by_value: bool) -> None:
        world.config = OPEN
        alice, bob, carol = world.group_of("alice", "bob", "carol")
        if not by_value:
            staged = carol.propose_reinit(b"next room", suite=suite, extensions=REQUIRED, random=os.urandom)
            world.deliver(staged.message, carol)
            carol.merge(staged)
        to = ReInit.to(suite, b"next room", REQUIRED)
        commit = alice.commit(reinit=to if by_value else None, random=os.urandom, now=NOW)
        received = bob.process(commit.message, now=NOW)
        assert isinstance(received, StagedCommit)
        assert commit.reinit == received.reinit == to
        world.deliver(commit.message, alice)
        alice.merge(commit)
        world.agree()
        # Another member than the committer goes on, after a restart: §11.2 leaves it to any.
        bob = Group.restore(whole(bob), config=OPEN)
        assert bob.reinit == to
        found = bundles(suite, "alice", "carol")
        keys = suite.signature_key_pair(os.urandom(suite.signature_seed_length))
        with unchanged(bob):
            started = bob.reinitialize(
                messages(found), signature_key_pair=keys, with_tree=False, random=os.urandom, now=NOW
            )
        assert started.welcome is not None
        new = started.group
        assert (new.suite, new.group_id, new.extensions, new.epoch) == (suite, b"next room", REQUIRED, 1)
        for name, old in (("alice", alice), ("carol", carol)):
            joined = Group.join(
                started.welcome,
                found[name],
                predecessor=old,
                ratchet_tree=new.ratchet_tree(),
                config=OPEN,
            )
            assert joined.epoch_authenticator == new.epoch_authenticator
            sent = joined.encrypt(b"here", random=os.urandom)
            assert isinstance(new.process(sent.message, now=NOW), StagedApplication)

    def test_a_closed_group_does_nothing_else(self, world: World) -> None:
        alice, bob = closed(world, "alice", "bob")
        package = world.bundle("carol").message
        for act in (
            lambda: alice.encrypt(b"", random=os.urandom),
            lambda: alice.propose_add(package, random=os.urandom, now=NOW),
            lambda: alice.propose_update(random=os.urandom),
            lambda: alice.commit(random=os.urandom, now=NOW),
            lambda: alice.branch(b"other", [], random=os.urandom, now=NOW),
            alice.group_info,
        ):
            with unchanged(alice), pytest.raises(GroupReinitialized):
                act()
        assert alice.export("x", b"", 16) == bob.export("x", b"", 16)
        refused(bob, insider(alice, b"text"), ValidationRule.FRAMING_REINITIALIZED)
        refused(bob, insider(alice, commit_of()), ValidationRule.FRAMING_REINITIALIZED)

    def test_late_messages_of_the_epoch_before_are_still_read(self, world: World) -> None:
        world.config = OPEN
        alice, bob = world.group_of("alice", "bob")
        late = alice.encrypt(b"late", random=os.urandom)
        alice.merge(late)
        world.commit(alice, reinit=ReInit.to(SUITE_3, b"next"))
        received = bob.process(late.message, now=NOW)
        assert isinstance(received, StagedApplication)
        assert received.content == b"late"

    def test_alone_in_its_commit(self, world: World) -> None:
        world.config = OPEN
        alice, bob, carol = world.group_of("alice", "bob", "carol")
        to = ReInit.to(SUITE_3, b"next room")
        with unchanged(alice), pytest.raises(ValidationError) as caught:
            alice.commit(reinit=to, remove=[carol.own_leaf_index], random=os.urandom, now=NOW)
        assert caught.value.rule is ValidationRule.PROPOSAL_REINIT_ALONE
        for both in ((to, to), (to, Remove(carol.own_leaf_index))):
            refused(bob, insider(alice, commit_of(*both)), ValidationRule.PROPOSAL_REINIT_ALONE)

    def test_other_proposals_are_preferred(self, world: World) -> None:
        """§12.2: so that the ReInit can be sent again in a later epoch."""
        world.config = OPEN
        alice, bob = world.group_of("alice", "bob")
        for propose in (
            lambda: bob.propose_reinit(b"next room", suite=SUITE_3, random=os.urandom),
            lambda: bob.propose_update(random=os.urandom),
        ):
            staged = propose()
            bob.merge(staged)
            alice.merge(alice.process(staged.message, now=NOW))
        commit = alice.commit(random=os.urandom, now=NOW)
        assert commit.reinit is None
        assert len(commit.updated) == 1
        # What is asked for by value goes before both.
        asked = alice.commit(reinit=ReInit.to(SUITE_3, b"x"), random=os.urandom, now=NOW)
        assert asked.reinit is not None
        assert asked.updated == ()

    def test_an_older_version(self, world: World) -> None:
        world.config = OPEN
        alice, bob = world.group_of("alice", "bob")
        old = replace(ReInit.to(SUITE_3, b"next"), version=0)
        for content in (commit_of(old), old):
            refused(bob, insider(alice, content), ValidationRule.PROPOSAL_REINIT_VERSION)

    def test_is_refused_by_default(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        to = ReInit.to(SUITE_3, b"next")
        for content in (commit_of(to), to):
            refused(bob, insider(alice, content), ValidationRule.PROPOSAL_REINIT_ACCEPTED)
        with pytest.raises(ValidationError) as caught:
            alice.commit(reinit=to, random=os.urandom, now=NOW)
        assert caught.value.rule is ValidationRule.PROPOSAL_REINIT_ACCEPTED

    def test_a_group_that_is_not_closed_has_no_successor(self, world: World) -> None:
        (alice,) = world.group_of("alice")
        with pytest.raises(MisuseError):
            alice.reinitialize([], random=os.urandom, now=NOW)

    @pytest.mark.parametrize(("version", "suite_id"), [(2, SUITE_3.id), (1, 0xFFFF)])
    def test_what_this_build_does_not_have_it_does_not_begin(
        self, world: World, version: int, suite_id: int
    ) -> None:
        world.config = OPEN
        (alice,) = world.group_of("alice")
        world.commit(alice, reinit=ReInit(b"next room", version, suite_id, ()))
        with unchanged(alice), pytest.raises(MisuseError):
            alice.reinitialize([], random=os.urandom, now=NOW)

    @pytest.mark.parametrize(
        "names", [(), ("bob",), ("bob", "carol", "dave"), ("bob", "dave"), ("bob", "bob")]
    )
    def test_with_the_same_members_only(self, world: World, names: tuple[str, ...]) -> None:
        alice, *_ = closed(world, "alice", "bob", "carol")
        packages = [bundles(SUITE_3, name)[name].message for name in names]
        with unchanged(alice), pytest.raises(MisuseError):
            alice.reinitialize(packages, random=os.urandom, now=NOW)

    def test_of_the_same_clients_with_new_credentials(self, world: World) -> None:
        alice, bob = closed(world, "alice", "bob")
        found = bundles(SUITE_3, "bob/2")
        started = alice.reinitialize(
            messages(found), credential=Credential.basic(b"alice/2"), random=os.urandom, now=NOW
        )
        assert started.welcome is not None
        joined = Group.join(started.welcome, found["bob/2"], predecessor=bob, config=OPEN)
        assert [one.credential.data for one in joined.members()] == [b"alice/2", b"bob/2"]

    def test_keys_of_another_scheme_are_asked_for(self, world: World) -> None:
        alice, _ = closed(world, "alice", "bob", suite=P256)
        with pytest.raises(MisuseError):
            alice.reinitialize(messages(bundles(P256, "bob")), random=os.urandom, now=NOW)

    def test_of_one(self, world: World) -> None:
        (alice,) = closed(world, "alice")
        started = alice.reinitialize([], random=os.urandom, now=NOW)
        assert started.welcome is None
        assert started.group.epoch == 1

    def test_with_an_external_psk_too(self, world: World) -> None:
        alice, bob = closed(world, "alice", "bob")
        found, psks = bundles(SUITE_3, "bob"), {b"id": Secret(b"x")}
        started = alice.reinitialize(messages(found), psks=psks, random=os.urandom, now=NOW)
        assert started.welcome is not None
        with pytest.raises(MissingPreSharedKey) as caught:
            Group.join(started.welcome, found["bob"], predecessor=bob, config=OPEN)
        assert caught.value.psk_id == b"id"
        joined = Group.join(started.welcome, found["bob"], psks=psks, predecessor=bob, config=OPEN)
        assert joined.epoch_authenticator == started.group.epoch_authenticator


class TestBranch:
    def test_some_members_go_aside(self, world: World) -> None:
        alice, bob, carol = world.group_of("alice", "bob", "carol")
        found = bundles(world.suite, "carol")
        with unchanged(alice):
            started = alice.branch(b"aside", messages(found), extensions=REQUIRED, random=os.urandom, now=NOW)
        assert started.welcome is not None
        # The parent may have moved on before the Welcome is read.
        world.commit(bob)
        joined = Group.join(started.welcome, found["carol"], predecessor=carol, config=CONFIG)
        assert joined.epoch_authenticator == started.group.epoch_authenticator
        assert (joined.group_id, joined.suite, joined.epoch) == (b"aside", world.suite, 1)
        world.groups = {"alice": started.group, "carol": joined}
        world.commit(joined)
        world.agree()

    def test_nobody_else_comes_along(self, world: World) -> None:
        alice, _ = world.group_of("alice", "bob")
        with pytest.raises(MisuseError):
            alice.branch(b"aside", [world.bundle("dave").message], random=os.urandom, now=NOW)

    def test_it_has_an_id_of_its_own(self, world: World) -> None:
        alice, _ = world.group_of("alice", "bob")
        with pytest.raises(MisuseError):
            alice.branch(b"room", [world.bundle("bob").message], random=os.urandom, now=NOW)


class TestLink:
    """Whose Welcome says that it follows a group, and which group a joiner has at hand."""

    def start(self, world: World) -> tuple[StagedGroup, KeyPackageBundle, Group]:
        alice, bob = closed(world, "alice", "bob")
        found = bundles(SUITE_3, "bob")
        return alice.reinitialize(messages(found), random=os.urandom, now=NOW), found["bob"], bob

    def refused(
        self, welcome: bytes | None, bundle: KeyPackageBundle, old: Group | None, rule: ValidationRule
    ) -> None:
        with pytest.raises(ValidationError) as caught:
            Group.join(welcome or b"", bundle, predecessor=old, config=OPEN)
        assert caught.value.rule is rule, caught.value

    def test_the_group_it_follows_is_wanted(self, world: World) -> None:
        started, bundle, bob = self.start(world)
        with pytest.raises(MissingPreSharedKey) as caught:
            Group.join(started.welcome or b"", bundle, config=OPEN)
        assert (caught.value.group_id, caught.value.epoch) == (bob.group_id, bob.epoch)
        # The resumption PSK alone will not do: the checks need the group.
        with pytest.raises(MissingPreSharedKey):
            Group.join(started.welcome or b"", bundle, resumption_psks=[bob.resumption_psk()], config=OPEN)

    def test_another_group_at_hand(self, world: World) -> None:
        started, bundle, bob = self.start(world)
        bob._state = replace(bob._state, context=replace(bob._state.context, group_id=b"other"))
        self.refused(started.welcome, bundle, bob, ValidationRule.WELCOME_PREDECESSOR)

    def test_a_group_that_was_not_reinitialised(self, world: World) -> None:
        started, bundle, bob = self.start(world)
        bob._state = replace(bob._state, reinit=None)
        self.refused(started.welcome, bundle, bob, ValidationRule.WELCOME_PREDECESSOR)

    def test_an_epoch_before_the_reinit(self, world: World) -> None:
        """The PSK is that of the epoch after the ReInit's commit, not of one an outsider may have been in."""
        alice, bob = closed(world, "alice", "bob")
        found = bundles(SUITE_3, "bob")
        early = alice.resumption_psk(alice.epoch - 1)
        welcome = follow(alice, messages(found), ResumptionUsage.REINIT, psk=early)
        self.refused(welcome, found["bob"], bob, ValidationRule.WELCOME_PREDECESSOR)

    def test_a_welcome_that_follows_nothing(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        carol = world.bundle("carol")
        commit = alice.commit(add=[carol.message], random=os.urandom, now=NOW)
        self.refused(commit.welcome, carol, bob, ValidationRule.WELCOME_PREDECESSOR)

    def test_a_parents_epoch_that_is_gone(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        found = bundles(world.suite, "bob")
        started = alice.branch(b"aside", messages(found), random=os.urandom, now=NOW)
        for _ in range(4):
            world.commit(alice)
        with pytest.raises(MissingPreSharedKey):
            Group.join(started.welcome or b"", found["bob"], predecessor=bob, config=CONFIG)

    def test_two_links(self) -> None:
        one = PreSharedKeyID(PSKType.RESUMPTION, bytes(32), b"", ResumptionUsage.REINIT, b"a", 1)
        with pytest.raises(ValidationError) as caught:
            link_in([one, replace(one, usage=ResumptionUsage.BRANCH)])
        assert caught.value.rule is ValidationRule.WELCOME_LINK
        plain = replace(one, usage=ResumptionUsage.APPLICATION)
        assert link_in([plain, one, plain]) == one
        assert link_in([plain]) is None

    @pytest.mark.parametrize("usage", [ResumptionUsage.REINIT, ResumptionUsage.BRANCH])
    def test_in_no_other_commit(self, world: World, usage: ResumptionUsage) -> None:
        """§11.2, §11.3: such a PreSharedKey proposal is invalid."""
        alice, bob = world.group_of("alice", "bob")
        psk = PreSharedKey(PreSharedKeyID(PSKType.RESUMPTION, bytes(32), b"", usage, b"room", alice.epoch))
        path = taken_apart(alice).path
        refused(bob, insider(alice, Commit((psk,), path)), ValidationRule.PROPOSAL_PSK_FORM)


def follow(
    old: Group,
    packages: Sequence[bytes],
    usage: ResumptionUsage,
    *,
    suite: CipherSuite = SUITE_3,
    group_id: bytes = b"next room",
    extensions: object = REQUIRED,
    psk: object = None,
    commits: int = 0,
    name: bytes = b"alice",
) -> bytes:
    """The Welcome of a group that says it follows ``old``, as an insider may make it."""
    keys = suite.signature_key_pair(os.urandom(suite.signature_seed_length))
    group = Group.create(
        suite,
        group_id,
        Credential.basic(name),
        keys,
        extensions=extensions,  # type: ignore[arg-type]
        config=OPEN,
        random=os.urandom,
        now=NOW,
    )
    for _ in range(commits):
        group.merge(group.commit(random=os.urandom, now=NOW))
    request = CommitRequest(add=packages, resumption_psks=[psk or old.resumption_psk()], usage=usage)  # type: ignore[list-item]
    staged = group._author(os.urandom).commit(request, NOW)
    assert staged.welcome is not None
    return staged.welcome


class TestFollowing:
    """A Welcome by an insider that keeps all rules but one."""

    def joined(self, welcome: bytes, bundle: KeyPackageBundle, old: Group) -> ValidationRule | None:
        try:
            Group.join(welcome, bundle, predecessor=old, config=OPEN)
        except ValidationError as error:
            return error.rule
        return None

    def test_reinit(self, world: World) -> None:
        alice, bob, _ = closed(world, "alice", "bob", "carol")
        found = bundles(SUITE_3, "bob", "carol", "dave")
        bob_too, carol_too, dave_too = messages(found)
        usage = ResumptionUsage.REINIT
        right = [bob_too, carol_too]
        assert self.joined(follow(alice, right, usage), found["bob"], bob) is None
        for welcome, rule in (
            (follow(alice, right, usage, group_id=b"x"), ValidationRule.WELCOME_REINIT),
            (follow(alice, right, usage, extensions=()), ValidationRule.WELCOME_REINIT),
            (follow(alice, right, usage, commits=1), ValidationRule.WELCOME_FIRST_EPOCH),
            (follow(alice, [bob_too], usage), ValidationRule.WELCOME_REINIT_MEMBERS),
            (follow(alice, [*right, dave_too], usage), ValidationRule.WELCOME_REINIT_MEMBERS),
            (follow(alice, [bob_too, dave_too], usage), ValidationRule.WELCOME_REINIT_MEMBERS),
            (follow(alice, right, usage, name=b"eve"), ValidationRule.WELCOME_REINIT_MEMBERS),
        ):
            assert self.joined(welcome, found["bob"], bob) is rule
        other = bundles(world.suite, "bob", "carol")
        welcome = follow(alice, messages(other), usage, suite=world.suite)
        assert self.joined(welcome, other["bob"], bob) is ValidationRule.WELCOME_REINIT

    def test_branch(self, world: World) -> None:
        alice, bob, _ = world.group_of("alice", "bob", "carol")
        found = bundles(world.suite, "bob", "dave")
        bob_too, dave_too = messages(found)
        usage, suite = ResumptionUsage.BRANCH, world.suite
        assert self.joined(follow(alice, [bob_too], usage, suite=suite), found["bob"], bob) is None
        for welcome, rule in (
            (
                follow(alice, [bob_too], usage, suite=suite, group_id=b"room"),
                ValidationRule.WELCOME_BRANCH_ID,
            ),
            (follow(alice, [bob_too], usage, suite=suite, commits=2), ValidationRule.WELCOME_FIRST_EPOCH),
            (follow(alice, [bob_too, dave_too], usage, suite=suite), ValidationRule.WELCOME_BRANCH_MEMBERS),
            (
                follow(alice, [bob_too], usage, suite=suite, name=b"eve"),
                ValidationRule.WELCOME_BRANCH_MEMBERS,
            ),
        ):
            assert self.joined(welcome, found["bob"], bob) is rule
        other = bundles(SUITE_3, "bob")
        welcome = follow(alice, messages(other), usage)
        assert self.joined(welcome, other["bob"], bob) is ValidationRule.WELCOME_BRANCH

    def test_branch_by_who_was_removed(self, world: World) -> None:
        """The PSK of an epoch that the others still keep is left to her: it makes nobody her subgroup."""
        alice, bob, eve = world.group_of("alice", "bob", "eve")
        kept = Group.restore(whole(eve), config=CONFIG)
        found = bundles(world.suite, "bob")
        started = kept.branch(b"sub", messages(found), random=os.urandom, now=NOW)
        assert started.welcome is not None
        assert self.joined(started.welcome, found["bob"], bob) is None
        world.commit(alice, remove=[eve.own_leaf_index])
        assert self.joined(started.welcome, found["bob"], bob) is ValidationRule.WELCOME_BRANCH_MEMBERS

    def test_another_version(self, world: World) -> None:
        """No such Welcome can be decoded, so the check is asked by itself."""
        alice, *_ = closed(world, "alice", "bob")
        old = Predecessor(alice._state, alice._epochs)
        context = replace(alice._state.context, version=2, epoch=1)
        link = PreSharedKeyID(PSKType.RESUMPTION, bytes(32), epoch=alice.epoch)
        for usage, rule in (
            (ResumptionUsage.REINIT, ValidationRule.WELCOME_REINIT),
            (ResumptionUsage.BRANCH, ValidationRule.WELCOME_BRANCH),
        ):
            with pytest.raises(ValidationError) as caught:
                validate_following(replace(link, usage=usage), old, context, [], CONFIG.authentication)
            assert caught.value.rule is rule
