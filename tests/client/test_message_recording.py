"""What is recorded of each message: the same on both sides, of the very ciphertext that was stored."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st
from room_world import ROOM_ID, Person, talking

from sottovoce.client.content import Envelope, MimiContent, message_hash
from sottovoce.client.events import ReceivedMessage
from sottovoce.client.message_recording import envelope_of, life_of
from sottovoce.client.tables import lives
from sottovoce.client.tables.lives import LifeRecord, ProtectionRecord
from sottovoce.client.tables.rooms import SelfUpdate
from sottovoce.link.parts import EntryKind
from sottovoce.mls import MLSMessage, PrivateMessage

PROTECTION = ProtectionRecord(2, 3, 4, 5, bytes(12), 0, 64, 10, 28, 272)


def recorded(person: Person) -> list[tuple[ReceivedMessage, LifeRecord | None]]:
    """Every message of a person's timeline and its life."""
    found = []
    for item in person.timeline():
        if isinstance(item, ReceivedMessage):
            row = lives.life(person.database, ROOM_ID, item.message_id)
            assert row is not None
            found.append(row)
    return found


def check_both(alice: Person, bob: Person, *texts: str) -> None:
    """Both have these texts with the same lives, and the lives are of the entries that hold them."""
    hers, his = recorded(alice), recorded(bob)
    assert [message.text for message, _ in hers] == list(texts)
    assert [life for _, life in hers] == [life for _, life in his]
    stored = {entry.seq: entry for entry in alice.log.entries if entry.kind is EntryKind.MESSAGE}
    for message, life in hers:
        assert life is not None
        entry = stored[message.seq]
        private = MLSMessage.decode(entry.payload).body
        assert isinstance(private, PrivateMessage)
        assert life.payload_hash == hashlib.sha256(entry.payload).digest()
        assert life.protection.epoch == private.epoch == entry.epoch
        assert life.protection.ciphertext_length == len(private.ciphertext)
        assert life.protection.sender_data_length == len(private.encrypted_sender_data)
        content = MimiContent.decode(Envelope.decode(envelope_of(life, message.text)).content)
        assert content.text == message.text


def test_sender_and_receiver_record_the_same() -> None:
    alice, bob = talking("alice", "bob")
    for text in ("Hi everyone!", "t", "", "text/plain", "🫖" * 500):
        alice.type(text)
    alice.send()
    alice.read()
    bob.read()
    check_both(alice, bob, "Hi everyone!", "t", "", "text/plain", "🫖" * 500)
    generations = [life.protection.generation for _, life in recorded(bob) if life is not None]
    assert generations == [0, 1, 2, 3, 4]
    message, life = recorded(bob)[-1]
    assert life is not None
    (history,) = [one for (name, _), one in bob.state.senders.items() if name == "alice"]
    assert message_hash(envelope_of(life, message.text)) == history.last_hash


def test_a_sender_that_died_in_between_records_it_too() -> None:
    alice, bob = talking("alice", "bob")
    alice.type("before the end")
    alice.send(answer_is_lost=True)
    alice.restart()
    alice.send()
    alice.read()
    bob.read()
    check_both(alice, bob, "before the end")


def test_of_several_ciphertexts_the_stored_one_is_recorded() -> None:
    alice, bob = talking("alice", "bob")
    alice.type("once")
    assert alice.state.group is not None
    batch = alice.outbox.next_batch()
    (refused,) = alice.outbox.encrypt(batch, alice.state, alice.state.group)
    alice.outbox.discard_ciphertexts(batch)
    bob.commit(SelfUpdate())
    alice.read()
    alice.send()
    alice.read()
    bob.read()
    check_both(alice, bob, "once")
    ((_, life),) = recorded(alice)
    assert refused.protection is not None
    assert life is not None
    assert life.protection.nonce != refused.protection.nonce
    assert life.protection.epoch == refused.protection.epoch + 1


def test_what_an_older_version_had_encrypted_comes_without_a_life() -> None:
    alice, bob = talking("alice", "bob")
    alice.type("from before")
    alice.send()
    alice.database.execute("UPDATE outbox_payloads SET protection = NULL")
    alice.restart()
    alice.read()
    ((message, life),) = recorded(alice)
    assert (message.text, life) == ("from before", None)
    bob.read()
    assert recorded(bob)[0][1] is not None


def test_what_was_passed_unread_has_no_life_since_nobody_knows_which_ciphertext_it_was() -> None:
    alice, _ = talking("alice", "bob")
    alice.type("unseen")
    alice.send()
    (record,) = set(alice.outbox.by_payload.values())
    changes = alice.state.begin()
    alice.reader.show_own(record, 3, alice.timeline()[0].at, changes)
    assert len(changes.items) == 1
    assert changes.lives == []


def test_a_life_is_of_the_entry_that_was_shown_and_goes_with_it() -> None:
    alice, bob = talking("alice", "bob")
    alice.type("the first")
    alice.send()
    bob.read()
    ((message, life),) = recorded(bob)
    assert life is not None
    bob.database.execute("DELETE FROM lives")
    # The same message in another entry is a replay: what that one looked like is not its life.
    lives.add(bob.database, ROOM_ID, message.seq + 1, message.message_id, life)
    assert recorded(bob)[0][1] is None
    lives.add(bob.database, ROOM_ID, message.seq, message.message_id, life)
    assert recorded(bob)[0][1] == life
    bob.database.execute("DELETE FROM timeline WHERE message_id = ?", (message.message_id,))
    assert bob.database.one("SELECT count(*) FROM lives") == (0,)
    assert lives.life(bob.database, ROOM_ID, message.message_id) is None


@given(st.binary(max_size=40), st.text(max_size=20), st.binary(max_size=40))
def test_the_text_is_cut_out_and_put_back(before: bytes, text: str, after: bytes) -> None:
    octets = text.encode("utf-8", "replace")
    envelope = before + octets + after
    life = life_of(PROTECTION, b"payload", envelope, text)
    assert envelope_of(life, text) == envelope
    assert len(life.envelope) == len(envelope) - len(octets)


def test_a_text_that_is_not_what_was_sent_is_left_in() -> None:
    envelope = b"... \xff\xfe ..."
    shown = envelope.decode("utf-8", "replace")[4:6]
    life = life_of(PROTECTION, b"payload", envelope, shown)
    assert (life.text_at, life.envelope) == (None, envelope)
    assert envelope_of(life, shown) == envelope
