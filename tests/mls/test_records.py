"""What is stored of a group: little for each operation, whole at any moment, told from damage."""

from __future__ import annotations

import os
from math import log2

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from mls_world import CONFIG, NOW, World, applied, unchanged, whole, written

from sottovoce.mls import (
    DamagedSnapshot,
    Group,
    GroupConfig,
    KeyPackageBundle,
    StagedApplication,
    StagedMessage,
    StaleStaging,
    UncommittedProposals,
    UndecryptableMessage,
)
from sottovoce.mls.nodes import ParentNode
from sottovoce.mls.records import GROUP, message_key, past_key

SIZES = (16, 64, 256, 1024)


def pair_in(size: int) -> tuple[Group, Group]:
    """Two members, at both ends, of a group of that many."""
    world = World()
    first = world.create("alice")
    bundles = [world.bundle(f"member{n}") for n in range(size - 1)]
    staged = first.commit(add=[one.key_package for one in bundles], random=os.urandom, now=NOW)
    first.merge(staged)
    assert staged.welcome is not None
    return first, Group.join(staged.welcome, bundles[-1], config=CONFIG)


@pytest.fixture(scope="module")
def pairs() -> dict[int, tuple[Group, Group]]:
    """Two members of a group of each size, whose first records are stored."""
    made = {size: pair_in(size) for size in SIZES}
    for groups in made.values():
        for group in groups:
            assert group.take_changes() == whole(group)
    return made


def say(sender: Group, text: bytes = b"text") -> StagedMessage:
    sent = sender.encrypt(text, random=os.urandom)
    sender.merge(sent)
    return sent


class TestHowMuchIsWritten:
    def test_a_message_costs_the_same_in_any_group(self, pairs: dict[int, tuple[Group, Group]]) -> None:
        firsts, laters = {}, set()
        for size, (alice, bob) in pairs.items():
            bob.merge(bob.process(say(alice).message, now=NOW))
            firsts[size] = written(bob.take_changes())
            for _ in range(2):
                bob.merge(bob.process(say(alice).message, now=NOW))
                laters.add(written(bob.take_changes()))
        assert len(laters) == 1
        assert max(laters) < 60
        # A sender's first message of an epoch opens the way to its leaf: one secret for each level.
        assert firsts[1024] - firsts[16] == 6 * (1 + 8 + 1 + 4 + 32)

    def test_a_commit_costs_what_it_changes(self, pairs: dict[int, tuple[Group, Group]]) -> None:
        """Each level of the tree adds a node to write, and a private key at most."""
        costs: dict[int, tuple[int, ...]] = {}
        for size, (alice, bob) in pairs.items():
            for _ in range(5):  # from the fourth on, an epoch is forgotten with each
                alice.take_changes()
                bob.take_changes()
                late = say(bob)
                staged = alice.commit(random=os.urandom, now=NOW)
                bob.merge(bob.process(staged.message, now=NOW))
                alice.merge(staged)
                alice.merge(alice.process(late.message, now=NOW))
            costs[size] = (
                written(staged.stored()),
                written(alice.take_changes()),
                written(bob.take_changes()),
            )
        for size in SIZES:
            levels = log2(size) - log2(16)
            for cost, least in zip(costs[size], costs[16], strict=True):
                assert cost <= least + 250 * levels, costs
        assert max(map(max, costs.values())) < 5000

    def test_what_is_not_merged_is_not_written(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        for group in (alice, bob):
            group.take_changes()
        staged = alice.commit(random=os.urandom, now=NOW)
        bob.process(staged.message, now=NOW)
        bob.process(alice.encrypt(b"text", random=os.urandom).message, now=NOW)
        assert alice.take_changes() == bob.take_changes() == {}


class Store(RuleBasedStateMachine):
    """Members whose stores get what each operation changed, and nothing else; each goes on from its store.

    A death at any moment leaves a store as it was before an operation or after it: both are restored here.
    """

    @initialize()
    def begin(self) -> None:
        self.world = World()
        self.world.group_of("alice", "bob", "carol")
        self.stores: dict[str, dict[bytes, bytes]] = {}
        self.held: list[StagedMessage] = []
        self.count = 0

    def member(self, number: int) -> Group:
        active = [group for _, group in sorted(self.world.groups.items()) if group.is_active]
        return active[number % len(active)]

    who = st.integers(0, 20)

    @rule(who=who, hold=st.booleans())
    def talk(self, who: int, hold: bool) -> None:
        if self.member(who).must_commit_first:
            with pytest.raises(UncommittedProposals):
                say(self.member(who))
            return
        sent = say(self.member(who))
        if hold:
            self.held.append(sent)
            return
        self.give(sent)

    @precondition(lambda self: self.held)
    @rule(which=who)
    def late(self, which: int) -> None:
        self.give(self.held.pop(which % len(self.held)))

    def give(self, sent: StagedMessage) -> None:
        for group in self.world.groups.values():
            if group.is_active and sent.epoch in group._epochs and sent.step.leaf != group.own_leaf_index:
                staged = group.process(sent.message, now=NOW)
                assert isinstance(staged, StagedApplication)
                group.merge(staged)

    @rule(who=who)
    def propose(self, who: int) -> None:
        group = self.member(who)
        staged = group.propose_update(signature_key_pair=self.world.keys(), random=os.urandom)
        self.world.deliver(staged.message, group)
        group.merge(staged)

    @rule(who=who)
    def commit(self, who: int) -> None:
        self.world.commit(self.member(who))

    @precondition(lambda self: sum(one.is_active for one in self.world.groups.values()) < 7)
    @rule(who=who, count=st.integers(1, 3))
    def add(self, who: int, count: int) -> None:
        committer, names = self.member(who), [f"member{self.count + n}" for n in range(count)]
        self.count += count
        bundles = {name: self.world.bundle(name) for name in names}
        packages = [one.key_package for one in bundles.values()]
        staged = committer.commit(add=packages, random=os.urandom, now=NOW)
        self.world.deliver(staged.message, committer)
        committer.merge(staged)
        assert staged.welcome is not None
        for name, bundle in bundles.items():
            self.world.groups[name] = Group.join(staged.welcome, bundle, config=CONFIG)

    @precondition(lambda self: sum(one.is_active for one in self.world.groups.values()) > 2)
    @rule(who=who)
    def remove(self, who: int) -> None:
        committer, gone = self.member(who), self.member(who + 1)
        self.world.commit(committer, remove=[gone.own_leaf_index])

    @rule(who=who)
    def carry_on_in_flight(self, who: int) -> None:
        """The commit is out, the process ends, and goes on from what it kept beside its records."""
        committer = self.member(who)
        name = next(one for one, group in self.world.groups.items() if group is committer)
        staged = committer.commit(random=os.urandom, now=NOW)
        assert staged.send_step is not None
        committer.merge(staged.send_step)
        self.keep(name, committer)
        self.world.deliver(staged.message, committer)
        self.world.groups[name] = again = Group.restore(self.stores[name], config=CONFIG)
        again.merge(again.resume(staged.stored()))

    @invariant()
    def stored(self) -> None:
        for name, group in list(self.world.groups.items()):
            self.keep(name, group)
            self.world.groups[name] = again = Group.restore(self.stores[name], config=CONFIG)
            assert whole(again) == self.stores[name]
            assert again.take_changes() == {}
        self.world.agree()

    def keep(self, name: str, group: Group) -> None:
        self.stores[name] = applied(self.stores.get(name, {}), group.take_changes())
        assert self.stores[name] == whole(group)
        assert group.take_changes() == {}


Store.TestCase.settings = settings(max_examples=20, stateful_step_count=12, deadline=None)
TestStores = Store.TestCase


class TestRestoring:
    def test_late_messages_are_by_who_sent_them(self, world: World) -> None:
        """Bob's leaf is Dave's by now, and Carol signs with another key: what they sent before is theirs."""
        alice, bob, carol = world.group_of("alice", "bob", "carol")
        bob_key, carol_key = (
            world.groups[name]._state.signature_key_pair.public for name in ("bob", "carol")
        )
        sent = [say(bob, b"by bob"), say(carol, b"by carol")]
        update = carol.propose_update(signature_key_pair=world.keys(), random=os.urandom)
        world.deliver(update.message, carol)
        carol.merge(update)
        world.commit(alice)
        world.commit(alice, remove=[bob.own_leaf_index])
        dave = world.bundle("dave")
        world.commit(alice, add=[dave.key_package])
        again = Group.restore(whole(alice), config=CONFIG)
        for group in (alice, again):
            by_bob, by_carol = (group.process(one.message, now=NOW) for one in sent)
            assert isinstance(by_bob, StagedApplication)
            assert isinstance(by_carol, StagedApplication)
            assert by_bob.sender_credential.identity == b"bob"
            assert (by_bob.sender_member.signature_key, by_carol.sender_member.signature_key) == (
                bob_key,
                carol_key,
            )
            now_there = group.member(by_bob.sender)
            assert now_there is not None
            assert now_there.credential.identity == b"dave"

    def test_used_secrets_are_in_no_record(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        root = whole(bob)[message_key(bob.epoch, b"N\0\0\0\1")]
        staged = bob.process(say(alice).message, now=NOW)
        assert isinstance(staged, StagedApplication)
        bob.merge(staged)
        everything = b"".join(whole(bob).values())
        assert root not in everything
        assert staged.step.message_key.key not in everything

    def test_a_commit_on_its_way_survives_a_crash(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        late = say(bob)
        proposal = bob.propose_update(random=os.urandom)
        for group in (alice, bob):
            group.merge(proposal if group is bob else group.process(proposal.message, now=NOW))
        staged = alice.commit(random=os.urandom, now=NOW)
        assert staged.send_step is not None
        alice.merge(staged.send_step)
        again = Group.restore(whole(alice), config=CONFIG)
        again.merge(again.resume(staged.stored()))
        alice.merge(staged)
        bob.merge(bob.process(staged.message, now=NOW))
        assert whole(again) == whole(alice)
        assert again.epoch_authenticator == bob.epoch_authenticator
        for group in (again, alice):
            group.merge(group.process(late.message, now=NOW))
        assert again.export("x", b"", 8) == alice.export("x", b"", 8)

    def test_a_commit_on_its_way_is_made_again(self, world: World) -> None:
        """With everything a commit can do to a tree: add in a removed one's place, and beyond; update."""
        alice, bob, carol, _ = world.group_of("alice", "bob", "carol", "dave")
        update = carol.propose_update(signature_key_pair=world.keys(), random=os.urandom)
        world.deliver(update.message, carol)
        carol.merge(update)
        packages = [world.bundle(name).key_package for name in ("erin", "frank")]
        staged = alice.commit(
            add=packages, remove=[bob.own_leaf_index], authenticated_data=b"aad", random=os.urandom, now=NOW
        )
        assert staged.send_step is not None
        alice.merge(staged.send_step)
        store = applied({}, alice.take_changes())
        again = Group.restore(store, config=CONFIG)
        resumed = again.resume(staged.stored())
        for name in ("added", "removed", "updated", "sender_member", "group_context_extensions", "epoch"):
            assert getattr(resumed, name) == getattr(staged, name), name
        assert len(resumed.added) == 2
        assert resumed.removed[0].leaf_index == resumed.added[0].leaf_index
        assert resumed.members() == staged.members()
        assert whole(again) == store
        alice.merge(staged)
        again.merge(resumed)
        assert whole(again) == whole(alice) == applied(store, again.take_changes())
        assert written(again.take_changes()) == 0
        world.groups["alice"] = again
        for group in (carol, world.groups["dave"]):
            group.merge(group.process(staged.message, now=NOW))
            assert group.epoch_authenticator == again.epoch_authenticator

    def test_a_commit_of_another_epoch_is_not_made_again(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        stored = alice.commit(random=os.urandom, now=NOW).stored()
        node = next(key for key in stored if key[:1] == b"T")
        spoilt: list[dict[bytes, bytes | None]] = [{}, {**stored, GROUP: None}, {**stored, node: None}]
        spoilt += [{**stored, node: b"x"}, {key: value for key, value in stored.items() if key[:1] != b"M"}]
        for wrong in spoilt:
            with unchanged(alice), pytest.raises(DamagedSnapshot):
                alice.resume(wrong)
        first = alice.resume(stored)
        world.commit(bob)
        with unchanged(alice), pytest.raises(DamagedSnapshot):
            alice.resume(stored)
        with unchanged(alice), pytest.raises(StaleStaging):
            alice.merge(first)

    def test_epochs_too_old_are_forgotten_with_a_restart(self, world: World) -> None:
        """Between a commit's acceptance and a crash nobody deletes the epoch that it makes too old."""
        (alice,) = world.group_of("alice")
        for _ in range(5):
            world.commit(alice)
        staged = alice.commit(random=os.urandom, now=NOW)
        stored = applied(whole(alice), staged.stored())
        again = Group.restore(stored, config=CONFIG)
        deleted = again.take_changes()
        assert set(deleted.values()) == {None}
        assert {int.from_bytes(key[1:9], "big") for key in deleted} == {again.epoch - 4}
        assert applied(stored, deleted) == whole(again)
        past = GroupConfig(authentication=CONFIG.authentication, past_epochs=0)
        assert past_key(again.epoch - 1) not in whole(Group.restore(whole(again), config=past))

    def test_after_a_removal_nothing_secret_is_written(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        stored = bob.take_changes()
        world.commit(alice, remove=[bob.own_leaf_index])
        left = applied(applied({}, stored), bob.take_changes())
        assert left == whole(bob)
        assert {key[:1] for key in left} == {b"G", b"T"}
        assert not Group.restore(left).is_active


class TestDamage:
    @pytest.mark.parametrize("spoil", [b"", b"\x01", b"short", b"long"])
    def test_the_group(self, world: World, spoil: bytes) -> None:
        alice, _ = world.group_of("alice", "bob")
        records = whole(alice)
        whole_one = records[GROUP]
        spoilt = {
            b"": b"",
            b"\x01": b"\x01" + whole_one[1:],
            b"short": whole_one[:-1],
            b"long": whole_one + b"x",
        }
        with pytest.raises(DamagedSnapshot):
            Group.restore({**records, GROUP: spoilt[spoil]}, config=CONFIG)

    def test_what_is_missing_or_too_much(self, world: World) -> None:
        alice, *_ = world.group_of("alice", "bob", "carol")
        records = whole(alice)
        for gone in (GROUP, past_key(alice.epoch - 1), *(key for key in records if key[:1] == b"T")):
            with pytest.raises(DamagedSnapshot):
                Group.restore({key: value for key, value in records.items() if key != gone}, config=CONFIG)
        past = records[past_key(alice.epoch - 1)]
        for key, value in (
            (past_key(alice.epoch), past),
            (past_key(99), past),
            (past_key(alice.epoch - 1), b"x"),
            (past_key(alice.epoch - 1) + b"x", past),
            (message_key(99, b"N\0\0\0\0"), b"x"),
            (b"M\0", b""),
            (b"T\0\0\0\0", b"x"),
            (b"T\x7f\0\0\0", records[b"T\0\0\0\0"]),
            (b"T\0\0\0\1", records[b"T\0\0\0\0"]),
            (b"T", b""),
        ):
            with pytest.raises(DamagedSnapshot):
                Group.restore({**records, key: value}, config=CONFIG)

    def test_a_parent_above_nobody(self, world: World) -> None:
        alice = world.create()
        parent = {b"T\0\0\0\1": ParentNode(bytes(32), b"").encoded}
        for records in ({**whole(alice), **parent}, {GROUP: whole(alice)[GROUP], **parent}):
            with pytest.raises(DamagedSnapshot):
                Group.restore(records, config=CONFIG)

    def test_what_is_of_nobody_is_deleted(self, world: World) -> None:
        alice, _ = world.group_of("alice", "bob")
        again = Group.restore({**whole(alice), b"Xyz": b"?"}, config=CONFIG)
        assert again.take_changes() == {b"Xyz": None}

    def test_a_failure_leaves_no_change(self, world: World) -> None:
        alice, bob = world.group_of("alice", "bob")
        bob.take_changes()
        message = say(alice).message
        with unchanged(bob), pytest.raises(UndecryptableMessage):
            bob.process(message[:-1] + bytes([message[-1] ^ 1]), now=NOW)
        assert bob.take_changes() == {}


def test_bundle(world: World) -> None:
    bundle = world.bundle("alice")
    again = KeyPackageBundle.from_bytes(bundle.to_bytes())
    assert again == bundle
    assert again.ref == bundle.ref
    assert again.suite == world.suite
