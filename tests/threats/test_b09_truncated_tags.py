"""B9: every proper prefix of every tag is refused."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from mls_world import CONFIG, NOW, World, refused, unchanged

from sottovoce.errors import PeerError
from sottovoce.mls import Credential, Group, GroupConfig, UndecryptableMessage, ValidationRule
from sottovoce.mls.framing import ContentAuth, MLSMessage, PrivateMessage, PublicMessage
from sottovoce.mls.proposals import Remove


def test_confirmation_tag(world: World) -> None:
    alice, _ = world.group_of("alice", "bob")
    info, keys = alice.group_info(), world.keys()
    join = Group.join_externally(
        info, Credential.basic(b"dave"), keys, suite=world.suite, config=CONFIG, random=os.urandom
    )
    body = MLSMessage.decode(join.commit).body
    assert isinstance(body, PublicMessage)
    tag = body.auth.confirmation_tag or b""
    assert len(tag) == 32
    for length in range(32):
        auth = ContentAuth(body.auth.signature, tag[:length])
        refused(alice, MLSMessage(replace(body, auth=auth)).encode(), ValidationRule.FRAMING_CONFIRMATION)
    for length in range(64):
        auth = ContentAuth(body.auth.signature[:length], tag)
        refused(alice, MLSMessage(replace(body, auth=auth)).encode(), ValidationRule.FRAMING_SIGNATURE)


def test_membership_tag(world: World) -> None:
    from mls_world import insider

    world.config = GroupConfig(authentication=CONFIG.authentication, accept_public_messages=True)
    alice, bob = world.group_of("alice", "bob")
    body = MLSMessage.decode(insider(alice, Remove(alice.own_leaf_index), public=True)).body
    assert isinstance(body, PublicMessage)
    for length in range(32):
        spoilt = replace(body, membership_tag=(body.membership_tag or b"")[:length])
        refused(bob, MLSMessage(spoilt).encode(), ValidationRule.FRAMING_MEMBERSHIP_TAG)


def test_aead_tags(world: World) -> None:
    alice, bob = world.group_of("alice", "bob")
    body = MLSMessage.decode(alice.encrypt(b"text", random=os.urandom).message).body
    assert isinstance(body, PrivateMessage)
    for field in ("ciphertext", "encrypted_sender_data"):
        for cut in range(1, len(getattr(body, field)) + 1):
            spoilt = replace(body, **{field: getattr(body, field)[:-cut]})
            with unchanged(bob), pytest.raises(PeerError) as caught:
                bob.process(MLSMessage(spoilt).encode(), now=NOW)
            assert type(caught.value) is UndecryptableMessage
