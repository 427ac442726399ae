"""The state of a group at one epoch, and what is left of the epochs before (RFC 9420 §8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.secret import Secret
from sottovoce.crypto.signatures import Signer
from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls.credentials import Credential
from sottovoce.mls.errors import MisuseError
from sottovoce.mls.extensions import Extension, Extensions, ExtensionType
from sottovoce.mls.framing import MLSMessage
from sottovoce.mls.group_info import GroupContext, GroupInfo
from sottovoce.mls.key_schedule import EpochSecrets, exported, external_key_pair
from sottovoce.mls.nodes import LeafNode
from sottovoce.mls.presentation import opaque
from sottovoce.mls.proposals import ReInit
from sottovoce.mls.ratchet_tree import RatchetTree
from sottovoce.mls.secret_tree import SecretTree
from sottovoce.mls.tree_math import LeafIndex, is_leaf, node_leaf_index
from sottovoce.mls.treekem import PrivateKeys


@dataclass(frozen=True)
class Member:
    """One member of a group, as its ratchet tree has it."""

    leaf_index: LeafIndex
    credential: Credential
    signature_key: bytes

    @classmethod
    def at(cls, index: LeafIndex, leaf: LeafNode) -> Member:
        """Return the member that ``leaf`` is."""
        return cls(index, leaf.credential, leaf.signature_key)


@dataclass(frozen=True)
class EpochState:
    """Everything of an epoch that does not change within it; never modified, only followed by another."""

    suite: CipherSuite
    context: GroupContext
    tree: RatchetTree
    own_leaf: LeafIndex
    signature_key_pair: KeyPair
    private_keys: PrivateKeys = field(repr=False)
    secrets: EpochSecrets
    interim_transcript_hash: bytes
    confirmation_tag: bytes
    reinit: ReInit | None = None
    """The proposal by which the commit into this epoch closed the group (§12.1.5)."""

    @property
    def epoch(self) -> int:
        """Number of the epoch."""
        return self.context.epoch

    @cached_property
    def signer(self) -> Signer:
        """What this member signs with: the key of :attr:`signature_key_pair`, loaded when first used."""
        return self.suite.signer(self.signature_key_pair.private)

    def members(self) -> tuple[Member, ...]:
        """Return the members, in the order of their leaves."""
        return tuple(Member.at(index, leaf) for index, leaf in self.tree.members())

    def member(self, index: LeafIndex) -> Member | None:
        """Return the member at a leaf, None where there is none."""
        leaf = self.tree.leaf(index)
        return None if leaf is None else Member.at(index, leaf)

    def without_keys(self) -> EpochState:
        """Return what a removed member keeps: who was there, and nothing that opens or signs (§12.4.2)."""
        return replace(
            self,
            signature_key_pair=KeyPair(b"", self.signature_key_pair.public),
            private_keys={},
            secrets=self.secrets.authenticator_only(),
        )

    def export(self, label: str | bytes, context: bytes, length: int) -> Secret:
        """Return ``MLS-Exporter(label, context, length)`` (RFC 9420 §8.5), ``length`` bytes.

        Raises ``MisuseError`` for more than 255 times Nh.
        """
        if not 0 <= length <= 255 * self.suite.hash_length:
            raise MisuseError(f"an exporter gives {255 * self.suite.hash_length} bytes at most")
        octets = label.encode() if isinstance(label, str) else label
        return Secret(exported(self.suite, self.secrets.exporter_secret, octets, context, length))

    def group_info(self, extensions: Extensions, *, with_tree: bool, external: bool) -> GroupInfo:
        """Return a GroupInfo signed by this member (RFC 9420 §12.4.3).

        ``with_tree`` adds the ratchet tree, ``external`` the key to join externally with. Raises
        ``MisuseError`` if ``extensions`` hold either of them.
        """
        chosen = list(extensions)
        if with_tree:
            chosen.append(Extension(ExtensionType.RATCHET_TREE, self.tree.encode()))
        if external:
            public = external_key_pair(self.suite, self.secrets.external_secret).public
            chosen.append(Extension(ExtensionType.EXTERNAL_PUB, opaque(public)))
        if len({extension.extension_type for extension in chosen}) != len(chosen):
            raise MisuseError("an extension type occurs twice in the GroupInfo")
        unsigned = GroupInfo(self.context, tuple(chosen), self.confirmation_tag, self.own_leaf, b"")
        return unsigned.signed(self.suite, self.signer)

    def group_info_message(self, extensions: Extensions, *, with_tree: bool, external: bool) -> bytes:
        """Return :meth:`group_info` as an encoded MLSMessage."""
        return MLSMessage(self.group_info(extensions, with_tree=with_tree, external=external)).encode()


@dataclass(frozen=True)
class PastEpoch:
    """What a past epoch's late messages need, apart from its message secrets."""

    context: GroupContext
    leaf_count: int
    own_leaf: LeafIndex
    former: Mapping[LeafIndex, Member | None]
    """The leaves that the commit after this epoch changed, as they were; nothing for the current epoch."""
    sender_data_secret: bytes = field(repr=False)
    resumption_psk: bytes = field(repr=False)

    @classmethod
    def of(cls, state: EpochState, after: EpochState | None = None) -> PastEpoch:
        """Return what is left of an epoch when ``after`` follows it, None while it is the current one."""
        former: dict[LeafIndex, Member | None] = {}
        for index in [] if after is None else after.tree.changed_from(state.tree):
            if is_leaf(index):
                leaf = node_leaf_index(index)
                former[leaf] = state.member(leaf)
        secrets = state.secrets
        return cls(
            state.context,
            state.tree.leaf_count,
            state.own_leaf,
            former,
            secrets.sender_data_secret,
            secrets.resumption_psk,
        )


@dataclass(frozen=True)
class MessageEpoch:
    """An epoch as messages see it: its static part and its secret tree."""

    past: PastEpoch
    secret_tree: SecretTree


def member_at(
    state: EpochState, epochs: Mapping[int, MessageEpoch], epoch: int, leaf: LeafIndex
) -> Member | None:
    """Return who was on ``leaf`` in a kept epoch: whoever the first commit since then found there."""
    for since in range(epoch, state.epoch):
        former = epochs[since].past.former
        if leaf in former:
            return former[leaf]
    return state.member(leaf)
