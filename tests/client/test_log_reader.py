"""Reading the log: every way it can be wrong is a finding, never silence and never the room's end."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterable

import msgspec
import pytest
from room_world import NOW, ROOM_ID, Person, talking

from sottovoce.client.credentials import AccountKeyChanged, Contacts
from sottovoce.client.events import ForkAlarm, Gap, MemberJoined, MemberLeft, ReceivedMessage
from sottovoce.client.joining import capabilities
from sottovoce.client.log_payload import MemberCommit, encode_commit
from sottovoce.client.log_reader import OutOfStep
from sottovoce.client.policy import POLICY_EXTENSION, Access
from sottovoce.client.tables import rooms as rooms_table
from sottovoce.client.tables.account import ContactRecord
from sottovoce.client.tables.database import Database
from sottovoce.client.tables.rooms import Membership, RemoveUser, SelfUpdate
from sottovoce.client.trust import PinDecision
from sottovoce.link.certificates import DeviceCertificate
from sottovoce.link.parts import Entry, EntryKind, Outgoing
from sottovoce.mls import Extension, Group, Lifetime, StagedProposal, generate_key_package


def _entries(sender: Person, *texts: str) -> list[Entry]:
    for text in texts:
        sender.type(text)
    sender.send()
    return list(sender.log.entries)


def _renumbered(entries: list[Entry]) -> list[Entry]:
    return [msgspec.structs.replace(entry, seq=seq) for seq, entry in enumerate(entries, 1)]


def test_messages_come_out_as_they_went_in() -> None:
    alice, bob = talking("Alice", "Bob")
    _entries(alice, "Hi everyone!", "How are you?")
    assert [item.text for item in bob.read() if isinstance(item, ReceivedMessage)] == [
        "Hi everyone!",
        "How are you?",
    ]
    alice.read()
    assert alice.messages() == bob.messages() == [("Alice", "Hi everyone!"), ("Alice", "How are you?")]
    mine, theirs = alice.timeline()[-1], bob.timeline()[-1]
    assert (mine.is_mine, theirs.is_mine) == (True, False)
    assert mine.message_id == theirs.message_id


def test_a_commit_sent_before_a_death_is_followed_after_it() -> None:
    """Its sender cannot process it, and need not join again: it has kept what the commit does."""
    alice, _, carol = talking("alice", "bob", "carol", access=Access.INVITE)
    secret = alice.state.record.join_secret
    assert alice.commit(RemoveUser("bob"), dies_before_reading=True)
    _entries(carol, "said before it was known")
    assert [item.user for item in alice.read() if isinstance(item, MemberLeft)] == ["bob"]
    carol.read()
    assert alice.state.intents == []
    assert rooms_table.intents(alice.database, ROOM_ID) == []
    assert rooms_table.commits_in_flight(alice.database, ROOM_ID) == []
    assert alice.state.record.join_secret == carol.state.record.join_secret != secret
    assert alice.state.group is not None
    assert carol.state.group is not None
    assert alice.state.group.epoch_authenticator == carol.state.group.epoch_authenticator
    alice.restart()
    _entries(alice, "still here")
    carol.read()
    assert carol.messages()[-1] == ("alice", "still here")


def test_a_commit_that_lost_is_forgotten() -> None:
    alice, bob = talking("alice", "bob")
    alice.read()
    bob.read()
    assert alice.commit(SelfUpdate())
    assert not bob.commit(SelfUpdate(), dies_before_reading=True)
    (kept,) = rooms_table.commits_in_flight(bob.database, ROOM_ID)
    secret = next(data for data in kept.group.values() if data is not None).reveal()
    assert repr(secret)[2:20] not in repr(kept)
    bob.read()
    assert rooms_table.commits_in_flight(bob.database, ROOM_ID) == []
    assert len(bob.state.intents) == 1, "it is planned again"
    alice.read()
    assert bob.commit(SelfUpdate())


@pytest.mark.parametrize("position", [0, 20, -1])
def test_an_altered_entry_is_one_gap(position: int) -> None:
    alice, bob = talking("alice", "bob")
    entries = _entries(alice, "one", "two", "three")
    altered = bytearray(entries[-2].payload)
    altered[position] ^= 1
    entries[-2] = msgspec.structs.replace(entries[-2], payload=bytes(altered))
    bob.read(entries=entries)
    assert [text for _, text in bob.messages()] == ["one", "three"]
    assert [(gap.seq, gap.count) for gap in bob.gaps()] == [(entries[-2].seq, 1)]


def test_an_altered_entry_changes_no_key() -> None:
    alice, bob = talking("alice", "bob")
    entries = _entries(alice, "one")
    entries[-1] = msgspec.structs.replace(entries[-1], payload=entries[-1].payload[:-1])
    before = bob.group_fingerprint()
    bob.read(entries=entries)
    assert bob.group_fingerprint() == before


def test_dropped_entries_are_counted() -> None:
    alice, bob = talking("alice", "bob")
    entries = _entries(alice, "one", "two", "three", "four")
    del entries[-3:-1]
    bob.read(entries=_renumbered(entries))
    assert [text for _, text in bob.messages()] == ["one", "four"]
    assert [gap.count for gap in bob.gaps()] == [2]
    assert bob.state.record.seq == len(entries)


def test_a_first_message_that_was_dropped_is_missed_too() -> None:
    alice, bob = talking("alice", "bob")
    alice.read()
    entries = _entries(bob, "one", "two")  # bob came after alice, so she knows that he begins with his first
    del entries[-2]
    alice.read(entries=_renumbered(entries))
    assert [gap.count for gap in alice.gaps()] == [1]


def test_a_replayed_entry_is_shown_once() -> None:
    alice, bob = talking("alice", "bob")
    entries = _entries(alice, "one")
    bob.read(entries=_renumbered([*entries, entries[-1]]))
    assert [text for _, text in bob.messages()] == ["one"]
    assert len(bob.gaps()) == 1


def test_two_histories_show_at_the_next_message() -> None:
    alice, bob = talking("alice", "bob")
    alice.type("seen by alice alone")
    alice.send()
    entries = list(alice.log.entries)
    alice.read()
    alice.type("after it")
    alice.send()
    # Bob is given another entry in the first one's place.
    entries[-1] = msgspec.structs.replace(entries[-1], payload=b"\x00" * 300)
    found = bob.read(entries=[*entries, alice.log.entries[-1]])
    forks = [item for item in found if isinstance(item, ForkAlarm)]
    assert [fork.sender for fork in forks] == ["alice"]


def test_a_sender_who_has_read_further_than_the_log_goes_is_an_alarm() -> None:
    alice, bob = talking("alice", "bob")
    _entries(bob, "one", "two")
    alice.read()
    entries = _entries(alice, "three")
    del entries[-3:-1]
    found = bob.read(entries=_renumbered(entries))
    assert any(isinstance(item, ForkAlarm) for item in found)


def test_members_come_and_go() -> None:
    alice, bob = talking("alice", "bob")
    assert [item.user for item in alice.timeline() if isinstance(item, MemberJoined)] == ["bob"]
    carol = Person("carol", alice.log)
    carol.join()
    assert [item.user for item in bob.read() if isinstance(item, MemberJoined)] == ["carol"]
    alice.read()
    assert bob.commit(SelfUpdate())
    assert alice.read() == []
    assert alice.state.group.epoch_authenticator == bob.state.group.epoch_authenticator


def test_what_an_open_room_forbids_is_refused_by_its_own_maker() -> None:
    alice, _bob = talking("alice", "bob")
    with pytest.raises(Exception, match="P5"):
        alice.commit(RemoveUser("bob"))


def _without_rules(person: Person) -> Group:
    """The person's group, held to no policy: an insider runs what program it likes."""
    group = person.state.group
    assert group is not None
    group._config = dataclasses.replace(group._config, check_proposal=None, check_commit=None)
    return group


def _store(sender: Person, message: bytes) -> None:
    group = sender.state.group
    assert group is not None
    assert sender.log.append([Outgoing(os.urandom(16), group.epoch, message)])


def _own_room(*users: str) -> list[Person]:
    """A room with an owner, the first of ``users``."""
    return talking(*users, access=Access.KEY)


def _proposals(mallory: Person, victim: Person) -> dict[str, Callable[[], StagedProposal]]:
    group = _without_rules(mallory)
    key = mallory.around.own.certificate.account_key
    policy = dataclasses.replace(mallory.state.policy, owner=key)
    extensions = tuple(
        Extension(POLICY_EXTENSION, policy.encode()) if e.extension_type == POLICY_EXTENSION else e
        for e in group.extensions
    )
    other = Person("ghost", mallory.log).around.own
    lifetime = Lifetime(NOW - 60, NOW + 86400)
    package = generate_key_package(
        group.suite,
        other.credential,
        other.key_pair,
        lifetime=lifetime,
        capabilities=capabilities(),
        random=os.urandom,
    )
    victims_leaf = victim.state.group.own_leaf_index
    return {
        "policy": lambda: group.propose_group_context_extensions(extensions, random=os.urandom),
        "add": lambda: group.propose_add(package.key_package, random=os.urandom, now=NOW),
        "remove": lambda: group.propose_remove(victims_leaf, random=os.urandom),
        "update": lambda: group.propose_update(random=os.urandom),
    }


@pytest.mark.parametrize("what", ["policy", "add", "remove", "update"])
def test_what_a_member_may_not_commit_it_may_not_propose(what: str) -> None:
    """A commit refers to everybody's proposals, on its own authority: the insider waits for the owner's."""
    alice, bob, mallory = _own_room("alice", "bob", "mallory")
    before = alice.state.policy
    proposed = _proposals(mallory, bob)[what]()
    mallory.state.group.merge(proposed)
    _store(mallory, proposed.message)
    for person in (alice, bob):
        (gap,) = person.read()
        assert isinstance(gap, Gap)
        assert "(P11)" in gap.reason
    assert alice.commit(SelfUpdate())
    bob.read()
    assert alice.state.policy == bob.state.policy == before
    assert len(alice.state.group.members()) == len(bob.state.group.members()) == 3


def test_who_refers_to_a_forbidden_proposal_is_not_followed() -> None:
    alice, bob, mallory = _own_room("alice", "bob", "mallory")
    proposed = _proposals(mallory, bob)["remove"]()
    group = mallory.state.group
    group.merge(proposed)
    _store(mallory, proposed.message)
    alice.read()
    bob.read()
    mallory.commit(SelfUpdate())
    for person in (alice, bob):
        person.read()
        assert person.state.record.passed_over == len(person.log.entries)
        assert len(person.state.group.members()) == 3


def test_a_key_that_late_joiners_cannot_have_is_not_followed() -> None:
    """A resumption PSK of an epoch before dave came: alice and bob could follow, and dave could not."""
    alice, bob, mallory = talking("alice", "bob", "mallory")
    before = mallory.state.group.resumption_psk()
    dave = Person("dave", alice.log)
    dave.join()
    for person in (alice, bob, mallory):
        person.read()
    group = _without_rules(mallory)
    staged = group.commit(resumption_psks=[before], random=os.urandom, now=NOW)
    alice.log.store_commit(group.epoch, encode_commit(MemberCommit(staged.message)))
    for person in (alice, bob, dave):
        person.read()
        assert person.state.record.passed_over == len(alice.log.entries)


def test_another_change_of_the_context_is_not_followed() -> None:
    alice, _bob, mallory = _own_room("alice", "bob", "mallory")
    group = _without_rules(mallory)
    only_policy = tuple(e for e in group.extensions if e.extension_type == POLICY_EXTENSION)
    staged = group.commit(group_context_extensions=only_policy, random=os.urandom, now=NOW)
    mallory.log.store_commit(group.epoch, encode_commit(MemberCommit(staged.message)))
    (gap,) = alice.read()
    assert "P12" in gap.reason
    assert alice.state.record.passed_over == len(alice.log.entries)


@pytest.mark.parametrize("restarted", [False, True])
def test_who_leaves_is_taken_out_by_whoever_commits_next(restarted: bool) -> None:
    alice, bob, carol = _own_room("alice", "bob", "carol")
    group = bob.state.group
    proposed = group.propose_remove(group.own_leaf_index, random=os.urandom)
    group.merge(proposed)
    _store(bob, proposed.message)
    alice.read()
    carol.read()
    if restarted:
        alice.restart()
        carol.restart()
    assert carol.commit(SelfUpdate())
    assert [type(item) for item in alice.read()] == [MemberLeft]
    assert len(alice.state.group.members()) == 2
    assert alice.state.record.leavers == ()


def _passed_over() -> tuple[Person, Person, list[Entry], Entry]:
    """Alice, who made a commit; Bob, who was given another in its place; what he read; the one she made."""
    alice, bob = talking("alice", "bob")
    alice.type("before")
    alice.send()
    alice.read()
    assert alice.commit(SelfUpdate())
    entries = list(alice.log.entries)
    right = msgspec.structs.replace(entries[-1], seq=len(entries) + 1)
    payload = entries[-1].payload
    entries[-1] = msgspec.structs.replace(entries[-1], payload=payload[:-1] + bytes([payload[-1] ^ 1]))
    bob.read(entries=entries)
    return alice, bob, entries, right


def test_a_commit_that_cannot_be_followed_is_passed_over_until_one_takes_its_place() -> None:
    alice, bob, entries, right = _passed_over()
    assert (bob.state.record.seq, bob.state.record.passed_over) == (len(entries), len(entries))
    assert bob.state.group.epoch == alice.state.group.epoch - 1
    assert [text for _, text in bob.messages()] == ["before"]
    bob.restart()
    bob.read(entries=[*entries, right])
    assert bob.state.group.epoch_authenticator == alice.state.group.epoch_authenticator
    assert bob.state.record.passed_over is None
    assert len(bob.gaps()) == 1


def test_what_is_of_a_later_epoch_is_noted_and_another_commit_makes_up_for_it() -> None:
    alice, bob, entries, right = _passed_over()
    epoch = alice.state.group.epoch
    later = [
        Entry(len(entries) + 1, EntryKind.MESSAGE, epoch, b"garbage", 0),
        Entry(len(entries) + 2, EntryKind.COMMIT, epoch, b"garbage", 0),
    ]
    for one in later:
        bob.state.update(has_later=False)
        bob.read(entries=[*entries, *later[: one.seq - len(entries)]])
        assert bob.state.record.has_later
        assert bob.state.record.passed_over == len(entries)
    bob.read(entries=[*entries, *later, msgspec.structs.replace(right, seq=len(entries) + 3)])
    assert bob.state.group.epoch == epoch
    assert not bob.state.record.has_later


def test_a_commit_of_an_epoch_that_is_over_is_passed_over_and_said() -> None:
    alice, bob = talking("alice", "bob")
    assert alice.commit(SelfUpdate())
    bob.read()
    epoch = bob.state.group.epoch
    alice.log.store_commit(epoch - 1, b"another")
    (gap,) = bob.read()
    assert "in the place" in gap.reason
    assert bob.reader.was_superseded
    assert bob.state.group.epoch == epoch
    assert bob.state.record.passed_over is None


def test_a_commit_of_an_epoch_to_come_cannot_be_followed() -> None:
    alice, bob = talking("alice", "bob")
    alice.log.store_commit(bob.state.group.epoch + 1, b"early")
    with pytest.raises(OutOfStep, match="missing"):
        bob.read()


def test_kinds_are_not_taken_for_each_other() -> None:
    alice, bob = talking("alice", "bob")
    entries = _entries(alice, "one")
    as_commit = msgspec.structs.replace(
        entries[-1], kind=EntryKind.COMMIT, payload=b"\x01" + entries[-1].payload
    )
    as_commit = msgspec.structs.replace(as_commit, epoch=bob.state.group.epoch)
    bob.read(entries=[*entries[:-1], as_commit])
    assert bob.state.record.passed_over == as_commit.seq
    assert bob.messages() == []
    assert alice.read()
    assert alice.commit(SelfUpdate())
    entries = list(alice.log.entries)
    as_message = msgspec.structs.replace(entries[-1], kind=EntryKind.MESSAGE, payload=entries[-1].payload[1:])
    assert any(isinstance(item, Gap) for item in bob.read(entries=[*entries[:-1], as_message]))


def test_another_key_under_a_known_name_is_not_let_in() -> None:
    alice, bob = talking("alice", "bob")
    other = Person("carol", alice.log)
    other.join()
    alice.read()
    assert "carol" in alice.around.contacts.by_name
    impostor = Person("bob", alice.log)
    object.__setattr__(impostor.around, "contacts", _Careless("nobody in particular", bytes(32)))
    impostor.restart()
    impostor.join()
    with pytest.raises(AccountKeyChanged) as caught:
        alice.read()
    assert caught.value.user == "bob"
    assert alice.state.record.seq == len(alice.log.entries) - 1
    assert bob.state.record.membership is Membership.MEMBER


class _Careless(Contacts):
    """Somebody who minds no contradiction."""

    def decide(self, certificate: DeviceCertificate) -> PinDecision:
        return PinDecision.SAME

    def first_contacts(self, certificates: Iterable[DeviceCertificate]) -> list[ContactRecord]:
        return []


def test_what_this_leaf_sent_and_this_store_does_not_know_puts_it_out_of_step() -> None:
    """Threats B4."""
    alice, bob = talking("alice", "bob")
    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    alice.database._connection.backup(copy)
    _entries(alice, "one")
    alice.database = Database(copy)
    alice.restart()
    with pytest.raises(OutOfStep, match="older"):
        alice.read()
    assert bob.read()


def test_a_message_of_ours_that_comes_again_does_not_put_us_out_of_step() -> None:
    """The server gives it twice, or an insider names our leaf and a key we have used."""
    alice, bob = talking("alice", "bob")
    entries = _entries(alice, "one")
    alice.read(entries=_renumbered([*entries, entries[-1]]))
    assert [text for _, text in alice.messages()] == ["one"]
    (gap,) = alice.gaps()
    assert "this device's name" in gap.reason
    assert alice.state.record.membership is Membership.MEMBER
    bob.read()


def test_a_feigned_commit_of_ours_is_not_taken_for_an_old_store() -> None:
    alice, bob = talking("alice", "bob")
    assert alice.commit(SelfUpdate())
    bob.read()
    mine = next(e for e in reversed(alice.log.entries) if e.kind is EntryKind.COMMIT)
    alice.log.store_commit(alice.state.group.epoch, mine.payload)
    alice.read()
    assert alice.state.record.membership is Membership.MEMBER
    assert alice.state.record.passed_over == len(alice.log.entries)


@pytest.mark.parametrize("days_late", [0, 25])
def test_a_commit_is_followed_however_late_it_is_read(days_late: int) -> None:
    """The key package in it was valid when it was made, and is not any more."""
    alice, bob, carol = _own_room("alice", "bob", "carol")
    del carol
    alice.log.clock = NOW
    group = _without_rules(alice)
    adding = _proposals(alice, bob)["add"]()
    group.merge(adding)
    staged = group.commit(random=os.urandom, now=NOW)
    bob.state.group._config = (
        group._config
    )  # a room with a key lets nobody be added: that rule is not meant here
    bob.state.group.merge(bob.state.group.process(adding.message, now=NOW))
    alice.log.store_commit(group.epoch, encode_commit(MemberCommit(staged.message)))
    bob.now = NOW + days_late * 86400
    bob.read()
    assert bob.state.group.epoch == group.epoch + 1


def test_a_restart_in_the_middle_reads_on_where_it_was() -> None:
    alice, bob = talking("alice", "bob")
    _entries(alice, *(f"line {number}" for number in range(10)))
    for _ in range(10):
        bob.read(most=1)
        bob.restart()
    assert [text for _, text in bob.messages()] == [f"line {number}" for number in range(10)]
    assert bob.gaps() == []


def test_hashes_of_payloads_tell_own_entries() -> None:
    alice, _ = talking("alice", "bob")
    entries = _entries(alice, "one")
    assert set(alice.outbox.by_payload) == {hashlib.sha256(entries[-1].payload).digest()}
    alice.read()
    assert alice.outbox.by_payload == {}
