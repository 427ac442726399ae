"""A room in which nothing goes as it should: slow readers, a careless delivery service, stores that are lost.

The service keeps the handshakes in one order, the first commit of an epoch wins, and each member reads them
when it likes. Application messages lie in a queue of each reader until they are delivered, in any order,
twice perhaps, or dropped. Each member has a disk: what it holds is all that is left after a restart.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import pytest
from attacks import ATTACKS, PSKS, Why, lies_to_a_joiner
from mls_world import CONFIG, NOW, World, applied, unchanged, whole

from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.suites import CipherSuite
from sottovoce.errors import PeerError
from sottovoce.mls import (
    Credential,
    Group,
    GroupReinitialized,
    KeyConsumed,
    KeyPackageBundle,
    LeafIndex,
    Lifetime,
    MissingPreSharedKey,
    ReInit,
    StagedApplication,
    StagedCommit,
    StagedProposal,
    UncommittedProposals,
    ValidationError,
    WrongEpoch,
    generate_key_package,
)
from sottovoce.mls.records import Changes
from sottovoce.mls.staged import Staged

MOST = 32
SIMULATED = replace(CONFIG, past_epochs=2, accept_reinit=True)


@dataclass
class SeededWorld(World):
    """A world whose keys follow from one seed, so that a failing run can be run again."""

    draw: random.Random = field(default_factory=lambda: random.Random(9420))

    def keys(self) -> KeyPair:
        return self.suite.signature_key_pair(self.draw.randbytes(self.suite.signature_seed_length))

    def bundle(self, name: str, **_: object) -> KeyPackageBundle:
        return generate_key_package(
            self.suite,
            Credential.basic(name.encode()),
            self.keys(),
            lifetime=Lifetime(NOW - 10, NOW + 10),
            random=self.draw.randbytes,
        )


@dataclass(frozen=True)
class Letter:
    """An application message on its way to one reader."""

    number: int
    epoch: int
    sender: LeafIndex
    message: bytes
    text: bytes


@dataclass(frozen=True)
class Handshake:
    """A proposal or a commit as the service ordered it."""

    epoch: int
    message: bytes
    is_commit: bool


@dataclass(eq=False)
class Person:
    """A member: its group in memory, its disk, and how far it has read."""

    name: str
    group: Group
    position: int
    disk: dict[bytes, bytes] = field(default_factory=dict)
    queue: list[Letter] = field(default_factory=list)
    read: set[int] = field(default_factory=set)
    own: dict[int, StagedCommit | Changes | None] = field(default_factory=dict)
    """What is its own in the log, by place: a commit to be merged, after a restart what was stored beside it,
    None for a proposal."""
    joined_at: int = field(init=False)

    def __post_init__(self) -> None:
        self.joined_at = self.group.epoch

    def save(self) -> None:
        self.disk = applied(self.disk, self.group.take_changes())
        assert self.disk == whole(self.group), "the changes lead to the whole"

    def merge(self, staged: Staged) -> None:
        self.group.merge(staged)
        self.save()

    def restart(self) -> None:
        """Begin again from the disk, with what was stored beside the commits under way and nothing else."""
        self.group = Group.restore(self.disk, config=SIMULATED)
        assert whole(self.group) == self.disk
        for at, own in self.own.items():
            if isinstance(own, StagedCommit):
                self.own[at] = own.stored()

    def take_own(self, at: int) -> None:
        """Make one's own commit so, which the service has accepted."""
        own = self.own.pop(at)
        if isinstance(own, StagedCommit):
            self.merge(own)
        elif own is not None:
            self.disk = applied(self.disk, own)
            self.group = Group.restore(self.disk, config=SIMULATED)
            self.save()


@dataclass
class Room:
    """The service, the members, and what each of them is owed."""

    world: SeededWorld
    people: dict[str, Person] = field(default_factory=dict)
    log: list[Handshake] = field(default_factory=list)
    epoch: int = 0
    sent: int = 0
    count: int = 0
    received: int = 0
    refused: int = 0
    waiting: dict[str, KeyPackageBundle] = field(default_factory=dict)
    old_group_info: tuple[int, bytes] | None = None
    """An epoch that is over, and the GroupInfo that the server kept of it."""

    @classmethod
    def of(cls, world: SeededWorld, size: int) -> Room:
        world.config = SIMULATED
        room = cls(world)
        founder = Person("member0", world.create("member0"), 0)
        founder.save()
        room.people[founder.name] = founder
        room.commit(founder, add=size - 1)
        return room

    def random(self, length: int) -> bytes:
        return self.world.draw.randbytes(length)

    def active(self) -> list[Person]:
        return [person for person in self.people.values() if person.group.is_active]

    def current(self) -> list[Person]:
        """Those who have read every handshake."""
        return [person for person in self.active() if person.position == len(self.log)]

    # -- handshakes --------------------------------------------------------------------------------

    def accepts(self, epoch: int) -> bool:
        """Whether the service takes a handshake of that epoch: the first commit of an epoch ends it."""
        return epoch == self.epoch

    def plan(self, person: Person, add: int = 0, **arguments: object) -> StagedCommit:
        """Stage a commit, its key used up before it is sent."""
        staged = person.group.commit(
            add=[self.newcomer().message for _ in range(add)],
            random=self.random,
            now=NOW,
            **{"psks": PSKS, **arguments},  # type: ignore[arg-type]
        )
        assert staged.send_step is not None
        person.merge(staged.send_step)
        return staged

    def newcomer(self) -> KeyPackageBundle:
        """Make keys for somebody who will join with them once a commit adds them."""
        self.count += 1
        name = f"member{self.count}"
        self.waiting[name] = self.world.bundle(name)
        return self.waiting[name]

    def submit(self, person: Person, staged: StagedCommit) -> bool:
        """Send a commit; returns whether it won, which its sender learns from the log."""
        if not self.accepts(staged.epoch - 1):
            return False
        if person.group.epoch > 0:
            self.old_group_info = person.group.epoch, person.group.group_info()
        self._append(Handshake(staged.epoch - 1, staged.message, True))
        person.own[len(self.log) - 1] = staged
        for member in staged.added:
            self._join(member.credential.identity.decode(), staged.welcome or b"")
        return True

    def commit(self, person: Person, add: int = 0, **arguments: object) -> bool:
        won = self.submit(person, self.plan(person, add, **arguments))
        if won:
            self.catch_up(person)
        return won

    def _join(self, name: str, welcome: bytes) -> None:
        group = Group.join(welcome, self.waiting.pop(name), psks=PSKS, config=SIMULATED)
        self.people[name] = person = Person(name, group, len(self.log))
        person.save()

    def _append(self, handshake: Handshake) -> None:
        self.log.append(handshake)
        self.epoch += handshake.is_commit

    def propose(self, person: Person, staged: StagedProposal) -> None:
        """Send a proposal: merged first, as every own message is; a late one goes nowhere."""
        person.merge(staged)
        if self.accepts(staged.epoch):
            self._append(Handshake(staged.epoch, staged.message, False))
            person.own[len(self.log) - 1] = None

    def rejoin(self, person: Person, through: Person) -> bool:
        """Come back by external commit in the place of the own old leaf; all that was under way is lost."""
        join = Group.join_externally(
            through.group.group_info(),
            Credential.basic(person.name.encode()),
            self.world.keys(),
            suite=self.world.suite,
            psks=PSKS,
            remove=self.leaf_of(person, through),
            config=SIMULATED,
            random=self.random,
        )
        if not self.accepts(join.epoch - 1):
            return False
        self._append(Handshake(join.epoch - 1, join.commit, True))
        self.people[person.name] = back = Person(person.name, join.group, len(self.log), read=person.read)
        back.save()
        return True

    def leaf_of(self, person: Person, seen_by: Person) -> LeafIndex | None:
        """Where ``person`` is in the tree as another sees it."""
        members = seen_by.group.members()
        found = (one.leaf_index for one in members if one.credential.identity == person.name.encode())
        return next(found, None)

    def catch_up(self, person: Person, most: int | None = None) -> None:
        """Read handshakes, all that are left or ``most`` of them."""
        end = len(self.log) if most is None else min(len(self.log), person.position + most)
        while person.position < end and person.group.is_active:
            self._read(person, person.position)
            person.position += 1
        self.expire(person)

    def _read(self, person: Person, at: int) -> None:
        entry, group = self.log[at], person.group
        if at in person.own:
            person.take_own(at)
            return
        with unchanged(group):
            staged = group.process(entry.message, psks=PSKS, now=NOW)
        assert isinstance(staged, StagedCommit) is entry.is_commit
        person.merge(staged)

    # -- groups that follow this one ---------------------------------------------------------------

    def branch(self, person: Person, others: list[Person]) -> None:
        """Begin a subgroup with members of one epoch; it leaves no trace in the room."""
        bundles = {other: self.world.bundle(other.name) for other in others}
        with unchanged(person.group, *(other.group for other in others)):
            started = person.group.branch(
                b"side room", [one.message for one in bundles.values()], random=self.random, now=NOW
            )
            joined = self._follow(started.welcome or b"", bundles)
        assert {one.epoch_authenticator for one in joined} <= {started.group.epoch_authenticator}

    def reinitialize(self, person: Person, suite: CipherSuite) -> None:
        """Let everybody read all there is, then close the group and go on in another suite."""
        self.drain()
        group_id = b"room after %d" % len(self.log)
        self.commit(person, reinit=ReInit.to(suite, group_id, ()), include_pending=False, psks={})
        self.drain()
        with pytest.raises(GroupReinitialized):
            person.group.encrypt(b"text", random=self.random)
        self.world.suite = suite
        bundles = {other: self.world.bundle(other.name) for other in self.active() if other is not person}
        started = person.group.reinitialize(
            [one.message for one in bundles.values()], random=self.random, now=NOW
        )
        groups = [started.group, *self._follow(started.welcome or b"", bundles)]
        self.people = {
            one.name: Person(one.name, group, 0, read=one.read)
            for one, group in zip([person, *bundles], groups, strict=True)
        }
        for one in self.people.values():
            one.save()
        self.log, self.epoch, self.old_group_info = [], started.group.epoch, None

    def _follow(self, welcome: bytes, bundles: dict[Person, KeyPackageBundle]) -> list[Group]:
        """Join by a Welcome that asks for a predecessor, and cannot be joined without."""
        groups = []
        for person, bundle in bundles.items():
            join = partial(Group.join, welcome, bundle, psks=PSKS, config=SIMULATED)
            self._refuse(join, (MissingPreSharedKey,))
            groups.append(join(predecessor=person.group))
        return groups

    # -- application messages ----------------------------------------------------------------------

    def talk(self, person: Person) -> None:
        """Send a text to everyone who is a member in the sender's epoch."""
        if person.group.must_commit_first:
            with pytest.raises(UncommittedProposals):
                person.group.encrypt(b"too early", random=self.random)
            return
        self.sent += 1
        text = b"text %d" % self.sent
        staged = person.group.encrypt(text, random=self.random)
        person.merge(staged)
        epoch = person.group.epoch
        letter = Letter(self.sent, epoch, person.group.own_leaf_index, staged.message, text)
        names = {member.credential.identity.decode() for member in person.group.members()}
        for name in names - {person.name}:
            reader = self.people[name]
            if self.is_owed(reader, epoch):
                reader.queue.append(letter)

    def is_owed(self, reader: Person, epoch: int) -> bool:
        """Whether a reader can still open what is sent in an epoch, now or later."""
        oldest = max(reader.joined_at, reader.group.epoch - SIMULATED.past_epochs)
        return reader.group.is_active and epoch >= oldest

    def expire(self, person: Person) -> None:
        """Drop what a reader came too late for."""
        person.queue = [one for one in person.queue if self.is_owed(person, one.epoch)]

    def deliver(self, person: Person, at: int, *, again: bool = False) -> None:
        """Give a reader one of the letters in its queue; with ``again`` the service keeps a copy."""
        letter, group = person.queue[at], person.group
        # What is owed is of a kept epoch or of one to come, and a key opens one message once.
        why = WrongEpoch if letter.epoch > group.epoch else KeyConsumed
        if letter.epoch > group.epoch or letter.number in person.read:
            with unchanged(group):
                self._refuse(lambda: group.process(letter.message, now=NOW), (why,))
            if why is KeyConsumed:
                del person.queue[at]
            return
        with unchanged(group):
            staged = group.process(letter.message, now=NOW)
        assert isinstance(staged, StagedApplication)
        assert (staged.content, staged.sender, staged.epoch) == (letter.text, letter.sender, letter.epoch)
        person.merge(staged)
        person.read.add(letter.number)
        self.received += 1
        if again:
            # At once, and later too: the copy stays.
            self._refuse(lambda: group.process(letter.message, now=NOW), (KeyConsumed,))
        else:
            del person.queue[at]

    def shuffle(self, person: Person) -> None:
        """Bring what lies in a queue into another order."""
        self.world.draw.shuffle(person.queue)

    def drain(self) -> None:
        """Deliver all that is left: every letter that was not dropped can be read, once."""
        for person in self.active():
            while person.group.is_active:
                self.shuffle(person)
                for letter in [one for one in person.queue if one.epoch <= person.group.epoch]:
                    self.deliver(person, person.queue.index(letter), again=letter.number % 4 == 0)
                    assert letter.number in person.read
                person.queue = [one for one in person.queue if one.number not in person.read]
                if person.position == len(self.log):
                    break
                self.catch_up(person, 1)
            assert not (person.group.is_active and person.queue)

    # -- what must hold ----------------------------------------------------------------------------

    def check(self) -> None:
        """Check that those of one epoch agree in everything they can compare."""
        seen: dict[int, tuple[object, ...]] = {}
        for person in self.active():
            group = person.group
            view = (
                group.epoch_authenticator,
                group.members(),
                group.extensions,
                group.confirmed_transcript_hash,
                group.export("check", b"context", 32).reveal(),
                group.ratchet_tree(),
            )
            assert seen.setdefault(group.epoch, view) == view
            assert group.epoch <= self.epoch
            assert person.disk == whole(group)

    # -- malice ------------------------------------------------------------------------------------

    def attack(self, number: int, attacker: Person, victim: Person) -> None:
        """Carry an attack out on a member of the attacker's epoch, who refuses it all and does not change."""
        for message, why in ATTACKS[number](self, attacker, victim):
            with unchanged(victim.group):
                self._refuse(lambda message=message: victim.group.process(message, psks=PSKS, now=NOW), why)
        # What an attacker used up of its own keys it has used up.
        attacker.save()

    def lie(self, attacker: Person) -> None:
        """Lie to somebody who wants in, who does not come in by it."""
        for attempt, why in lies_to_a_joiner(self, attacker):
            self._refuse(attempt, why)

    def _refuse(self, attempt: Callable[[], object], why: tuple[Why, ...]) -> None:
        with pytest.raises(PeerError) as caught:
            attempt()
        error = caught.value
        assert (error.rule if isinstance(error, ValidationError) else type(error)) in why, error
        self.refused += 1
