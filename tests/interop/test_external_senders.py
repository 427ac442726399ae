"""Who is in no group proposes to those that list it: each side to groups of the other.

ts-mls writes and reads the list otherwise than RFC 9420 §12.1.8.1 (one sender to an extension, and no
length), so no group has both a list and members of both sides; what is sent is the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from conversation import GROUP_ID, Conversation
from member import SUITES, Member, Proposed, Side
from node_process import NodeProcess
from ts_mls_member import described

from sottovoce.crypto.suites import cipher_suite
from sottovoce.mls import (
    Credential,
    ExtensionType,
    ExternalSender,
    ExternalSenders,
    LeafIndex,
    Remove,
    propose_externally,
)
from sottovoce.mls.presentation import decode

Meet = Callable[[str, Side, int], Member]


@pytest.fixture(params=SUITES)
def suite(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> int:
    record_property("matrix cells", 1)
    return request.param


def test_theirs_proposes_to_a_group_of_ours(suite: int, meet: Meet, ts_mls: NodeProcess) -> None:
    ts_mls.ask({"member": "moderator", "do": "meet external sender", "identity": "6d", "suite": suite})
    encoded = ts_mls.ask({"member": "moderator", "do": "external_sender"})["external_sender"]
    listed = ExternalSenders((decode(ExternalSender.read, bytes.fromhex(encoded)),)).extension()
    ann, bob, cid = (meet(name, "ours", suite) for name in ("ann", "bob", "cid"))
    room = Conversation()
    room.begin(ann, bob, extensions=((listed.extension_type, listed.data),))

    def propose(proposed: Proposed) -> None:
        asked = {"place": 0, "group_info": ann.group_info().hex(), **described(proposed)}
        answer = ts_mls.ask({"member": "moderator", "do": "propose", **asked})
        room.deliver(bytes.fromhex(answer["message"]), None, "proposal")

    propose(Proposed.add(cid.key_package()))
    room.commit(ann, welcomed=[cid])
    propose(Proposed.remove(bob.look().own_leaf))
    room.commit(cid)
    assert room.members == [ann, cid]


def test_ours_proposes_to_a_group_of_theirs(suite: int, meet: Meet) -> None:
    chosen = cipher_suite(suite)
    keys = chosen.signature_key_pair(os.urandom(chosen.signature_seed_length))
    sender = ExternalSender(keys.public, Credential.basic(b"moderator"))
    room, people = Conversation(), [meet(name, "theirs", suite) for name in ("ann", "bob", "cid")]
    room.begin(*people, extensions=((ExtensionType.EXTERNAL_SENDERS, sender.encode()),))
    message = propose_externally(
        Remove(LeafIndex(1)),
        suite=chosen,
        group_id=GROUP_ID,
        epoch=1,
        sender_index=0,
        signature_key_pair=keys,
    )
    room.deliver(message, None, "proposal")
    room.commit(people[0])
    assert room.members == [people[0], people[2]]
