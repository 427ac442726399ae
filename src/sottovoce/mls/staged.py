"""What an operation would do, before it is done: staged, then merged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sottovoce.crypto.secret import Secret
from sottovoce.mls.credentials import Credential
from sottovoce.mls.details import MessageDetails, ProtectedContent
from sottovoce.mls.epoch import EpochState, Member, PastEpoch
from sottovoce.mls.errors import DamagedSnapshot, NotAMember
from sottovoce.mls.extensions import Extensions
from sottovoce.mls.external_senders import ExternalSender
from sottovoce.mls.framing import SenderType
from sottovoce.mls.nodes import LeafNodeSource
from sottovoce.mls.proposal_list import SentProposal
from sottovoce.mls.proposals import PreSharedKeyID, Proposal, PSKType, ReInit
from sottovoce.mls.records import Changes, commit_changes, message_key, read_next_epoch
from sottovoce.mls.secret_tree import RatchetStep, root_key
from sottovoce.mls.tree_math import LeafIndex, is_leaf, node_leaf_index


@dataclass(frozen=True)
class StagedMessage:
    """Something encrypted to be sent, and the step of our own ratchet it used.

    Merge it and store the change *before* sending: then no key can be used twice, whatever happens.
    """

    message: bytes
    epoch: int
    step: RatchetStep = field(repr=False)
    protected: ProtectedContent = field(repr=False)

    @property
    def generation(self) -> int:
        """Which generation of our ratchet was used."""
        return self.step.generation

    @property
    def details(self) -> MessageDetails:
        """How it is protected, without a key."""
        return self.protected.details()


@dataclass(frozen=True)
class StagedApplication:
    """Application data received; merging deletes its key."""

    content: bytes = field(repr=False)
    sender_member: Member
    epoch: int
    authenticated_data: bytes
    step: RatchetStep = field(repr=False)
    protected: ProtectedContent = field(repr=False)

    @property
    def details(self) -> MessageDetails:
        """How it was protected, without a key."""
        return self.protected.details()

    @property
    def sender(self) -> LeafIndex:
        """Leaf of the sender, in the tree of the message's own epoch."""
        return self.sender_member.leaf_index

    @property
    def sender_credential(self) -> Credential:
        """Credential of the sender, from the tree of the message's own epoch."""
        return self.sender_member.credential

    @property
    def generation(self) -> int:
        """Which generation of the sender's ratchet was used."""
        return self.step.generation


@dataclass(frozen=True)
class StagedProposal:
    """A proposal, ours or received; merging keeps it for the commit that refers to it.

    ``message`` is what to send for one of ours, empty for one received. An outsider's has no ``sender``:
    it is of the ``external_sender``, or of whoever proposes to be added itself.
    """

    message: bytes
    epoch: int
    sent: SentProposal
    reference: bytes
    step: RatchetStep | None = field(repr=False)
    external_sender: ExternalSender | None = None

    @property
    def sender_type(self) -> SenderType:
        """Whether a member proposes, an external sender, or a client that wants to be added."""
        return self.sent.sender.sender_type

    @property
    def sender(self) -> LeafIndex | None:
        """Leaf of the member who proposes; None for an outsider."""
        is_member = self.sender_type is SenderType.MEMBER
        return LeafIndex(self.sent.sender.index) if is_member else None

    @property
    def proposal(self) -> Proposal:
        """The proposal itself."""
        return self.sent.proposal


@dataclass(frozen=True)
class StagedCommit:
    """The next epoch, ready; merging makes it the current one.

    ``message`` and ``welcome`` are what to send for a commit of ours. ``send_step`` of ours is to be merged
    before sending; the commit itself once it is accepted. ``added`` and ``updated`` are members of the
    new epoch (an external joiner is among the added), ``removed`` of the old one. With a ``reinit`` it closes
    the group: see :meth:`Group.reinitialize`.
    """

    base: EpochState = field(repr=False)
    next: EpochState | None = field(repr=False)
    encryption_secret: bytes = field(repr=False)
    sender: LeafIndex
    is_external: bool
    authenticated_data: bytes
    added: tuple[Member, ...]
    removed: tuple[Member, ...]
    updated: tuple[Member, ...]
    psks: tuple[PreSharedKeyID, ...]
    sender_member: Member
    group_context_extensions: Extensions
    reinit: ReInit | None = None
    message: bytes = field(default=b"", repr=False)
    welcome: bytes | None = field(default=None, repr=False)
    send_step: StagedMessage | None = field(default=None, repr=False)
    step: RatchetStep | None = field(default=None, repr=False)

    @property
    def epoch(self) -> int:
        """Number of the new epoch."""
        return self.base.epoch + 1

    @property
    def psk_ids(self) -> tuple[bytes, ...]:
        """Ids of the external pre-shared keys it injects; ``psks`` has the resumption ones too."""
        return tuple(psk.psk_id for psk in self.psks if psk.psk_type is PSKType.EXTERNAL)

    @property
    def removes_self(self) -> bool:
        """Whether this member is out once the commit is merged."""
        return self.next is None

    @property
    def old_group_context_extensions(self) -> Extensions:
        """The GroupContext's extensions before this commit."""
        return self.base.context.extensions

    @property
    def epoch_authenticator(self) -> bytes:
        """The new epoch's authenticator, Nh bytes (RFC 9420 §8.7)."""
        return self._after().secrets.epoch_authenticator

    def members(self) -> tuple[Member, ...]:
        """Return the members of the new epoch."""
        return self._after().members()

    def export(self, label: str | bytes, context: bytes, length: int) -> Secret:
        """Return an exporter output of the new epoch (RFC 9420 §8.5); ``length`` in bytes."""
        return self._after().export(label, context, length)

    def group_info(
        self, extensions: Extensions = (), *, with_tree: bool = True, external: bool = True
    ) -> bytes:
        """Return a signed GroupInfo of the new epoch as an MLSMessage."""
        return self._after().group_info_message(extensions, with_tree=with_tree, external=external)

    def ratchet_tree(self) -> bytes:
        """Return the new epoch's tree, to go beside a Welcome that is made without (RFC 9420 §12.4.3.3)."""
        return self._after().tree.encode()

    def stored(self) -> Changes:
        """Return the records that merging this commit writes, None for those it deletes.

        Kept beside a commit of ours while it is on its way, they let :meth:`Group.resume` make it again if
        this process ends before it is merged; no commit can process itself. They hold secrets: delete them
        with the commit.
        """
        after = self._after()
        secret_key = message_key(after.epoch, root_key(after.tree.leaf_count))
        changes = commit_changes(PastEpoch.of(self.base, after), self.base, after)
        return {**changes, secret_key: self.encryption_secret}

    @classmethod
    def resumed(cls, base: EpochState, changes: Mapping[bytes, bytes | None]) -> StagedCommit:
        """Make a commit of our own again from what :meth:`stored` gave; see :meth:`Group.resume`."""
        after, secret = read_next_epoch(base, changes)
        added, removed, updated = [], [], []
        for index in after.tree.changed_from(base.tree):
            if not is_leaf(index):
                continue
            place = node_leaf_index(index)
            before, leaf = base.member(place), after.tree.leaf(place)
            # §7.2: a leaf's source tells an added one from one that its member or a commit replaced.
            is_added = leaf is not None and leaf.source is LeafNodeSource.KEY_PACKAGE
            if before is not None and (leaf is None or is_added):
                removed.append(before)
            if leaf is not None and is_added:
                added.append(Member.at(place, leaf))
            elif leaf is not None and leaf.source is LeafNodeSource.UPDATE:
                updated.append(Member.at(place, leaf))
        own = after.member(after.own_leaf)
        if own is None:
            raise DamagedSnapshot("what is stored of a commit in flight has no leaf of this member")
        return cls(
            base=base,
            next=after,
            encryption_secret=secret,
            sender=after.own_leaf,
            is_external=False,
            authenticated_data=b"",
            added=tuple(added),
            removed=tuple(removed),
            updated=tuple(updated),
            psks=(),
            sender_member=own,
            group_context_extensions=after.context.extensions,
            reinit=after.reinit,
        )

    def _after(self) -> EpochState:
        if self.next is None:
            raise NotAMember("this commit removes this member, who learns nothing of the epoch it begins")
        return self.next


Staged = StagedMessage | StagedApplication | StagedProposal | StagedCommit
