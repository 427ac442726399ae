"""Whatever members, a server and attackers do: those of one epoch agree, and each message is read once."""

from __future__ import annotations

import os
import random

from attacks import ATTACKS
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from mls_world import NOW, SUITE_1
from simulation import MOST, Person, Room, SeededWorld

from sottovoce.crypto.suites import DEFAULT
from sottovoce.mls import RequiredCapabilities

EXAMPLES = int(os.environ.get("SOTTOVOCE_EXAMPLES", "0"))
"""How many runs; 0: few enough for `make test`, and the same ones each time."""
anyone = st.integers(0, 4 * MOST)


class Simulation(RuleBasedStateMachine):
    """A room of up to 32 members, a careless service, and malice on all sides."""

    room: Room

    @initialize(
        size=st.sampled_from((2, 3, 4, 5, 9, 17, 31)), hybrid=st.integers(0, 7), seed=st.integers(0, 99)
    )
    def begin(self, size: int, hybrid: int, seed: int) -> None:
        # One run in eight is in the hybrid suite, which is slower.
        suite = DEFAULT if hybrid == 7 else SUITE_1
        self.room = Room.of(SeededWorld(suite, draw=random.Random(seed)), size)

    def one(self, number: int) -> Person:
        people = self.room.active()
        return people[number % len(people)]

    def members(self) -> int:
        """How many there are in the newest epoch."""
        newest = max(self.room.active(), key=lambda person: person.group.epoch)
        return len(newest.group.members())

    def beside(self, person: Person) -> list[Person]:
        """The others who are in the same epoch."""
        epoch = person.group.epoch
        return [one for one in self.room.active() if one is not person and one.group.epoch == epoch]

    # -- members -----------------------------------------------------------------------------------

    @precondition(lambda self: self.members() < MOST)
    @rule(who=anyone, count=st.integers(1, 6), path=st.booleans())
    def add(self, who: int, count: int, path: bool) -> None:
        self.room.commit(self.one(who), min(count, MOST - self.members()), force_path=path)

    @precondition(lambda self: self.members() > 2)
    @rule(who=anyone, whom=anyone)
    def remove(self, who: int, whom: int) -> None:
        committer, gone = self.one(who), self.one(whom)
        leaf = self.room.leaf_of(gone, committer)
        if committer is not gone and leaf is not None:
            self.room.commit(committer, remove=[leaf])

    @rule(who=anyone, extensions=st.booleans(), dies=st.booleans())
    def commit(self, who: int, extensions: bool, dies: bool) -> None:
        person = self.one(who)
        required = (RequiredCapabilities((), (), (1,)).extension(),)
        staged = self.room.plan(person, group_context_extensions=required if extensions else None)
        self.room.submit(person, staged)
        if dies:
            person.restart()
        self.room.catch_up(person)

    @rule(first=anyone, others=st.lists(anyone, min_size=1, max_size=3))
    def commit_at_once(self, first: int, others: list[int]) -> None:
        """Several plan on what they know; the service takes the first of them that is of its epoch."""
        people = list(dict.fromkeys(self.one(number) for number in (first, *others)))
        plans = [(person, self.room.plan(person)) for person in people]
        won = [self.room.submit(person, plan) for person, plan in plans]
        assert sum(won) <= 1

    @rule(who=anyone, whom=anyone, what=st.integers(0, 3))
    def propose(self, who: int, whom: int, what: int) -> None:
        person, other = self.one(who), self.one(whom)
        group, draw = person.group, self.room.random
        leaf = self.room.leaf_of(other, person)
        if len(group._pending) >= group._config.max_pending_proposals:
            return
        if what == 0 and self.members() < MOST:
            self.room.propose(person, group.propose_add(self.room.newcomer().message, random=draw, now=NOW))
        elif what == 1 and leaf is not None and self.members() > 3:
            self.room.propose(person, group.propose_remove(leaf, random=draw))
        elif what == 2:
            self.room.propose(person, group.propose_psk(b"join", random=draw))
        else:
            self.room.propose(person, group.propose_update(random=draw))

    @rule(who=anyone, through=anyone)
    def rejoin(self, who: int, through: int) -> None:
        person, other = self.one(who), self.one(through)
        if person is not other:
            self.room.rejoin(person, other)

    @rule(who=anyone, count=st.integers(1, 4))
    def read(self, who: int, count: int) -> None:
        self.room.catch_up(self.one(who), count)

    @rule(who=anyone)
    def restart(self, who: int) -> None:
        self.one(who).restart()

    @rule(who=anyone, count=st.integers(1, 4))
    def branch(self, who: int, count: int) -> None:
        person = self.one(who)
        beside = [one for one in self.beside(person) if self.room.leaf_of(one, person) is not None]
        self.room.branch(person, beside[:count])

    @precondition(lambda self: self.room.epoch > 3)
    @rule(who=anyone, hybrid=st.booleans())
    def reinitialize(self, who: int, hybrid: bool) -> None:
        self.room.drain()
        self.room.reinitialize(self.one(who), DEFAULT if hybrid else SUITE_1)

    # -- application messages ----------------------------------------------------------------------

    @rule(who=anyone, count=st.integers(1, 5), readers=st.lists(anyone, max_size=4))
    def talk(self, who: int, count: int, readers: list[int]) -> None:
        """Some read the texts at once, in another order than they were sent in."""
        for _ in range(count):
            self.room.talk(self.one(who))
        for number in readers:
            self.room.shuffle(self.one(number))
            self.deliver(number, count, again=False)

    @rule(who=anyone, count=st.integers(1, 5), again=st.booleans())
    def deliver(self, who: int, count: int, again: bool) -> None:
        """The first of the queue, some of them twice."""
        person = self.one(who)
        for place in reversed(range(min(count, len(person.queue)))):
            self.room.deliver(person, place, again=again)

    @rule(who=anyone, place=st.integers(0, 40))
    def lose(self, who: int, place: int) -> None:
        person = self.one(who)
        if person.queue:
            del person.queue[place % len(person.queue)]

    # -- malice ------------------------------------------------------------------------------------

    @rule(who=anyone, whom=anyone, number=st.integers(0, len(ATTACKS) - 1))
    def attack(self, who: int, whom: int, number: int) -> None:
        attacker = self.one(who)
        victims = self.beside(attacker)
        if victims:
            self.room.attack(number, attacker, victims[whom % len(victims)])

    @rule(who=anyone)
    def lie(self, who: int) -> None:
        self.room.lie(self.one(who))

    # -- what must hold ----------------------------------------------------------------------------

    @invariant()
    def agreed(self) -> None:
        self.room.check()

    def teardown(self) -> None:
        if hasattr(self, "room"):
            self.room.drain()
            self.room.check()
            assert len({person.group.epoch for person in self.room.active()}) == 1


Simulation.TestCase.settings = settings(
    max_examples=EXAMPLES or 30,
    stateful_step_count=40,
    deadline=None,
    derandomize=not EXAMPLES,
    suppress_health_check=list(HealthCheck),
)
TestSimulation = Simulation.TestCase
