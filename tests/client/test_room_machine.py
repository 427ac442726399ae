"""Any order of sending, reading, losing answers, dying and coming back: all see all, once, in one order."""

from __future__ import annotations

import itertools

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from room_world import Log, Person

from sottovoce.client.tables.rooms import SelfUpdate

MOST = 4
PEOPLE = st.integers(0, MOST - 1)


class RoomMachine(RuleBasedStateMachine):
    """An honest server, clients that crash, a link that loses answers."""

    @initialize()
    def begin(self) -> None:
        self.log = Log()
        self.people = [Person("user0", self.log)]
        self.people[0].found()
        self.numbers = itertools.count()
        self.typed: dict[str, list[str]] = {"user0": []}
        self.joined_after: dict[str, int] = {"user0": 0}

    def person(self, which: int) -> Person:
        return self.people[which % len(self.people)]

    @precondition(lambda self: len(self.people) < MOST)
    @rule()
    def somebody_joins(self) -> None:
        name = f"user{len(self.people)}"
        person = Person(name, self.log)
        person.join()
        self.people.append(person)
        self.typed[name] = []
        self.joined_after[name] = len(self.log.entries)

    @rule(which=PEOPLE, count=st.integers(1, 3))
    def type(self, which: int, count: int) -> None:
        person = self.person(which)
        for _ in range(count):
            text = f"line {next(self.numbers)}"
            person.type(text)
            self.typed[person.around.own.certificate.user].append(text)

    @rule(which=PEOPLE, answer_is_lost=st.booleans())
    def send(self, which: int, answer_is_lost: bool) -> None:
        self.person(which).send(answer_is_lost=answer_is_lost)

    @rule(which=PEOPLE)
    def die_while_sending(self, which: int) -> None:
        self.person(which).send(dies_before_sending=True)

    @rule(which=PEOPLE, most=st.integers(1, 5))
    def read(self, which: int, most: int) -> None:
        self.person(which).read(most)

    @rule(which=PEOPLE)
    def restart(self, which: int) -> None:
        self.person(which).restart()

    @rule(which=PEOPLE)
    def commit(self, which: int) -> None:
        person = self.person(which)
        person.read()
        assert person.commit(SelfUpdate())

    @rule(which=PEOPLE)
    def die_after_sending_a_commit(self, which: int) -> None:
        person = self.person(which)
        person.read()
        assert person.commit(SelfUpdate(), dies_before_reading=True)

    @rule(which=PEOPLE)
    def die_with_a_commit_that_loses(self, which: int) -> None:
        person = self.person(which)
        person.commit(SelfUpdate(), dies_before_reading=True)

    @invariant()
    def what_everybody_has_read_is_the_log(self) -> None:
        for person in self.people:
            assert person.gaps() == []
            seqs = [item.seq for item in person.timeline()]
            assert seqs == sorted(seqs)

    def teardown(self) -> None:
        for _ in range(3):  # a batch refused as stale needs the newest epoch first
            for person in self.people:
                person.read()
                person.send()
        for person in self.people:
            person.read()
        everything = self.people[0].messages()
        for name, texts in self.typed.items():
            assert [text for sender, text in everything if sender == name] == texts, "once, and in order"
        for person in self.people:
            seen = person.messages()
            assert seen == everything[len(everything) - len(seen) :], "one order for everybody"
            assert not person.outbox.has_unacknowledged


RoomMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestRoom = RoomMachine.TestCase
