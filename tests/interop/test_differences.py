"""Where ts-mls does otherwise than RFC 9420 says; a newer one that does not any more fails here.

``interop/README.md`` tells of each; the other tests go around them.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conversation import Conversation
from member import EXTENSION_TYPE, SIDES, Member, Proposed, Side
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


def test_ts_mls_derives_another_commit_secret_where_the_left_half_is_empty(meet: Meet) -> None:
    # RFC 9420 §12.4.1 has "the value path_secret[n+1] derived from the last path secret value
    # (path_secret[n]) derived for the UpdatePath"; ts-mls takes a step more if the root is not on the path.
    _, (_, _, theirs, ours) = begin(meet, "ours", "ours", "theirs", "ours")
    sent = theirs.commit(Proposed.remove(0), Proposed.remove(1))
    with pytest.raises(ValidationError) as caught:
        ours.process(sent.commit)
    assert caught.value.rule is ValidationRule.FRAMING_CONFIRMATION
    _, (_, _, ours, theirs) = begin(meet, "theirs", "theirs", "ours", "theirs")
    sent = ours.commit(Proposed.remove(0), Proposed.remove(1))
    with pytest.raises(PeerRefused, match="confirmation tag"):
        theirs.process(sent.commit)


def test_ts_mls_refuses_a_tree_with_a_leaf_unmerged_in_a_part_of_its_path(meet: Meet) -> None:
    # RFC 9420 §12.4.3.1 speaks of the "non-blank intermediate node between the leaf node and the parent node"
    # that lists the leaf; ts-mls of all nodes above the leaf. No member here is of ours.
    room, members = begin(meet, *["theirs"] * 8)
    room.commit(members[0], Proposed.remove(6))
    room.commit(members[7])
    room.propose(members[1], Proposed.update())
    added = meet("added", "theirs", 1)
    sent = members[0].commit(Proposed.add(added.key_package()))
    assert sent.welcome is not None
    room.deliver(sent.commit, members[0], "commit")
    with pytest.raises(PeerRefused, match="unmerged_leaves"):
        added.join(sent.welcome)


def test_ts_mls_does_not_notice_its_removal_if_its_leaf_is_filled_by_the_same_commit(meet: Meet) -> None:
    for side in SIDES:
        _, (committer, removed) = begin(meet, side, "theirs")
        added = meet("added", "ours", 1)
        sent = committer.commit(Proposed.remove(1), Proposed.add(added.key_package()))
        with pytest.raises(PeerRefused, match="No overlap"):
            removed.process(sent.commit)
