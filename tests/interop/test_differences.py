"""Where ts-mls does otherwise than RFC 9420 says; a newer one that does not any more fails here.

``interop/README.md`` tells of each; the other tests go around them.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conversation import Conversation
from member import EXTENSION_TYPE, Member, Proposed, Side
from node_process import PeerRefused

from sottovoce.mls import ValidationError, ValidationRule

Meet = Callable[[str, Side, int], Member]


def begin(meet: Meet, *sides: Side) -> tuple[Conversation, list[Member]]:
    members = [meet(f"member {at}", side, 1) for at, side in enumerate(sides)]
    room = Conversation()
    room.begin(*members)
    return room, members


def test_ts_mls_makes_no_path_for_new_extensions(meet: Meet) -> None:
    _, (theirs, ours) = begin(meet, "theirs", "ours")
    sent = theirs.commit(Proposed.group_extensions((EXTENSION_TYPE, b"a name")))
    with pytest.raises(ValidationError) as caught:
        ours.process(sent.commit)
    assert caught.value.rule is ValidationRule.PROPOSAL_PATH


def test_ts_mls_cannot_read_its_own_path_beside_new_extensions(meet: Meet) -> None:
    room, (theirs, reader, proposer) = begin(meet, "theirs", "theirs", "theirs")
    room.propose(proposer, Proposed.update())
    sent = theirs.commit(Proposed.group_extensions((EXTENSION_TYPE, b"a name")))
    with pytest.raises(PeerRefused):
        reader.process(sent.commit)


def test_ts_mls_takes_no_extensions_for_no_change(meet: Meet) -> None:
    room, (theirs, ours) = begin(meet, "theirs", "ours")
    room.commit(ours, Proposed.group_extensions((EXTENSION_TYPE, b"a name")))
    sent = ours.commit(Proposed.group_extensions())
    with pytest.raises(PeerRefused):
        theirs.process(sent.commit)
