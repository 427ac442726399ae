"""B14: an external commit needs the secret, never comes at epoch 0, and removes its own old leaf only.

Who may join at all is the application's: its ``check_commit`` sees ``is_external`` and ``psk_ids``.
"""

from __future__ import annotations

import os

import pytest
from mls_world import CONFIG, NOW, World, refused, unchanged

from sottovoce.crypto.secret import Secret
from sottovoce.errors import PeerError
from sottovoce.mls import (
    Credential,
    Group,
    GroupConfig,
    MLSPeerError,
    StagedCommit,
    ValidationError,
    ValidationRule,
)


class NoSecretError(MLSPeerError):
    """The application's refusal."""


def check(staged: StagedCommit) -> None:
    if staged.is_external and staged.psk_ids != (b"current",):
        raise NoSecretError("an external commit carries the current join secret")


def join(world: World, info: bytes, psks: dict[bytes, Secret]) -> bytes:
    return Group.join_externally(
        info,
        Credential.basic(b"dave"),
        world.keys(),
        suite=world.suite,
        psks=psks,
        config=CONFIG,
        random=os.urandom,
    ).commit


def test_without_the_secret(world: World) -> None:
    world.config = GroupConfig(authentication=CONFIG.authentication, check_commit=check)
    alice, _ = world.group_of("alice", "bob")
    known = {b"current": Secret(b"right" * 8)}
    info = alice.group_info()
    for psks in ({}, {b"older": Secret(b"x")}):
        message = join(world, info, psks)
        with unchanged(alice), pytest.raises(PeerError):
            alice.process(message, psks=known, now=NOW)
    guessed = join(world, info, {b"current": Secret(b"wrong" * 8)})
    refused(alice, guessed, ValidationRule.FRAMING_CONFIRMATION, known)
    staged = alice.process(join(world, info, known), psks=known, now=NOW)
    assert isinstance(staged, StagedCommit)
    assert staged.is_external
    assert staged.psk_ids == (b"current",)


def test_at_epoch_0(world: World) -> None:
    alice = world.create("alice")
    with pytest.raises(ValidationError) as caught:
        join(world, alice.group_info(), {})
    assert caught.value.rule is ValidationRule.GROUP_INFO_EXTERNAL
