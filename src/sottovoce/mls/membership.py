"""What one member holds of a group and sees of it; merging alone changes it (RFC 9420 §12.4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from sottovoce.crypto.secret import Secret
from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls.config import DEFAULT_CONFIG, GroupConfig
from sottovoce.mls.epoch import EpochState, Member, MessageEpoch, PastEpoch
from sottovoce.mls.errors import GroupReinitialized, NotAMember, StaleStaging
from sottovoce.mls.extensions import Extensions
from sottovoce.mls.framing import Sender
from sottovoce.mls.join import Joined
from sottovoce.mls.proposals import ReInit
from sottovoce.mls.psks import ResumptionPSK, resumption_psk_of
from sottovoce.mls.records import (
    GROUP,
    Changes,
    StoredGroup,
    commit_changes,
    encode_sent,
    group_record,
    message_key,
    past_key,
    proposal_key,
)
from sottovoce.mls.secret_tree import SecretTree
from sottovoce.mls.staged import Staged, StagedCommit, StagedProposal
from sottovoce.mls.tree_math import LeafIndex


class Membership:
    """The state of one member of one group: its epoch, the secrets kept of those before, what is pending."""

    def __init__(self, stored: StoredGroup, config: GroupConfig) -> None:
        self._state = stored.state
        self._pending = {sent.reference or b"": sent for sent in stored.pending}
        self._join_extensions = stored.join_extensions
        self._is_active = stored.is_active
        self._epochs = dict(stored.epochs)
        self._config = config
        self._changes: Changes | None = None  # None until the records are taken for the first time

    @classmethod
    def _begin(cls, joined: Joined, config: GroupConfig) -> Self:
        state = joined.state
        group = cls(StoredGroup(state, {}, (), joined.group_info_extensions), config)
        group._open_epoch(state, joined.encryption_secret)
        return group

    # -- looking -----------------------------------------------------------------------------------

    @property
    def suite(self) -> CipherSuite:
        """The group's cipher suite; it never changes."""
        return self._state.suite

    @property
    def group_id(self) -> bytes:
        """The group's identifier."""
        return self._state.context.group_id

    @property
    def epoch(self) -> int:
        """Number of the current epoch."""
        return self._state.epoch

    @property
    def own_leaf_index(self) -> LeafIndex:
        """Leaf of this member."""
        return self._state.own_leaf

    @property
    def extensions(self) -> Extensions:
        """The GroupContext's extensions."""
        return self._state.context.extensions

    @property
    def join_extensions(self) -> Extensions:
        """Extensions, but the tree, of the GroupInfo this member joined with; a creator has none.

        They may hold secrets of the application, so they are gone once a commit is merged.
        """
        return self._join_extensions

    @property
    def epoch_authenticator(self) -> bytes:
        """What members compare to know that they are in one epoch, Nh bytes (RFC 9420 §8.7)."""
        return self._state.secrets.epoch_authenticator

    @property
    def confirmed_transcript_hash(self) -> bytes:
        """The hash over all commits so far, Nh bytes (RFC 9420 §8.2)."""
        return self._state.context.confirmed_transcript_hash

    @property
    def is_active(self) -> bool:
        """Whether this member is still one: False once its removal is merged."""
        return self._is_active

    @property
    def reinit(self) -> ReInit | None:
        """The ReInit that closed this group, from which :meth:`Group.reinitialize` goes on; else None."""
        return self._state.reinit

    @property
    def has_pending_proposals(self) -> bool:
        """Whether proposals wait for a commit."""
        return bool(self._pending)

    @property
    def must_commit_first(self) -> bool:
        """Whether a commit must come before application data: somebody else has proposed something.

        RFC 9420 §12.4: a member "that has observed one or more valid proposals within an epoch MUST send a
        Commit message before sending application data", so that who was to be removed is not sent it.
        """
        own = Sender.member(self.own_leaf_index)
        return any(sent.sender != own for sent in self._pending.values())

    def members(self) -> tuple[Member, ...]:
        """Return the members, from the ratchet tree alone."""
        return self._state.members()

    def member(self, leaf: LeafIndex) -> Member | None:
        """Return the member at ``leaf``, None where there is none."""
        return self._state.member(leaf)

    def export(self, label: str | bytes, context: bytes, length: int) -> Secret:
        """Return ``length`` bytes, 255 times Nh at most, derived for the application (RFC 9420 §8.5)."""
        self._require_active()
        return self._state.export(label, context, length)

    def ratchet_tree(self) -> bytes:
        """Return the encoded ratchet tree, to go beside a GroupInfo or a Welcome (RFC 9420 §12.4.3.3)."""
        return self._state.tree.encode()

    def resumption_psk(self, epoch: int | None = None) -> ResumptionPSK:
        """Return the resumption PSK of a kept epoch, of the current one by default (RFC 9420 §8.6)."""
        self._require_active()
        return resumption_psk_of(self._state, self._epochs, epoch)

    def group_info(
        self, extensions: Extensions = (), *, with_tree: bool = True, external: bool = True
    ) -> bytes:
        """Return a signed GroupInfo as an MLSMessage (RFC 9420 §12.4.3).

        With ``external`` it names the key to join externally with, which nobody can at epoch 0.
        """
        self._require_open()
        return self._state.group_info_message(extensions, with_tree=with_tree, external=external)

    # -- merging -----------------------------------------------------------------------------------

    def merge(self, staged: Staged) -> None:
        """Make a staged result so; raises ``StaleStaging``, changing nothing, if the group has moved on."""
        if isinstance(staged, StagedCommit):
            self._merge_commit(staged)
            return
        step = staged.step
        epoch = self._epochs.get(staged.epoch)
        if epoch is None or (isinstance(staged, StagedProposal) and staged.epoch != self._state.epoch):
            raise StaleStaging("the epoch of this message is over: its keys are deleted")
        if step is not None:
            epoch.secret_tree.apply(step)
        if isinstance(staged, StagedProposal):
            self._pending[staged.reference] = staged.sent
            number = list(self._pending).index(staged.reference)
            self._note({proposal_key(staged.epoch, number): encode_sent(staged.sent)})

    def _merge_commit(self, staged: StagedCommit) -> None:
        if staged.base is not self._state:
            raise StaleStaging("another commit was first: drop this one and plan again")
        self._use_key_of(staged)
        self._note({proposal_key(self._state.epoch, number): None for number in range(len(self._pending))})
        self._pending, self._join_extensions = {}, ()
        if staged.next is None:
            # §12.4.2: a removed client "SHOULD promptly delete its group state and secret tree".
            self._is_active = False
            self._state = self._state.without_keys()
            self._note({GROUP: group_record(self._state, is_active=False)})
            self._forget_before(self._state.epoch + 1)
            return
        past = PastEpoch.of(self._state, staged.next)
        self._epochs[self._state.epoch] = MessageEpoch(past, self._epochs[self._state.epoch].secret_tree)
        if self._changes is not None:
            self._changes |= commit_changes(past, self._state, staged.next)
        self._state = staged.next
        self._open_epoch(staged.next, staged.encryption_secret)
        self._forget_before(self._state.epoch - self._config.past_epochs)

    def _use_key_of(self, staged: StagedCommit) -> None:
        tree = self._epochs[self._state.epoch].secret_tree
        if staged.step is not None:
            tree.apply(staged.step)
        if staged.send_step is not None and not tree.is_applied(staged.send_step.step):
            tree.apply(staged.send_step.step)

    def _open_epoch(self, state: EpochState, encryption_secret: bytes) -> None:
        tree = SecretTree(state.suite, state.tree.leaf_count, encryption_secret, self._config.limits)
        self._epochs[state.epoch] = MessageEpoch(PastEpoch.of(state), tree)
        for label in ("encryption", "sender data", "exporter", "external", "confirm", "membership", "init"):
            self._trace(f"DeriveSecret(epoch secret, {label!r})")

    def _forget_before(self, oldest: int) -> None:
        for epoch in [one for one in self._epochs if one < oldest]:
            tree = self._epochs.pop(epoch).secret_tree
            gone = {**tree.take_changes(), **tree.records()}
            self._note(dict.fromkeys([past_key(epoch), *(message_key(epoch, key) for key in gone)]))

    def _note(self, changes: Mapping[bytes, bytes | None]) -> None:
        if self._changes is not None:
            self._changes |= changes

    def _require_active(self) -> None:
        if not self._is_active:
            raise NotAMember("this member was removed from the group: join again")

    def _require_open(self) -> None:
        self._require_active()
        if self._state.reinit is not None:
            raise GroupReinitialized("the group was closed by a ReInit: go on with its successor")

    def _trace(self, line: str) -> None:
        self._config.trace_step(self._state.suite, self._state.epoch, line)

    # -- storing -----------------------------------------------------------------------------------

    def take_changes(self) -> Changes:
        """Take the records changed since the last call: value to write, or None to delete.

        They hold secrets, and are to be stored together, before anything that was encrypted is sent. The
        first call returns all records of a group that was created or joined.
        """
        taken, self._changes = self._changes, {}
        of_messages = {
            message_key(epoch, key): value
            for epoch, one in self._epochs.items()
            for key, value in one.secret_tree.take_changes().items()
        }
        return {**self.records()} if taken is None else {**taken, **of_messages}

    def records(self) -> dict[bytes, bytes]:
        """Return every record, as a store holds them once all changes are written (see ``mls.records``)."""
        pending = tuple(self._pending.values())
        return StoredGroup(
            self._state, self._epochs, pending, self._join_extensions, self._is_active
        ).records()

    def resume(self, stored: Mapping[bytes, bytes | None]) -> StagedCommit:
        """Make a commit of ours again, on its way when this member was restored, to be merged if accepted.

        ``stored`` is what its :meth:`StagedCommit.stored` gave; raises ``DamagedSnapshot`` unless it is of
        this epoch. Message, Welcome, authenticated data and PSKs are not of it any more.
        """
        self._require_active()
        return StagedCommit.resumed(self._state, stored)

    @classmethod
    def restore(cls, records: Mapping[bytes, bytes], *, config: GroupConfig = DEFAULT_CONFIG) -> Self:
        """Make a group again from its records; raises ``DamagedSnapshot``.

        Records it has no more use for, of epochs too old perhaps, are among its first changes.
        """
        group = cls(StoredGroup.read(records, config.limits), config)
        group._forget_before(group._state.epoch - config.past_epochs)
        kept = group.records()
        group._changes = {key: None for key in records if key not in kept}
        return group
