"""B23: a room's cipher suite is pinned; nothing of another suite is let in."""

from __future__ import annotations

import os

import pytest
from mls_world import CONFIG, NOW, World

from sottovoce.crypto.suites import DEFAULT
from sottovoce.mls import Credential, Group, ValidationError, ValidationRule, inspect_group_info


def test_refused(world: World) -> None:
    classical, _ = world.group_of("alice", "bob")
    info = classical.group_info()
    hybrid = World(DEFAULT)
    for act in (
        lambda: inspect_group_info(info, suite=DEFAULT),
        lambda: Group.join_externally(
            info, Credential.basic(b"dave"), hybrid.keys(), suite=DEFAULT, config=CONFIG, random=os.urandom
        ),
    ):
        with pytest.raises(ValidationError) as caught:
            act()
        assert caught.value.rule is ValidationRule.WELCOME_SUITE
    bundle = world.bundle("carol")
    staged = classical.commit(add=[bundle.message], random=os.urandom, now=NOW)
    with pytest.raises(ValidationError) as caught:
        Group.join(staged.welcome or b"", hybrid.bundle("carol"), config=CONFIG)
    assert caught.value.rule is ValidationRule.WELCOME_SUITE
    with pytest.raises(ValidationError) as caught:
        classical.commit(add=[hybrid.bundle("dave").message], random=os.urandom, now=NOW)
    assert caught.value.rule is ValidationRule.KEY_PACKAGE_SUITE
