"""Following the log of a server that lies about where it goes, what is in it, and what was stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from room_world import Person, talking

from sottovoce.client.content import MimiContent
from sottovoce.client.errors import LinkLost, RequestRefused
from sottovoce.client.kept_room import KeptRoom
from sottovoce.client.log_following import MAX_PUSHED_LENGTH, LogFollower
from sottovoce.client.log_reader import LogReader, OutOfStep
from sottovoce.client.sending import Sending
from sottovoce.client.tables.rooms import Membership
from sottovoce.errors import InternalError
from sottovoce.link.messages import Append, AppendReply, Fetch, FetchReply, Subscribe, SubscribeReply
from sottovoce.link.parts import Entry, EntryKind, ErrorCode


class Store:
    """A person's tables, without a thread of their own."""

    def __init__(self, person: Person) -> None:
        self.database = person.database

    async def transact(self, work: Callable[[Any], Any]) -> Any:
        return work(self.database)


@dataclass
class Link:
    """Answers as it was told to, and says when it was given up."""

    answers: dict[type, Callable[[Any], Any]]
    ended: list[str] = field(default_factory=list)

    async def request(self, build: Callable[[int], Any], reply: type, **_: object) -> Any:
        request = build(0)
        return self.answers[type(request)](request)

    def broken(self, reason: str) -> LinkLost:
        self.ended.append(reason)
        return LinkLost(reason)


async def _kept(person: Person) -> KeptRoom:
    kept = KeptRoom(person.state.record, person.around, Store(person), lambda: None)
    await kept.load()
    return kept


def _fetching(entries: list[Entry]) -> Link:
    """Fetch as an honest server answers it, from these entries."""

    def fetch(request: Fetch) -> FetchReply:
        return FetchReply(0, [e for e in entries if e.seq > request.after][: request.limit], 0, 1)

    return Link({Fetch: fetch})


def _written(sender: Person, *texts: str) -> list[Entry]:
    for text in texts:
        sender.type(text)
    sender.send()
    return list(sender.log.entries)


async def test_a_head_that_is_not_there_is_believed_once() -> None:
    """Else a server restored from a backup would have its clients join again without end."""
    _, bob = talking("alice", "bob")
    kept = await _kept(bob)
    follower = LogFollower(kept)
    follower.expect(2**62)
    with pytest.raises(OutOfStep, match="no longer has"):
        await follower.read(_fetching(bob.log.entries))
    follower.begin_anew()
    assert not follower.has_unread


@pytest.mark.parametrize("offset", [-1, 1, 1000])
async def test_entries_of_another_place_are_not_read(offset: int) -> None:
    alice, bob = talking("alice", "bob")
    entries = _written(alice, "one")
    kept = await _kept(bob)
    follower = LogFollower(kept)
    follower.expect(len(entries))
    moved = msgspec.structs.replace(entries[-1], seq=entries[-1].seq + offset)
    with pytest.raises(OutOfStep):
        await follower.read(Link({Fetch: lambda _: FetchReply(0, [moved], moved.seq, 1)}))
    assert kept.record.seq == len(entries) - 1


async def test_who_was_taken_off_the_roster_reads_to_the_end_of_a_log_that_repeats_itself() -> None:
    alice, bob = talking("alice", "bob")
    entries = _written(alice, "one")
    kept = await _kept(bob)

    def refuse(_: Subscribe) -> SubscribeReply:
        raise RequestRefused(ErrorCode.NOT_A_MEMBER, "")

    link = Link({Subscribe: refuse, Fetch: lambda _: FetchReply(0, entries[-1:], len(entries), 1)})
    assert not await LogFollower(kept).subscribe(link)
    assert kept.record.membership is Membership.REMOVED
    assert kept.record.seq == len(entries)


async def test_pushes_are_held_in_bounds_and_fetched_past_them() -> None:
    alice, bob = talking("alice", "bob")
    entries = _written(alice, "one")
    kept = await _kept(bob)
    follower = LogFollower(kept)
    for number in range(3):
        large = Entry(len(entries) + number, EntryKind.MESSAGE, 1, bytes(MAX_PUSHED_LENGTH // 2), 0)
        follower.push([large])
    assert sum(len(entry.payload) for entry in follower._pushed) <= MAX_PUSHED_LENGTH
    with pytest.raises(OutOfStep):  # there is nothing behind those pushes
        await follower.read(_fetching(entries))
    bob.restart()
    assert bob.messages() == [("alice", "one")]


async def test_what_fails_in_the_middle_of_a_batch_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob = talking("alice", "bob")
    entries = _written(alice, "one", "two", "three")
    kept = await _kept(bob)
    follower = LogFollower(kept)
    follower.expect(len(entries))
    original = LogReader.read

    def fail(self: LogReader, entry: Entry, *rest: Any) -> None:
        if entry.seq == len(entries):
            raise InternalError("a bug")
        original(self, entry, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(LogReader, "read", fail)
        with pytest.raises(InternalError):
            await follower.read(_fetching(entries))
    await follower.read(_fetching(entries))
    bob.restart()
    assert [text for _, text in bob.messages()] == ["one", "two", "three"]
    assert bob.gaps() == []


async def test_messages_whose_answer_was_lost_are_told_the_place_of_their_own_entries() -> None:
    (alice,) = talking("alice")
    kept = await _kept(alice)
    follower = LogFollower(kept)
    sending = Sending(kept, follower)
    contents = [MimiContent.of_text(text, salt=bytes(16)).encode() for text in ("one", "two")]
    deliveries = [await sending.add(content) for content in contents]

    def append(request: Append) -> AppendReply:
        alice.log.append(request.messages)
        raise LinkLost("the answer is lost")

    with pytest.raises(LinkLost):
        await sending.send_batch(Link({Append: append}))
    head = len(alice.log.entries)
    follower.expect(head)
    await follower.read(_fetching(alice.log.entries))
    assert [delivery.result() for delivery in deliveries] == [head - 1, head]


@pytest.mark.parametrize("seqs", [[], [5], [5, 6, 7]])
async def test_an_answer_to_other_messages_than_were_sent_ends_the_link(seqs: list[int]) -> None:
    _, bob = talking("alice", "bob")
    bob.type("one")
    bob.type("two")
    kept = await _kept(bob)
    link = Link({Append: lambda _: AppendReply(0, seqs)})
    with pytest.raises(LinkLost):
        await Sending(kept, LogFollower(kept)).send_batch(link)
    assert link.ended
    assert kept.outbox.has_unacknowledged
