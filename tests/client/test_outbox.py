"""The outbox: the oldest first, in batches, the very same ciphertext again when its fate is unknown."""

from __future__ import annotations

import asyncio

import pytest
from room_world import talking

from sottovoce.client.content import Envelope
from sottovoce.client.errors import LinkLost
from sottovoce.client.outbox import MAX_BATCH, MAX_BATCH_LENGTH, Delivery, Outbox
from sottovoce.client.tables import outbox as outbox_table
from sottovoce.client.tables.outbox import OutboxRecord, payload_hash
from sottovoce.errors import InternalError


def _record(position: int, content: bytes = b"content") -> OutboxRecord:
    return OutboxRecord(position, position.to_bytes(16, "big"), content)


def test_batches_are_bounded_in_number_and_in_bytes() -> None:
    outbox = Outbox([_record(number) for number in range(3 * MAX_BATCH)])
    assert [record.position for record in outbox.next_batch()] == list(range(MAX_BATCH))
    large = Outbox([_record(number, bytes(100_000)) for number in range(10)])
    assert len(large.next_batch()) == MAX_BATCH_LENGTH // (2 * 100_000 + 2048)
    alone = Outbox([_record(0, bytes(MAX_BATCH_LENGTH))])
    assert len(alone.next_batch()) == 1, "one that is large by itself still goes"
    assert Outbox([]).next_batch() == []


def test_a_ciphertext_of_unknown_fate_is_sent_again_as_it_is() -> None:
    alice, _ = talking("alice", "bob")
    alice.type("one")
    alice.send(answer_is_lost=True)
    first = alice.outbox.requests(alice.outbox.next_batch())
    alice.restart()
    assert alice.outbox.requests(alice.outbox.next_batch()) == first
    alice.send()
    assert len([entry for entry in alice.log.entries if entry.kind == "message"]) == 1
    assert not alice.outbox.has_unacknowledged


def test_a_stale_one_is_encrypted_anew_with_the_very_same_envelope() -> None:
    alice, bob = talking("alice", "bob")
    alice.type("one")
    batch = alice.outbox.next_batch()
    alice.outbox.encrypt(batch, alice.state, alice.state.group)
    (before,) = alice.outbox.next_batch()
    alice.outbox.discard_ciphertexts(alice.outbox.next_batch())
    alice.outbox.encrypt(alice.outbox.next_batch(), alice.state, alice.state.group)
    (after,) = alice.outbox.next_batch()
    assert after.message_id == before.message_id
    assert after.envelope == before.envelope
    assert after.ciphertext != before.ciphertext
    assert set(alice.outbox.by_payload) == {payload_hash(before.ciphertext), payload_hash(after.ciphertext)}
    alice.send()
    bob.read()
    assert bob.messages() == [("alice", "one")]
    alice.read()
    assert alice.outbox.by_payload == {}


def test_an_id_is_made_at_the_first_sending_and_kept() -> None:
    """It begins with the time; and what may be stored already must not be stored again under another one."""
    alice, _ = talking("alice", "bob")
    alice.type("one")
    assert alice.outbox.next_batch()[0].message_id == b"", "when it was written is nobody's business"
    alice.send(answer_is_lost=True)
    sent = alice.outbox.next_batch()[0].message_id
    assert len(sent) == 16
    alice.restart()
    alice.outbox.discard_all_ciphertexts()
    alice.outbox.encrypt(alice.outbox.next_batch(), alice.state, alice.state.group)
    assert alice.outbox.next_batch()[0].message_id == sent


def test_a_new_leaf_numbers_from_one() -> None:
    alice, _ = talking("alice", "bob")
    alice.type("one")
    alice.outbox.encrypt(alice.outbox.next_batch(), alice.state, alice.state.group)
    alice.outbox.discard_all_ciphertexts()
    (record,) = alice.outbox.next_batch()
    assert record.envelope is record.ciphertext is None
    alice.state.update(counter=0, previous_hash=bytes(32))
    alice.outbox.encrypt([record], alice.state, alice.state.group)
    (record,) = alice.outbox.next_batch()
    assert Envelope.decode(record.envelope).counter == 1


def test_what_was_not_encrypted_is_never_sent() -> None:
    outbox = Outbox([_record(1)])
    with pytest.raises(InternalError):
        outbox.requests(outbox.next_batch())


async def test_deliveries_are_done_when_the_server_has_stored_them() -> None:
    outbox = Outbox([])
    await outbox.acknowledged()
    deliveries = [Delivery(outbox.add(_record(number))) for number in range(2)]
    waiting = asyncio.create_task(outbox.acknowledged())
    await asyncio.sleep(0)  # it begins to wait
    outbox.acknowledge(outbox.next_batch()[:1], [7])
    assert await deliveries[0].stored() == 7
    assert [delivery.is_stored for delivery in deliveries] == [True, False]
    await asyncio.sleep(0)
    assert not waiting.done()
    outbox.read_back(1, 9)  # the log showed it before the answer came
    outbox.read_back(1, 9)
    assert await deliveries[1].stored() == 9
    await waiting


async def test_who_waits_for_a_delivery_is_told_that_the_session_ended() -> None:
    outbox = Outbox([])
    delivery = Delivery(outbox.add(_record(1)))
    waiting = asyncio.create_task(delivery.stored())
    await asyncio.sleep(0)
    outbox.fail_all(LinkLost("closed by this side"))
    with pytest.raises(LinkLost):
        await waiting
    assert not delivery.is_stored
    assert outbox.has_unacknowledged


async def test_who_waits_goes_on_waiting_when_the_store_is_read_again() -> None:
    outbox = Outbox([])
    delivery = Delivery(outbox.add(_record(1)))
    outbox.restore([_record(1)], {})
    outbox.acknowledge(outbox.next_batch(), [3])
    assert await delivery.stored() == 3


def test_the_table_keeps_the_order() -> None:
    alice, _ = talking("alice", "bob")
    for number in range(5):
        alice.type(str(number))
    stored = outbox_table.waiting(alice.database, alice.state.record.room_id)
    assert [record.position for record in stored] == sorted(record.position for record in stored)
    outbox_table.delete(alice.database, [stored[0].position])
    assert outbox_table.waiting(alice.database, alice.state.record.room_id) == stored[1:]
