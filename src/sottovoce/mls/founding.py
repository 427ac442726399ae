"""Beginning a group that follows another: its successor or a subgroup of it (RFC 9420 §11.2, §11.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.secret import Secret
from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls.config import GroupConfig
from sottovoce.mls.creation import create_group, founders_lifetime
from sottovoce.mls.credentials import Credential
from sottovoce.mls.epoch import EpochState
from sottovoce.mls.errors import MisuseError
from sottovoce.mls.extensions import Extensions
from sottovoce.mls.join import Joined
from sottovoce.mls.key_package import KeyPackage, Random
from sottovoce.mls.nodes import Capabilities
from sottovoce.mls.proposals import ResumptionUsage
from sottovoce.mls.psks import ResumptionPSK
from sottovoce.mls.sending import CommitRequest, key_package_of
from sottovoce.mls.successors import require_members, require_same_members


@dataclass(frozen=True)
class Founder:
    """What a member brings along when it begins a group that follows one it is in.

    A credential, key pair or capabilities that are None are those of its leaf in the old group.
    """

    old: EpochState
    suite: CipherSuite
    key_packages: Iterable[KeyPackage | bytes]
    credential: Credential | None
    signature_key_pair: KeyPair | None
    capabilities: Capabilities | None
    psks: Mapping[bytes, Secret] = field(repr=False)
    with_tree: bool

    def succeed(
        self, group_id: bytes, extensions: Extensions, config: GroupConfig, *, random: Random, now: int
    ) -> tuple[Joined, CommitRequest]:
        """Return a successor's first epoch, and the commit to make in it; raises ``MisuseError``."""
        return self._begin(ResumptionUsage.REINIT, group_id, extensions, config, random=random, now=now)

    def branch(
        self, group_id: bytes, extensions: Extensions, config: GroupConfig, *, random: Random, now: int
    ) -> tuple[Joined, CommitRequest]:
        """Return a subgroup's first epoch, and the commit to make in it; raises ``MisuseError``."""
        # §12.4.3.1: a group_id is "unique among the groups that the client is currently participating in".
        if group_id == self.old.context.group_id:
            raise MisuseError("a subgroup has a group id of its own")
        return self._begin(ResumptionUsage.BRANCH, group_id, extensions, config, random=random, now=now)

    def _begin(
        self,
        usage: ResumptionUsage,
        group_id: bytes,
        extensions: Extensions,
        config: GroupConfig,
        *,
        random: Random,
        now: int,
    ) -> tuple[Joined, CommitRequest]:
        old, suite = self.old, self.suite
        leaf = old.tree.leaf(old.own_leaf)
        if leaf is None:
            raise MisuseError("a group that this member was removed from is followed by others")
        # Keys of another signature scheme sign nothing in the new group.
        if self.signature_key_pair is None and suite.signature != old.suite.signature:
            raise MisuseError("the new group has another signature scheme: give a key pair for it")
        packages = [key_package_of(one) for one in self.key_packages]
        credential = self.credential or leaf.credential
        require = require_same_members if usage is ResumptionUsage.REINIT else require_members
        clients = [credential, *(one.leaf_node.credential for one in packages)]
        require(clients, [one.credential for one in old.members()], config.authentication)
        joined = create_group(
            suite,
            group_id,
            credential,
            self.signature_key_pair or old.signature_key_pair,
            extensions=extensions,
            leaf_extensions=leaf.extensions,
            capabilities=self.capabilities or _inherited(leaf.capabilities, suite),
            lifetime=founders_lifetime(config, now),
            config=config,
            random=random,
        )
        psk = ResumptionPSK(old.context.group_id, old.epoch, Secret(old.secrets.resumption_psk))
        request = CommitRequest(
            add=packages, psks=self.psks, resumption_psks=[psk], with_tree=self.with_tree, usage=usage
        )
        return joined, request


def _inherited(listed: Capabilities, suite: CipherSuite) -> Capabilities:
    if suite.id in listed.cipher_suites:
        return listed
    return replace(listed, cipher_suites=(*listed.cipher_suites, suite.id))
