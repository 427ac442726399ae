"""The delivery service's promises, over the wire."""

from __future__ import annotations

import asyncio
import hashlib
import os

import pytest
from server_fixtures import PATIENCE

from sottovoce.link import messages as m
from sottovoce.link.parts import EntryKind, ErrorCode
from sottovoce.server import room_transactions as transactions


def message(payload: bytes = b"x", epoch: int = 0, message_id: bytes | None = None) -> m.Outgoing:
    return m.Outgoing(message_id or os.urandom(16), epoch, payload)


async def refusal(client, *request, **fields):
    reply = await asyncio.wait_for(client.begin(*request, **fields), 10)
    assert isinstance(reply, m.ErrorReply), reply
    return reply


@pytest.fixture
async def alice(server):
    return await server.device("alice")


@pytest.fixture
async def room(alice):
    room_id = os.urandom(16)
    await alice[1].ask(m.RoomCreate, room_id, b"sealed 0")
    return room_id


async def join(client, identity, room, epoch, **fields):
    return await client.ask(
        m.Commit, room, os.urandom(16), epoch, b"join", b"sealed", added=[identity.device], **fields
    )


async def test_a_retry_is_answered_with_the_earlier_seq_and_stored_once(server, alice, room):
    _identity, client = alice
    first = message(b"one")
    assert (await client.ask(m.Append, room, [first])).seqs == [1]
    assert (await client.ask(m.Append, room, [first, message(b"two"), first])).seqs == [1, 2, 1]
    for epoch in range(5):
        await client.ask(m.Commit, room, os.urandom(16), epoch, b"c", b"g")
    assert (await client.ask(m.Append, room, [first])).seqs == [1], "also when its epoch has passed"
    assert len((await client.ask(m.Fetch, room, 0)).entries) == 7


async def test_a_batch_is_stored_whole_or_not_at_all(alice, room):
    _, client = alice
    reply = await refusal(client, m.Append, room, [message(b"good"), message(b"bad", epoch=7)])
    assert (reply.code, reply.epoch) == (ErrorCode.STALE_EPOCH, 0)
    assert (await client.ask(m.Fetch, room, 0)).entries == []


async def test_messages_of_three_past_epochs_are_accepted_but_none_from_before_an_addition(
    server, alice, room
):
    _identity, client = alice
    for epoch in range(4):
        await client.ask(m.Commit, room, os.urandom(16), epoch, b"c", b"g")
    for epoch in (1, 2, 3, 4):
        await client.ask(m.Append, room, [message(epoch=epoch)])
    assert (await refusal(client, m.Append, room, [message(epoch=0)])).code == ErrorCode.STALE_EPOCH
    bob, b = await server.device("bob")
    await join(b, bob, room, 4)
    reply = await refusal(client, m.Append, room, [message(epoch=4)])
    assert (reply.code, reply.epoch) == (ErrorCode.STALE_EPOCH, 5)
    await client.ask(m.Append, room, [message(epoch=5)])


async def test_one_commit_wins_an_epoch_and_the_loser_is_told_the_new_one(server, alice, room):
    _identity, client = alice
    bob, b = await server.device("bob")
    await join(b, bob, room, 0)
    racing = [
        client.begin(m.Commit, room, os.urandom(16), 1, b"a", b"g"),
        b.begin(m.Commit, room, os.urandom(16), 1, b"b", b"g"),
    ]
    replies = await asyncio.wait_for(asyncio.gather(*racing), 10)
    kinds = sorted(type(reply).__name__ for reply in replies)
    assert kinds == ["CommitReply", "ErrorReply"]
    lost = next(reply for reply in replies if isinstance(reply, m.ErrorReply))
    assert (lost.code, lost.epoch) == (ErrorCode.STALE_EPOCH, 2)


async def test_a_commit_that_is_resent_is_answered_the_same(alice, room):
    _, client = alice
    message_id = os.urandom(16)
    first = await client.ask(m.Commit, room, message_id, 0, b"c", b"g")
    again = await client.ask(m.Commit, room, message_id, 0, b"c", b"g")
    assert (first.seq, first.head_hash) == (again.seq, again.head_hash)
    assert (await client.ask(m.RoomState, room)).epoch == 1


async def test_the_chain_is_what_the_protocol_says(alice, room):
    _, client = alice
    await client.ask(m.Append, room, [message(b"one"), message(b"two")])
    reply = await client.ask(m.Commit, room, os.urandom(16), 0, b"three", b"g")
    expected = bytes(32)
    for kind, payload in ((b"\x02", b"one"), (b"\x02", b"two"), (b"\x01", b"three")):
        expected = hashlib.sha256(expected + kind + hashlib.sha256(payload).digest()).digest()
    assert reply.head_hash == expected
    assert (await client.ask(m.RoomState, room)).head_hash == expected


async def test_strangers_may_only_join(server, alice, room):
    identity, _ = alice
    bob, b = await server.device("bob")
    carol, _ = await server.device("carol")
    for request in (
        (m.Append, room, [message()]),
        (m.Fetch, room, 0),
        (m.Subscribe, room),
        (m.Commit, room, os.urandom(16), 0, b"c", b"g"),
    ):
        assert (await refusal(b, *request)).code == ErrorCode.NOT_A_MEMBER
    for added, removed in (
        ([bob.device, carol.device], []),
        ([carol.device], []),
        ([bob.device], [identity.device]),
    ):
        reply = await refusal(b, m.Commit, room, os.urandom(16), 0, b"c", b"g", added=added, removed=removed)
        assert reply.code == ErrorCode.NOT_A_MEMBER
    await join(b, bob, room, 0)
    await b.ask(m.Append, room, [message(epoch=1)])


async def test_a_device_comes_back_by_removing_and_adding_itself(server, alice, room):
    identity, client = alice
    reply = await join(client, identity, room, 0, removed=[identity.device])
    assert reply.seq == 1
    await client.ask(m.Append, room, [message(epoch=1)])


async def test_a_removed_device_reads_up_to_its_removal_and_no_further(server, alice, room):
    _identity, client = alice
    bob, b = await server.device("bob")
    await join(b, bob, room, 0)
    await b.ask(m.Subscribe, room)
    await client.ask(m.Commit, room, os.urandom(16), 1, b"out", b"g", removed=[bob.device])
    await client.ask(m.Append, room, [message(b"secret", epoch=2)])
    assert [e.payload for e in await b.entries(1)] == [b"out"]
    assert [e.payload for e in (await b.ask(m.Fetch, room, 0)).entries] == [b"join", b"out"]
    assert b.pushes.empty()
    assert (await refusal(b, m.Append, room, [message(epoch=2)])).code == ErrorCode.NOT_A_MEMBER


async def test_a_welcome_waits_in_the_inbox_and_is_announced(server, alice, room):
    _identity, client = alice
    bob, b = await server.device("bob")
    reply = await client.ask(
        m.Commit, room, os.urandom(16), 0, b"add", b"g",
        added=[bob.device], welcomes=[m.WelcomeFor(bob.device, b"welcome")],
    )  # fmt: skip
    await b.pushed(m.InboxPush)
    (item,) = (await b.ask(m.InboxFetch)).items
    assert (item.room_id, item.seq, item.head_hash, item.payload) == (room, 1, reply.head_hash, b"welcome")
    await client.ask(m.InboxDelete, [item.item_id])
    assert len((await b.ask(m.InboxFetch)).items) == 1, "only its owner deletes it"
    await b.ask(m.InboxDelete, [item.item_id])
    assert (await b.ask(m.InboxFetch)).items == []


async def test_a_welcome_for_someone_not_added_is_refused(server, alice, room):
    _, client = alice
    bob, _ = await server.device("bob")
    reply = await refusal(
        client, m.Commit, room, os.urandom(16), 0, b"c", b"g", welcomes=[m.WelcomeFor(bob.device, b"w")]
    )
    assert reply.code == ErrorCode.MALFORMED
    assert (await client.ask(m.RoomState, room)).epoch == 0, "nothing of it was stored"


async def test_a_commit_about_an_unknown_device_is_refused(alice, room):
    _, client = alice
    nobody = m.Device("nobody", os.urandom(16))
    reply = await refusal(client, m.Commit, room, os.urandom(16), 0, b"c", b"g", added=[nobody])
    assert reply.code == ErrorCode.NOT_FOUND


async def test_nobody_fills_what_is_kept_for_another_device_without_end(server, alice, room, monkeypatch):
    _, client = alice
    bob, b = await server.device("bob")
    welcome = [m.WelcomeFor(bob.device, bytes(60))]
    monkeypatch.setattr(transactions, "MAX_INBOX_BYTES", 100)
    await client.ask(m.Commit, room, os.urandom(16), 0, b"c", b"g", added=[bob.device], welcomes=welcome)
    other = os.urandom(16)
    await client.ask(m.RoomCreate, other, b"g")
    add = (m.Commit, other, os.urandom(16), 0, b"c", b"g")
    assert (await refusal(client, *add, added=[bob.device], welcomes=welcome)).code == ErrorCode.TOO_LARGE
    (item,) = (await b.ask(m.InboxFetch)).items
    await b.ask(m.InboxDelete, [item.item_id])
    monkeypatch.setattr(transactions, "MAX_ROOMS", 1)
    assert (await refusal(client, *add, added=[bob.device], welcomes=welcome)).code == ErrorCode.TOO_LARGE
    await b.ask(m.Leave, room)
    await client.ask(*add, added=[bob.device], welcomes=welcome)
    assert (await refusal(client, m.RoomCreate, os.urandom(16), b"g")).code == ErrorCode.TOO_LARGE


async def test_turns_come_in_order_and_keep_others_from_committing(server, alice, room):
    _identity, client = alice
    bob, b = await server.device("bob")
    await join(b, bob, room, 0)
    first = await client.ask(m.Turn, room, False)
    assert (first.epoch, first.group_info, first.expires_in) == (1, None, 10_000)
    second = b.begin(m.Turn, room, True)
    reply = await refusal(b, m.Commit, room, os.urandom(16), 1, b"c", b"g")
    assert reply.code == ErrorCode.TURN_TAKEN
    assert 0 < reply.retry_after <= 10
    assert not second.done()
    await client.ask(m.Commit, room, os.urandom(16), 1, b"c", b"sealed 2")
    granted = await asyncio.wait_for(second, 10)
    assert (granted.epoch, granted.group_info) == (2, b"sealed 2")


async def in_the_queue(client, room):
    """The reply to come, once the server has the request: two connections are read in any order."""
    reply = client.begin(m.Turn, room, True)
    await client.ask(m.Ping)
    return reply


async def test_a_turn_is_passed_on_when_its_holder_disconnects_or_gives_it_back(server, alice, room):
    _identity, client = alice
    _bob, b = await server.device("bob")
    _carol, c = await server.device("carol")
    await client.ask(m.Turn, room, False)
    second, third = await in_the_queue(b, room), await in_the_queue(c, room)
    await client.close()
    await asyncio.wait_for(second, 10)
    await b.ask(m.TurnRelease, room)
    await asyncio.wait_for(third, 10)


async def test_a_turn_expires(serve):
    turn_seconds = 0.2
    server = await serve(turn_seconds=turn_seconds)
    _alice, a = await server.device("alice")
    _bob, b = await server.device("bob")
    room = os.urandom(16)
    await a.ask(m.RoomCreate, room, b"g")
    before = asyncio.get_running_loop().time()
    await a.ask(m.Turn, room, False)
    assert isinstance(await b.ask(m.Turn, room, False), m.TurnReply)
    assert asyncio.get_running_loop().time() - before > turn_seconds / 2, "it was held"


async def test_giving_up_a_place_in_the_queue_answers_the_request_that_waits(server, alice, room):
    _bob, b = await server.device("bob")
    await alice[1].ask(m.Turn, room, False)
    waiting = b.begin(m.Turn, room, False)
    await b.ask(m.TurnRelease, room)
    assert (await asyncio.wait_for(waiting, 10)).code == ErrorCode.NOT_ALLOWED


async def test_who_holds_the_turn_cannot_keep_it_by_asking(server, alice, room):
    _bob, b = await server.device("bob")
    first = await alice[1].ask(m.Turn, room, False)
    waiting = b.begin(m.Turn, room, False)
    again = await alice[1].ask(m.Turn, room, False)
    assert again.expires_in < first.expires_in
    instead = b.begin(m.Turn, room, False)
    assert (await asyncio.wait_for(waiting, 10)).code == ErrorCode.NOT_ALLOWED, "one place a connection"
    await alice[1].ask(m.TurnRelease, room)
    assert isinstance(await asyncio.wait_for(instead, 10), m.TurnReply)


async def test_unknown_rooms_are_said_to_be_unknown(alice):
    _, client = alice
    room = os.urandom(16)
    for request in (
        (m.RoomState, room),
        (m.Turn, room, True),
        (m.Append, room, [message()]),
        (m.Commit, room, os.urandom(16), 0, b"c", b"g"),
        (m.Fetch, room, 0),
        (m.Subscribe, room),
        (m.Leave, room),
    ):
        assert (await refusal(client, *request)).code == ErrorCode.UNKNOWN_ROOM
    await client.ask(m.RoomCreate, room, b"g")
    assert isinstance(await client.ask(m.Turn, room, True), m.TurnReply), "the refused turn was not kept"


async def test_a_room_is_founded_once_and_its_founder_may_repeat_it(server, alice, room):
    _, client = alice
    _, b = await server.device("bob")
    await client.ask(m.RoomCreate, room, b"sealed 0")
    assert (await refusal(b, m.RoomCreate, room, b"sealed 0")).code == ErrorCode.ROOM_EXISTS
    assert (await refusal(client, m.RoomCreate, room, b"other")).code == ErrorCode.ROOM_EXISTS


async def test_the_lobby_is_open_to_every_account(server, alice):
    _identity, client = alice
    (lobby,) = (await client.ask(m.RoomList)).rooms
    assert (lobby.open_name, lobby.is_member, lobby.epoch, lobby.head) == ("lobby", False, None, 0)
    assert len(lobby.open_join_secret) == 32
    assert (await client.ask(m.RoomState, lobby.room_id)).epoch is None
    assert (await client.ask(m.Turn, lobby.room_id, True)).group_info is None
    await client.ask(m.RoomCreate, lobby.room_id, b"g")
    (lobby,) = (await client.ask(m.RoomList)).rooms
    assert (lobby.is_member, lobby.epoch) == (True, 0)


async def test_leaving_ends_pushes_and_membership(server, alice, room):
    _identity, client = alice
    bob, b = await server.device("bob")
    await join(b, bob, room, 0)
    await b.ask(m.Subscribe, room)
    await b.ask(m.Leave, room)
    await b.ask(m.Leave, room)
    await client.ask(m.Append, room, [message(epoch=1)])
    await b.ask(m.Ping)
    assert b.pushes.empty()
    assert (await b.ask(m.RoomList)).rooms[0].is_member is False


async def test_members_are_asked_for_a_commit_when_the_group_info_is_damaged(server, alice, room):
    _, client = alice
    _, b = await server.device("bob")
    await client.ask(m.Subscribe, room)
    await b.ask(m.GroupInfoDamaged, room, 3)
    await b.ask(m.GroupInfoDamaged, room, 0)
    await b.ask(m.GroupInfoDamaged, room, 0)
    assert (await client.pushed(m.GroupInfoWanted)).room_id == room
    await client.ask(m.Ping)
    assert client.pushes.empty(), "not for another epoch, and once in a while only"


async def test_a_long_log_comes_in_pieces_and_large_batches_in_several_pushes(alice, room):
    _, client = alice
    await client.ask(m.Subscribe, room)
    large = [message(os.urandom(200_000)) for _ in range(4)]
    await client.ask(m.Append, room, large)
    assert [e.payload for e in await client.entries(4)] == [x.payload for x in large]
    reply = await client.ask(m.Fetch, room, 0)
    assert [e.seq for e in reply.entries] == [1, 2]
    assert reply.head == 4
    assert [e.seq for e in (await client.ask(m.Fetch, room, 1, 1)).entries] == [2]
    assert (await client.ask(m.Fetch, room, 99)).entries == []


async def test_everyone_sees_one_order(server, alice, room):
    _, client = alice
    clients = [client]
    for number in range(4):
        member, c = await server.device(f"member{number}")
        await join(c, member, room, number)
        clients.append(c)
    for c in clients:
        await c.ask(m.Subscribe, room)
    replies = [
        c.begin(m.Append, room, [message(b"%d %d" % (who, number), epoch=4)])
        for number in range(20)
        for who, c in enumerate(clients)
    ]
    await asyncio.wait_for(asyncio.gather(*replies), 20)
    logs = [await c.entries(100) for c in clients]
    assert [e.seq for e in logs[0]] == list(range(5, 105))
    assert all(log == logs[0] for log in logs)
    for who in range(5):
        own = [e.payload for e in logs[0] if e.payload.startswith(b"%d " % who)]
        assert own == [b"%d %d" % (who, number) for number in range(20)], "each sender's own order is kept"


def test_entry_kinds_hash_differently():
    assert EntryKind.COMMIT.octet != EntryKind.MESSAGE.octet


async def test_sixty_who_join_at_once_all_join_without_one_retry(server, alice, room):
    joiners = [await server.device(f"joiner{number}") for number in range(60)]

    turns = [await in_the_queue(client, room) for _, client in joiners]

    async def join_by_turn(turn, identity, client):
        reply = await join(client, identity, room, (await asyncio.wait_for(turn, PATIENCE)).epoch)
        await client.ask(m.Subscribe, room)
        return reply.seq

    seqs = await asyncio.gather(
        *(join_by_turn(turn, *joiner) for turn, joiner in zip(turns, joiners, strict=True))
    )
    assert sorted(seqs) == list(range(1, 61))
    assert seqs == sorted(seqs), "first come, first served"
    await alice[1].ask(m.Append, room, [message(b"welcome", epoch=60)])
    for _, client in joiners:
        while (await client.entries(1))[-1].payload != b"welcome":
            pass


async def supersede(client, room, epoch, seq, message_id=None, **fields):
    """A superseding commit, or the refusal of it."""
    reply = await client.begin(
        m.Commit,
        room,
        message_id or os.urandom(16),
        epoch,
        b"instead",
        b"sealed instead",
        supersedes=seq,
        **fields,
    )
    return reply.code if isinstance(reply, m.ErrorReply) else reply


async def test_a_strangers_commits_are_taken_back_however_many(server, alice, room):
    identity, client = alice
    bob, b = await server.device("bob")
    await client.ask(m.Append, room, [message(b"early")])
    for epoch in range(4):
        await join(b, bob, room, epoch, removed=[bob.device] if epoch else [])
    await b.ask(m.Subscribe, room)
    await b.ask(m.Append, room, [message(b"garbage", epoch=4)])
    assert (await refusal(client, m.Append, room, [message(epoch=0)])).code == ErrorCode.STALE_EPOCH
    message_id = os.urandom(16)
    reply = await supersede(client, room, 0, 2, message_id)
    assert reply.seq == 7
    assert await supersede(client, room, 0, 2, message_id) is not None
    state = await client.ask(m.RoomState, room)
    assert (state.epoch, state.head, state.group_info) == (1, 7, b"sealed instead")
    assert state.head_hash == reply.head_hash
    await client.ask(m.Append, room, [message(b"floor", epoch=0)])  # no addition stands any more
    for request in ((m.Append, room, [message(epoch=1)]), (m.Fetch, room, 0), (m.Subscribe, room)):
        assert (await refusal(b, *request)).code == ErrorCode.NOT_A_MEMBER
    payloads = [e.payload for e in (await client.ask(m.Fetch, room, 0)).entries]
    assert payloads == [b"early", *[b"join"] * 4, b"garbage", b"instead", b"floor"], "nothing is deleted"
    await join(b, bob, room, 1)
    assert identity.device != bob.device


async def test_a_retry_of_a_superseding_commit_is_answered_the_same(server, alice, room):
    _, client = alice
    bob, b = await server.device("bob")
    await join(b, bob, room, 0)
    message_id = os.urandom(16)
    first = await supersede(client, room, 0, 1, message_id)
    await client.ask(m.Commit, room, os.urandom(16), 1, b"next", b"g")
    assert (await supersede(client, room, 0, 1, message_id)).seq == first.seq
    assert (await client.ask(m.RoomState, room)).epoch == 2


async def test_who_may_supersede(server, alice, room):
    identity, client = alice
    bob, b = await server.device("bob")
    _carol, c = await server.device("carol")
    await join(b, bob, room, 0)
    assert await supersede(b, room, 0, 1) == ErrorCode.NOT_ALLOWED, "its own joining"
    assert await supersede(c, room, 0, 1) == ErrorCode.NOT_A_MEMBER
    assert await supersede(client, room, 1, 1) == ErrorCode.NOT_ALLOWED, "another epoch"
    assert await supersede(client, room, 0, 2) == ErrorCode.NOT_ALLOWED, "no such commit"
    await client.ask(m.Commit, room, os.urandom(16), 1, b"out", b"g", removed=[bob.device])
    assert await supersede(b, room, 1, 2) == ErrorCode.NOT_A_MEMBER, "its own removal"
    assert await supersede(client, room, 0, 1) == ErrorCode.NOT_ALLOWED, "alice went on from it"
    assert await supersede(client, room, 1, 2) not in list(ErrorCode), "her own, that nobody went on from"
    assert [x.payload for x in (await b.ask(m.Fetch, room, 0)).entries][:1] == [b"join"]
    assert identity.device != bob.device


async def test_superseding_needs_the_turn_and_is_rare(server, alice, room):
    _, client = alice
    bob, b = await server.device("bob")
    await join(b, bob, room, 0)
    await b.ask(m.Turn, room, False)
    assert await supersede(client, room, 0, 1) == ErrorCode.TURN_TAKEN
    await b.ask(m.TurnRelease, room)
    for seq in range(1, 4):
        assert (await supersede(client, room, 0, seq)).seq == seq + 1
    assert await supersede(client, room, 0, 4) == ErrorCode.RATE_LIMITED


async def test_a_welcome_of_a_superseded_commit_is_gone_and_the_removed_are_back(server, alice, room):
    _, client = alice
    bob, b = await server.device("bob")
    carol, c = await server.device("carol")
    dave, d = await server.device("dave")
    await join(b, bob, room, 0)
    await join(c, carol, room, 1)
    await b.ask(
        m.Commit, room, os.urandom(16), 2, b"garbage", b"g", added=[dave.device], removed=[carol.device],
        welcomes=[m.WelcomeFor(dave.device, b"welcome")],
    )  # fmt: skip
    assert len((await d.ask(m.InboxFetch)).items) == 1
    await supersede(client, room, 2, 3)
    assert (await d.ask(m.InboxFetch)).items == []
    await c.ask(m.Append, room, [message(epoch=3)])
    assert (await refusal(d, m.Fetch, room, 0)).code == ErrorCode.NOT_A_MEMBER


async def test_who_left_stays_out_and_who_came_back_confirms_nothing(server, alice, room):
    _, client = alice
    bob, b = await server.device("bob")
    carol, c = await server.device("carol")
    await join(b, bob, room, 0)
    await join(c, carol, room, 1)
    await c.ask(m.Leave, room)
    await join(c, carol, room, 2)
    await c.ask(m.Commit, room, os.urandom(16), 3, b"c", b"g")
    await c.ask(m.Leave, room)
    assert (await supersede(client, room, 0, 1)).seq == 5
    assert (await client.ask(m.RoomState, room)).epoch == 1
    assert (await refusal(c, m.Append, room, [message(epoch=1)])).code == ErrorCode.NOT_A_MEMBER
