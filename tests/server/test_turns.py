"""Turns: first come first served, each one ends, whoever goes is out of the queue."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sottovoce.server.turns import Turns

holders = st.sampled_from("abcd")
LIFETIME = 10


class Queue(RuleBasedStateMachine):
    """One room; the model is a list whose first has the turn."""

    def __init__(self):
        super().__init__()
        self.turns = Turns(LIFETIME)
        self.now = 0
        self.ends = 0
        self.model = []
        self.granted = []
        self.cancelled = []

    def grant(self, who, left):
        self.granted.append((who, self.now + left))

    def advance_model(self):
        while self.model and self.ends <= self.now:
            self.model.pop(0)
            self.ends = self.now + LIFETIME

    @rule(who=holders)
    def ask(self, who):
        self.advance_model()
        waited = who in self.model[1:]
        if not self.model:
            self.ends = self.now + LIFETIME
            self.model.append(who)
        elif who not in self.model:
            self.model.append(who)
        before = len(self.cancelled)
        self.turns.ask(
            b"room", who, grant=lambda left: self.grant(who, left), cancel=lambda: self.cancelled.append(who),
            now=self.now,
        )  # fmt: skip
        assert len(self.cancelled) - before == waited, "the request that waited is answered"

    @rule(who=holders)
    def give_back(self, who):
        self.turns.give_back(b"room", who, self.now)
        if self.model and self.model[0] == who:
            self.model.pop(0)
            self.ends = self.now + LIFETIME

    @rule(who=holders)
    def release(self, who):
        before = len(self.cancelled)
        self.turns.release(b"room", who, self.now)
        had = bool(self.model) and self.model[0] == who
        given_up = sum(x == who for x in self.model[1:])
        self.model = self.model[:1] + [x for x in self.model[1:] if x != who]
        if had:
            self.model.pop(0)
            self.ends = self.now + LIFETIME
        assert len(self.cancelled) - before == given_up

    @rule(seconds=st.integers(1, 12))
    def wait(self, seconds):
        self.now += seconds
        self.turns.expire(self.now)
        self.advance_model()

    @invariant()
    def the_first_has_it(self):
        for who in "abcd":
            taken = self.turns.taken_for(b"room", who, self.now)
            if not self.model or self.model[0] == who:
                assert taken is None
            else:
                assert 0 < taken <= LIFETIME
        if self.model:
            assert self.granted[-1] == (self.model[0], self.ends), "nobody's turn is made longer by asking"

    def teardown(self):
        for who in "abcd":
            self.turns.release_all(who, self.now)
        assert not self.turns._rooms, "nothing is kept"


Queue.TestCase.settings = settings(max_examples=100, stateful_step_count=40)
TestQueue = Queue.TestCase
