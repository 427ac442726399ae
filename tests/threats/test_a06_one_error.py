"""A6: whatever is done to a ciphertext, one error, no trace, and no answer to who did it."""

from __future__ import annotations

import os
import random
from dataclasses import replace

import pytest
from mls_world import NOW, World, whole
from room_world import talking

from sottovoce.errors import PeerError
from sottovoce.link.parts import Entry, EntryKind
from sottovoce.mls import UndecryptableMessage
from sottovoce.mls.framing import MLSMessage, PrivateMessage

TIMES = 10_000


def damaged(draw: random.Random, body: PrivateMessage) -> PrivateMessage:
    """The message with bits flipped, bytes cut or bytes added, in what is encrypted."""
    name = draw.choice(("ciphertext", "ciphertext", "encrypted_sender_data"))
    octets = bytearray(getattr(body, name))
    match draw.randrange(4):
        case 0 | 1:
            for _ in range(draw.choice((1, 1, 3))):
                octets[draw.randrange(len(octets))] ^= 1 << draw.randrange(8)
        case 2:
            del octets[draw.randrange(len(octets)) :]
        case _:
            octets += draw.randbytes(draw.randrange(1, 40))
    return replace(body, **{name: bytes(octets)})


def test_ten_thousand_damaged_ciphertexts_are_one_error(world: World) -> None:
    alice, bob = world.group_of("alice", "bob")
    message = alice.encrypt(b"the text", random=os.urandom).message
    body = MLSMessage.decode(message).body
    assert isinstance(body, PrivateMessage)
    draw, before = random.Random(6), whole(bob)
    kinds: set[type] = set()
    count = 0
    while count < TIMES:
        spoilt = damaged(draw, body)
        if spoilt == body:
            continue
        count += 1
        with pytest.raises(PeerError) as caught:
            bob.process(MLSMessage(spoilt).encode(), now=NOW)
        kinds.add(type(caught.value))
    assert kinds == {UndecryptableMessage}
    assert whole(bob) == before
    assert bob.process(message, now=NOW).content == b"the text"


def test_the_reader_tells_its_user_and_nobody_else() -> None:
    alice, bob = talking("alice", "bob")
    alice.type("the text")
    alice.send()
    honest, body = bob.log.entries[:-1], MLSMessage.decode(bob.log.entries[-1].payload).body
    assert isinstance(body, PrivateMessage)
    draw, before = random.Random(66), bob.group_fingerprint()
    spoilt = [one for one in (damaged(draw, body) for _ in range(500)) if one != body]
    entries = [
        Entry(seq, EntryKind.MESSAGE, body.epoch, MLSMessage(one).encode(), 0)
        for seq, one in enumerate(spoilt, len(honest) + 1)
    ]
    logged = len(bob.log.entries)
    bob.read(entries=[*honest, *entries])
    assert bob.messages() == []
    assert len(bob.gaps()) == len(spoilt)
    assert {gap.reason.partition(":")[0] for gap in bob.gaps()} == {"It does not decrypt"}
    assert bob.group_fingerprint() == before
    assert len(bob.log.entries) == logged, "nothing was sent"
    assert not bob.outbox.has_unacknowledged
