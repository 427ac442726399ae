"""Vectors in which a member joins by Welcome and follows commits without ever sending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from mls_world import whole
from official_vectors import PASSIVE_CLIENT

from sottovoce.crypto.secret import Secret
from sottovoce.mls import Credential, Group, GroupConfig, KeyPackage, KeyPackageBundle, Lifetime
from sottovoce.mls.staged import Staged

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


@dataclass
class PassiveClient:
    """A member who joins and listens: its keys, what it was given beside them, and its group once joined."""

    bundle: KeyPackageBundle
    psks: Mapping[bytes, Secret]
    welcome: bytes
    ratchet_tree: bytes | None
    now: int
    group: Group = field(init=False)

    @classmethod
    def read(cls, vector: Vector) -> PassiveClient:
        package = KeyPackage.from_message(hexadecimal(vector["key_package"]))
        assert isinstance(package.leaf_node.lifetime, Lifetime)
        keys = (Secret(hexadecimal(vector[f"{name}_priv"])) for name in ("init", "encryption", "signature"))
        psks = {
            hexadecimal(one["psk_id"]): Secret(hexadecimal(one["psk"])) for one in vector["external_psks"]
        }
        tree = vector["ratchet_tree"]
        return cls(
            KeyPackageBundle(package, *keys),
            psks,
            hexadecimal(vector["welcome"]),
            None if tree is None else hexadecimal(tree),
            package.leaf_node.lifetime.not_before,
        )

    @classmethod
    def join(cls, vector: Vector) -> PassiveClient:
        client = cls.read(vector)
        client.group = client.open(client.welcome)
        assert client.group.epoch_authenticator.hex() == vector["initial_epoch_authenticator"]
        return client

    def open(self, welcome: bytes) -> Group:
        return Group.join(welcome, self.bundle, psks=self.psks, ratchet_tree=self.ratchet_tree, config=CONFIG)

    def process(self, message: bytes, psks: Mapping[bytes, Secret] | None = None) -> Staged:
        return self.group.process(message, psks=self.psks if psks is None else psks, now=self.now)

    def merge(self, message: bytes) -> None:
        """Take a message in, and go on from what a store would hold then."""
        self.group.merge(self.process(message))
        self.group = Group.restore(whole(self.group), config=CONFIG)


@pytest.mark.mls_vectors(PASSIVE_CLIENT)
def test_passive_client(vector: Vector) -> None:
    client = PassiveClient.join(vector)
    for epoch in vector["epochs"]:
        for message in [*epoch["proposals"], epoch["commit"]]:
            client.merge(hexadecimal(message))
        assert client.group.epoch_authenticator.hex() == epoch["epoch_authenticator"]
