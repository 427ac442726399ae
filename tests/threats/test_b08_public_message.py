"""B8: a PublicMessage of a member is refused, whatever is in it."""

from __future__ import annotations

from mls_world import World, commit_of, insider, refused

from sottovoce.mls import LeafIndex, ValidationRule
from sottovoce.mls.proposals import Remove


def test_refused(world: World) -> None:
    alice, bob = world.group_of("alice", "bob")
    for content in (Remove(LeafIndex(0)), commit_of()):
        refused(bob, insider(alice, content, public=True), ValidationRule.FRAMING_MEMBER_ENCRYPTS)
