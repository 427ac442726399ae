"""Vectors in which a member joins by Welcome and follows commits without ever sending."""

from __future__ import annotations

from typing import Any

import pytest
from official_vectors import PASSIVE_CLIENT

from sottovoce.crypto.secret import Secret
from sottovoce.mls import Credential, Group, GroupConfig, KeyPackage, KeyPackageBundle, Lifetime

Vector = dict[str, Any]
hexadecimal = bytes.fromhex


class Anybody:
    """An authentication service for vectors: their credentials mean nothing."""

    def validate(self, credential: Credential, signature_key: bytes) -> None:
        pass

    def same_client(self, old: Credential, new: Credential) -> bool:
        return True


# Key packages of the vectors are valid for ever.
CONFIG = GroupConfig(authentication=Anybody(), accept_public_messages=True, max_lifetime=2**64)


def follow(vector: Vector) -> None:
    package = KeyPackage.from_message(hexadecimal(vector["key_package"]))
    assert isinstance(package.leaf_node.lifetime, Lifetime)
    keys = (Secret(hexadecimal(vector[f"{name}_priv"])) for name in ("init", "encryption", "signature"))
    psks = {hexadecimal(one["psk_id"]): Secret(hexadecimal(one["psk"])) for one in vector["external_psks"]}
    tree = vector["ratchet_tree"]
    group = Group.join(
        hexadecimal(vector["welcome"]),
        KeyPackageBundle(package, *keys),
        psks=psks,
        ratchet_tree=None if tree is None else hexadecimal(tree),
        config=CONFIG,
    )
    assert group.epoch_authenticator.hex() == vector["initial_epoch_authenticator"]
    now = package.leaf_node.lifetime.not_before
    for epoch in vector["epochs"]:
        for message in [*epoch["proposals"], epoch["commit"]]:
            group.merge(group.process(hexadecimal(message), psks=psks, now=now))
            group = Group.restore(group.records(), config=CONFIG)
        assert group.epoch_authenticator.hex() == epoch["epoch_authenticator"]


@pytest.mark.mls_vectors(PASSIVE_CLIENT)
def test_passive_client(vector: Vector) -> None:
    follow(vector)
