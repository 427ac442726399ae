"""Whatever members do, in whatever order, they end up in one epoch with one roster."""

from __future__ import annotations

import os

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from mls_world import CONFIG, NOW, World, unchanged, whole

from sottovoce.crypto.secret import Secret
from sottovoce.mls import Credential, Group, StagedApplication

PSKS = {b"join": Secret(b"\x07" * 32)}
MOST = 9
anyone = st.integers(0, MOST * 2)


class Room(RuleBasedStateMachine):
    """A room whose members add, remove, update, rejoin, talk and restart."""

    @initialize()
    def begin(self) -> None:
        self.world = World()
        self.count = 0
        self.world.group_of("alice", "bob")

    def member(self, number: int) -> tuple[str, Group]:
        names = sorted(name for name, group in self.world.groups.items() if group.is_active)
        name = names[number % len(names)]
        return name, self.world.groups[name]

    def size(self) -> int:
        return sum(group.is_active for group in self.world.groups.values())

    @precondition(lambda self: self.size() < MOST)
    @rule(who=anyone, path=st.booleans())
    def add(self, who: int, path: bool) -> None:
        self.count += 1
        _, committer = self.member(who)
        bundle = self.world.bundle(f"member{self.count}")
        staged = committer.commit(add=[bundle.message], force_path=path, random=os.urandom, now=NOW)
        self.world.deliver(staged.message, committer)
        committer.merge(staged)
        assert staged.welcome is not None
        self.world.groups[f"member{self.count}"] = Group.join(staged.welcome, bundle, config=CONFIG)

    @precondition(lambda self: self.size() > 2)
    @rule(who=anyone, whom=anyone)
    def remove(self, who: int, whom: int) -> None:
        (_, committer), (_, gone) = self.member(who), self.member(whom)
        if committer is not gone:
            self.world.commit(committer, remove=[gone.own_leaf_index])
            assert not gone.is_active

    @rule(who=anyone)
    def commit(self, who: int) -> None:
        self.world.commit(self.member(who)[1])

    @precondition(lambda self: self.size() > 1)
    @rule(who=anyone)
    def update(self, who: int) -> None:
        _, group = self.member(who)
        staged = group.propose_update(random=os.urandom)
        self.world.deliver(staged.message, group)
        group.merge(staged)
        self.world.commit(
            next(one for one in self.world.groups.values() if one.is_active and one is not group)
        )

    @rule(who=anyone, resync=st.booleans())
    def join_externally(self, who: int, resync: bool) -> None:
        name, group = self.member(who)
        self.count += 1
        new = name if resync else f"member{self.count}"
        if not resync and self.size() >= MOST:
            return
        join = Group.join_externally(
            group.group_info(),
            Credential.basic(new.encode()),
            self.world.keys(),
            suite=self.world.suite,
            psks=PSKS,
            remove=group.own_leaf_index if resync else None,
            config=CONFIG,
            random=os.urandom,
        )
        self.world.deliver(join.commit, None, PSKS)
        assert group.is_active is not resync
        self.world.groups[new] = join.group

    @rule(who=anyone, count=st.integers(1, 3))
    def talk(self, who: int, count: int) -> None:
        _, sender = self.member(who)
        sent = []
        for _ in range(count):
            sent.append(sender.encrypt(b"text", random=os.urandom))
            sender.merge(sent[-1])
        for group in self.world.groups.values():
            if group is not sender and group.is_active:
                for message in reversed(sent):
                    with unchanged(group):
                        staged = group.process(message.message, now=NOW)
                    assert isinstance(staged, StagedApplication)
                    group.merge(staged)

    @rule(who=anyone)
    def restart(self, who: int) -> None:
        name, group = self.member(who)
        self.world.groups[name] = Group.restore(whole(group), config=CONFIG)

    @invariant()
    def agreed(self) -> None:
        self.world.agree()


Room.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
TestRoom = Room.TestCase
