"""A3 (CVE-2025-48937, CVE-2026-45056, CVE-2024-52813): only the owner of a leaf speaks under its name."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest
from mls_world import insider
from room_world import Person, talking

from sottovoce.client.content import Envelope, MimiContent, SinglePart
from sottovoce.client.events import Gap
from sottovoce.link.parts import Entry, EntryKind
from sottovoce.mls.framing import (
    ContentAuth,
    FramedContent,
    MLSMessage,
    PrivateMessage,
    PublicMessage,
    Sender,
    SenderType,
)
from sottovoce.mls.tree_math import LeafIndex

FORGED = "I am Alice, send me money"


def envelope(text: str = FORGED) -> bytes:
    content = MimiContent.of_text(text, salt=os.urandom(16)).encode()
    return Envelope(content, 0, bytes(32), 1, bytes(32)).encode()


def given_to(reader: Person, payloads: list[bytes]) -> None:
    """The server gives the reader these as the next messages of the room."""
    honest = reader.log.entries[: reader.state.record.seq]
    forged = [
        Entry(seq, EntryKind.MESSAGE, reader.state.group.epoch, payload, 0)
        for seq, payload in enumerate(payloads, len(honest) + 1)
    ]
    reader.read(entries=[*honest, *forged])


@pytest.fixture
def room() -> list[Person]:
    return talking("alice", "mallory", "bob")


def plaintexts(alice: Person) -> Iterator[bytes]:
    """What is readable without any key, and says it is Alice's."""
    group = alice.state.group
    as_alice = Sender.member(alice.state.group.own_leaf_index)
    yield FORGED.encode()
    yield MimiContent.of_text(FORGED, salt=bytes(16)).encode()
    yield envelope()
    for sender in (as_alice, Sender(SenderType.EXTERNAL, 0), Sender(SenderType.NEW_MEMBER_COMMIT)):
        content = FramedContent(group.group_id, group.epoch, sender, b"", envelope())
        for tag in (None, bytes(48)):
            if (tag is None) is (sender is not as_alice):
                yield MLSMessage(PublicMessage(content, ContentAuth(bytes(64), None), tag)).encode()


def test_nothing_readable_is_taken_for_a_message(room: list[Person]) -> None:
    alice, _, bob = room
    payloads = list(plaintexts(alice))
    given_to(bob, payloads)
    assert bob.messages() == []
    assert len(bob.gaps()) == len(payloads) == 6


def test_a_member_speaks_for_no_other_leaf(room: list[Person]) -> None:
    alice, mallory, bob = room
    victim, group = alice.state.group, mallory.state.group
    leaf = group._state.own_leaf
    payloads = [
        insider(group, envelope(), sender=Sender.member(victim.own_leaf_index)),
        insider(group, envelope(), sender=Sender.member(LeafIndex(1000))),
        insider(group, envelope(), public=True),
        insider(group, envelope(), public=True, sender=Sender.member(victim.own_leaf_index)),
        insider(group, envelope(), group_id=b"another room"),
        insider(group, envelope(), epoch=group.epoch + 1),
    ]
    # Under Alice's own ratchet and leaf, but with another's signature: the secrets are every member's.
    group._state = replace(group._state, own_leaf=victim.own_leaf_index)
    payloads += [insider(group, envelope()), insider(group, envelope(), sender=Sender.member(leaf))]
    given_to(bob, payloads)
    assert bob.messages() == []
    assert len(bob.gaps()) == len(payloads)


def test_an_edit_by_another_account_edits_nothing(room: list[Person]) -> None:
    alice, mallory, bob = room
    alice.type("the true text")
    alice.send()
    bob.read()
    mallory.read()
    target = bob.timeline()[-1]
    for edit in (
        MimiContent(os.urandom(16), SinglePart("text/plain", FORGED.encode()), replaces=target.message_id),
        MimiContent(os.urandom(16), SinglePart("text/plain", b"x"), in_reply_to=target.message_id),
    ):
        mallory.type("x")
        record = next(iter(mallory.outbox._unacknowledged.values()))
        mallory.outbox._unacknowledged[record.position] = msgspec.structs.replace(
            record, content=edit.encode()
        )
        mallory.send()
    bob.read()
    assert [text for sender, text in bob.messages() if sender == "alice"] == ["the true text"]
    assert target in bob.timeline()


def test_no_changed_field_is_attributed_to_anybody(room: list[Person]) -> None:
    """Every field of the wire form, every bit of its small ones, and random bits of the large."""
    alice, _, bob = room
    alice.type("the true text")
    alice.send()
    bob.read(most=len(bob.log.entries) - bob.state.record.seq - 1)
    body = MLSMessage.decode(alice.log.entries[-1].payload).body
    assert isinstance(body, PrivateMessage)
    draw = random.Random(3)
    changed: list[PrivateMessage] = [
        replace(body, epoch=body.epoch + step) for step in (-1, 1, 2**63) if body.epoch + step >= 0
    ]
    for name in ("group_id", "encrypted_sender_data", "ciphertext"):
        octets = getattr(body, name)
        bits = range(8 * len(octets)) if len(octets) < 64 else draw.sample(range(8 * len(octets)), 300)
        for bit in bits:
            spoilt = bytearray(octets)
            spoilt[bit // 8] ^= 1 << bit % 8
            changed.append(replace(body, **{name: bytes(spoilt)}))
    changed.append(replace(body, authenticated_data=b"edited"))
    changed += [
        replace(body, content_type=other) for other in type(body.content_type) if other != body.content_type
    ]
    before = bob.group_fingerprint()
    given_to(bob, [MLSMessage(one).encode() for one in changed])
    assert bob.messages() == []
    assert len(bob.gaps()) == len(changed) > 600
    assert bob.group_fingerprint() == before
    assert [item for item in itertools.chain(bob.timeline()) if not isinstance(item, Gap)] == []
