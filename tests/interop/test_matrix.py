"""Each side in each role, over every suite that this library and ts-mls both have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from conversation import GROUP_ID, Conversation
from member import EXTENSION_TYPE, SIDES, SUITES, Member, Proposed, Side
from node_process import NodeProcess

from sottovoce.crypto.suites import SUPPORTED
from sottovoce.mls import WireFormat

PSK = bytes(range(32))


@dataclass
class Cast:
    """Ann and Cid are of the side a test is about, Bob is of the other."""

    ann: Member
    bob: Member
    cid: Member
    room: Conversation

    @property
    def all(self) -> tuple[Member, Member, Member]:
        return self.ann, self.bob, self.cid


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> Side:
    return request.param


@pytest.fixture(params=SUITES)
def suite(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture
def cast(
    suite: int,
    side: Side,
    meet: Callable[[str, Side, int], Member],
    record_property: Callable[[str, object], None],
) -> Cast:
    other: Side = "theirs" if side == "ours" else "ours"
    record_property("matrix cells", 1)
    people = meet("ann", side, suite), meet("bob", other, suite), meet("cid", side, suite)
    return Cast(*people, Conversation())


def test_the_matrix_has_every_suite_of_both_sides(ts_mls: NodeProcess) -> None:
    theirs = ts_mls.ask({"do": "suites"})["suites"]
    assert set(SUITES) == set(theirs) & set(SUPPORTED)


def test_join_by_welcome(cast: Cast) -> None:
    cast.room.begin(cast.ann, cast.bob)
    cast.room.commit(cast.bob, joining=[cast.cid], tree_beside=True)
    cast.room.commit(cast.cid)
    assert cast.room.members == [*cast.all]


def test_join_by_an_add_that_was_proposed(cast: Cast) -> None:
    cast.room.begin(cast.ann)
    cast.room.propose(cast.ann, Proposed.add(cast.bob.key_package()))
    cast.room.commit(cast.ann, welcomed=[cast.bob], tree_beside=True)
    cast.room.propose(cast.ann, Proposed.add(cast.cid.key_package()))
    cast.room.commit(cast.bob, welcomed=[cast.cid])
    cast.room.commit(cast.cid)


def test_update(cast: Cast) -> None:
    cast.room.begin(*cast.all)
    cast.room.commit(cast.ann)
    cast.room.propose(cast.ann, Proposed.update())
    cast.room.propose(cast.cid, Proposed.update())
    cast.room.commit(cast.bob)
    cast.room.propose(cast.bob, Proposed.update())
    cast.room.commit(cast.ann)
    cast.room.commit(cast.bob)
    assert cast.room.wire_formats == {WireFormat.PRIVATE_MESSAGE}


def test_remove(cast: Cast, suite: int, meet: Callable[[str, Side, int], Member]) -> None:
    cast.room.begin(*cast.all)
    cast.room.commit(cast.ann, Proposed.remove(cast.bob.look().own_leaf))
    assert not cast.bob.is_active
    again = meet("bob again", cast.bob.side, suite)
    cast.room.commit(cast.ann, joining=[again])
    cast.room.propose(again, Proposed.remove(cast.cid.look().own_leaf))
    cast.room.commit(cast.ann)
    assert not cast.cid.is_active
    cast.room.commit(again)
    assert cast.room.members == [cast.ann, again]


def test_join_by_external_commit(cast: Cast) -> None:
    cast.room.begin(cast.bob)
    cast.room.join_externally(cast.ann, cast.bob)
    cast.room.join_externally(cast.cid, cast.bob, tree_beside=True)
    cast.room.join_externally(cast.ann, cast.bob, resync=True)
    cast.room.commit(cast.bob)
    cast.room.commit(cast.ann)
    assert len(cast.room.members) == 3


def test_join_by_external_commit_with_a_psk(
    suite: int, meet: Callable[[str, Side, int], Member], record_property: Callable[[str, object], None]
) -> None:
    # ts-mls can take such a commit and cannot make one.
    record_property("matrix cells", 1)
    room, bob, cid = Conversation(), meet("bob", "theirs", suite), meet("cid", "ours", suite)
    for one in (bob, cid):
        one.know_psk(b"a key", PSK)
    room.begin(bob)
    room.join_externally(cid, bob, psk_ids=(b"a key",))
    room.commit(bob)


def test_psk(cast: Cast) -> None:
    for one in cast.all:
        one.know_psk(b"first", PSK)
        one.know_psk(b"second", PSK[::-1])
    cast.room.begin(cast.ann, cast.bob)
    cast.room.commit(cast.ann, Proposed.psk(b"first"), Proposed.psk(b"second"), joining=[cast.cid])
    cast.room.propose(cast.ann, Proposed.psk(b"first"))
    cast.room.commit(cast.bob, Proposed.psk(b"second"))
    epoch = cast.ann.look().epoch
    cast.room.commit(cast.ann, Proposed.resumption_psk(GROUP_ID, epoch - 1))
    cast.room.propose(cast.ann, Proposed.resumption_psk(GROUP_ID, epoch))
    cast.room.commit(cast.bob)


def test_handshake_messages_in_public(
    cast: Cast, suite: int, meet: Callable[[str, Side, int], Member]
) -> None:
    dee = meet("dee", cast.bob.side, suite)
    for one in (*cast.all, dee):
        one.by_public_message = True
    cast.room.begin(cast.ann, cast.bob)
    cast.room.commit(cast.bob, joining=[cast.cid])
    cast.room.propose(cast.ann, Proposed.update())
    cast.room.propose(cast.cid, Proposed.add(dee.key_package()))
    cast.room.commit(cast.bob, welcomed=[dee])
    cast.room.propose(dee, Proposed.update())
    cast.room.propose(cast.bob, Proposed.remove(cast.bob.look().own_leaf))
    cast.room.commit(cast.ann)
    cast.room.commit(dee)
    assert cast.room.members == [cast.ann, cast.cid, dee]
    assert cast.room.wire_formats == {WireFormat.PUBLIC_MESSAGE}


def test_group_context_extensions(cast: Cast) -> None:
    # ts-mls can take such a commit and propose one; those it makes nobody can take (test_differences.py).
    cast.room.begin(*cast.all)
    ours = next(one for one in cast.all if one.side == "ours")
    proposed = Proposed.group_extensions((EXTENSION_TYPE, b"a name"))
    if cast.ann is ours:
        cast.room.commit(ours, proposed)
    else:
        cast.room.propose(cast.ann, proposed)
        cast.room.commit(ours)


def test_an_addition_proposed_from_outside(cast: Cast) -> None:
    cast.room.begin(cast.ann, cast.bob)
    cast.room.deliver(cast.cid.propose_own_addition(cast.ann.group_info()), None, "proposal")
    cast.room.commit(cast.bob, welcomed=[cast.cid])
    cast.room.commit(cast.cid)


@pytest.mark.parametrize("to_another_suite", [False, True])
def test_reinit(cast: Cast, suite: int, to_another_suite: bool) -> None:
    successor = SUITES[SUITES.index(suite) - 1] if to_another_suite else suite
    announced = Proposed.reinit(b"the next room", successor, (EXTENSION_TYPE, b"a name"))
    cast.room.begin(*cast.all)
    if to_another_suite:
        cast.room.propose(cast.bob, announced)
        cast.room.end(cast.ann)
    else:
        cast.room.end(cast.ann, announced)
    founder, *others = cast.bob, cast.ann, cast.cid
    founder.key_package(successor)
    sent = founder.begin_successor(*(one.key_package(successor) for one in others))
    cast.room.follow(founder, others, sent)
    assert cast.ann.look().group_id == b"the next room"
    cast.room.commit(cast.cid)


def test_branch(cast: Cast) -> None:
    cast.room.begin(*cast.all)
    founder, other = cast.ann, cast.bob
    founder.key_package()
    sent = founder.branch(b"a smaller room", other.key_package())
    cast.room.follow(founder, [other], sent, branch=True)
    assert cast.bob.look().group_id == b"a smaller room"
    cast.room.commit(cast.bob)
