"""Joining, by Welcome and externally, with what only a member or the joiner could have sealed."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from mls_world import NOW, World, whole
from target import Target
from trusting import CredulousBundle, trusting
from welcome_parts import group_info_key, parts_of, welcome_of

from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.secret import Secret
from sottovoce.crypto.suites import CipherSuite
from sottovoce.errors import PeerError
from sottovoce.mls import Credential, Group, GroupConfig, KeyPackageBundle, inspect_group_info
from sottovoce.mls.extensions import Extension, ExtensionType
from sottovoce.mls.framing import MLSMessage
from sottovoce.mls.group_info import GroupInfo, GroupSecrets
from sottovoce.mls.presentation import decode, uint16
from sottovoce.mls.ratchet_tree import RatchetTree

PSKS = {b"the key": Secret(b"\x07" * 32)}
GROUP_INFO_MESSAGE = uint16(1) + uint16(4)


@dataclass(frozen=True)
class Door:
    """All that is needed to knock: the parts of an honest Welcome and GroupInfo, and a joiner's keys."""

    bundle: KeyPackageBundle
    secrets: GroupSecrets
    info: GroupInfo
    external: GroupInfo
    signing_key: bytes
    """Of the member who signs the GroupInfos."""
    joiner: KeyPair
    config: GroupConfig

    def knock(self, data: bytes) -> None:
        """Join with the input in the place that its first byte says; the lowest bit trusts."""
        way, inside = (data[0], data[1:]) if data else (0, b"")
        suite = trusting(self.bundle.suite) if way & 1 else self.bundle.suite
        match way >> 1 & 7:
            case 0:
                self._join(inside, suite)
            case 1:
                self._join_externally(inside, suite)
            case 2:
                self._join(self._welcome(inside, self.info.encoded), suite)
            case 3:
                self._join(self._welcome(self.secrets.encode(), inside), suite)
            case 4:
                info = self._with_tree(self.info, inside)
                self._join(self._welcome(self.secrets.encode(), info.encoded), suite)
            case 5:
                self._join_externally(MLSMessage(self._with_tree(self.external, inside)).encode(), suite)
            case _:
                self._join_externally(GROUP_INFO_MESSAGE + inside, suite)

    def _join(self, welcome: bytes, suite: CipherSuite) -> None:
        bundle = self.bundle if suite is self.bundle.suite else CredulousBundle.of(self.bundle)
        group = Group.join(welcome, bundle, psks=PSKS, config=self.config)
        Group.restore(whole(group), config=self.config)

    def _join_externally(self, message: bytes, suite: CipherSuite) -> None:
        inspect_group_info(message, suite=suite, authentication=self.config.authentication)
        joined = Group.join_externally(
            message,
            Credential.basic(b"frank"),
            self.joiner,
            suite=suite,
            psks=PSKS,
            config=self.config,
            random=random.Random(9421).randbytes,
        )
        Group.restore(whole(joined.group), config=self.config)

    def _welcome(self, secrets: bytes, info: bytes) -> bytes:
        """Seal these, with the key that the secrets lead to, or the honest ones where they lead nowhere."""
        try:
            read = decode(GroupSecrets.read, secrets)
            key = group_info_key(self.bundle.suite, read, PSKS)
        except PeerError:
            key = group_info_key(self.bundle.suite, self.secrets, PSKS)
        return welcome_of(self.bundle, secrets, info, key)

    def _with_tree(self, info: GroupInfo, tree: bytes) -> GroupInfo:
        """Put a tree in, name its hash, and sign."""
        others = [one for one in info.extensions if one.extension_type != ExtensionType.RATCHET_TREE]
        tree_hash = RatchetTree.decode(tree).tree_hash(self.bundle.suite)
        unsigned = replace(
            info,
            group_context=replace(info.group_context, tree_hash=tree_hash),
            extensions=(*others, Extension(ExtensionType.RATCHET_TREE, tree)),
        )
        return unsigned.signed(self.bundle.suite, self.signing_key)


def joining() -> Target:
    """Return the target of joining; see :meth:`Door.knock`."""
    draw = random.Random(9421).randbytes
    world = World()
    alice, *_ = world.group_of("alice", "bob", "carol", "dave")
    bundle = world.bundle("erin")
    staged = alice.commit(add=[bundle.message], psks=PSKS, random=draw, now=NOW)
    assert staged.welcome is not None
    assert staged.next is not None
    secrets, info = parts_of(staged.welcome, bundle, PSKS)
    external = MLSMessage.decode(alice.group_info()).body
    assert isinstance(external, GroupInfo)
    signing_key = alice._state.signature_key_pair.private
    door = Door(bundle, secrets, info, external, signing_key, world.keys(), world.config)
    starts = [
        staged.welcome,
        alice.group_info(),
        secrets.encode(),
        info.encoded,
        staged.next.tree.encode(),
        alice._state.tree.encode(),
        external.encoded,
    ]
    seeds = [bytes([2 * way | trusts]) + start for way, start in enumerate(starts) for trusts in (0, 1)]
    return Target("step join", door.knock, seeds, (PeerError,), 1, is_decoder=False)
