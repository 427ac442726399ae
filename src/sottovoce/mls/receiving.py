"""From a received message to a staged result (RFC 9420 §6, §12.1, §12.4.2); nothing changes here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sottovoce.crypto.secret import Secret
from sottovoce.mls.commit import receive_commit
from sottovoce.mls.config import GroupConfig
from sottovoce.mls.details import ProtectedContent
from sottovoce.mls.epoch import EpochState, MessageEpoch, member_at
from sottovoce.mls.errors import KeyConsumed, OwnMessage, ValidationError, WrongEpoch
from sottovoce.mls.framing import (
    ContentType,
    MLSMessage,
    PrivateMessage,
    PublicMessage,
    Sender,
    SenderType,
)
from sottovoce.mls.outsiders import external_sender_of, outsider_key
from sottovoce.mls.proposal_list import (
    SentProposal,
    is_self_remove_capable,
    validate_addition,
    validate_reinit,
)
from sottovoce.mls.proposals import Add, Commit, ExternalInit, ReInit, SelfRemove
from sottovoce.mls.protection import (
    VerifiedContent,
    decrypt_content,
    open_sender_data,
    verify,
    verify_membership_tag,
)
from sottovoce.mls.psks import KnownPSKs, ResumptionPSK
from sottovoce.mls.rules import ValidationRule
from sottovoce.mls.secret_tree import RatchetStep
from sottovoce.mls.self_removal import validate_self_removal
from sottovoce.mls.staged import StagedApplication, StagedCommit, StagedProposal
from sottovoce.mls.tree_math import LeafIndex


@dataclass(frozen=True)
class Receiver:
    """All that receiving looks at, and does not change."""

    state: EpochState
    epochs: Mapping[int, MessageEpoch]
    pending: Mapping[bytes, SentProposal]
    config: GroupConfig
    psks: Mapping[bytes, Secret] = field(repr=False)
    resumption_psks: Sequence[ResumptionPSK]

    def receive(self, data: bytes, now: int) -> StagedApplication | StagedProposal | StagedCommit:
        """Decode, decrypt, verify and work out one message; raises ``PeerError``."""
        body = MLSMessage.decode(data).body
        if isinstance(body, PrivateMessage):
            return self._receive_private(body, now)
        if isinstance(body, PublicMessage):
            return self._receive_public(body, now)
        raise ValidationError(ValidationRule.FRAMING_WIRE_FORMAT)

    def _check_header(self, group_id: bytes, epoch: int, content_type: ContentType) -> None:
        # §6: group id and epoch say which group and which keys are meant.
        if group_id != self.state.context.group_id:
            raise ValidationError(ValidationRule.FRAMING_GROUP)
        # §12.4: proposals and commits are for the current epoch; only application data may come late.
        late = content_type is ContentType.APPLICATION and epoch in self.epochs
        if epoch != self.state.epoch and not late:
            raise WrongEpoch(epoch, self.state.epoch)
        # §12.4.2: after a ReInit "the client MUST NOT use the group to send messages anymore".
        if self.state.reinit is not None and epoch == self.state.epoch:
            raise ValidationError(ValidationRule.FRAMING_REINITIALIZED)

    def _receive_private(
        self, message: PrivateMessage, now: int
    ) -> StagedApplication | StagedProposal | StagedCommit:
        self._check_header(message.group_id, message.epoch, message.content_type)
        epoch, suite = self.epochs[message.epoch], self.state.suite
        sender = open_sender_data(suite, message, epoch.past.sender_data_secret)
        member = member_at(self.state, self.epochs, message.epoch, sender.leaf)
        # §6.3.2: "the recipient MUST verify that the leaf index ... identifies a non-blank node".
        if member is None:
            raise ValidationError(ValidationRule.FRAMING_SENDER, f"leaf {sender.leaf}")
        is_own = sender.leaf == epoch.past.own_leaf
        try:
            content, step = decrypt_content(suite, message, sender, epoch.secret_tree)
        except KeyConsumed as error:
            raise (OwnMessage(is_from_another_copy=False) if is_own else error) from None
        verified = verify(suite, member.signature_key, content, epoch.past.context.encoded)
        if is_own:
            raise OwnMessage(is_from_another_copy=True)
        body = verified.content.content
        if isinstance(body, bytes):
            data = message.authenticated_data
            protected = ProtectedContent(message, content, step, sender.reuse_guard)
            return StagedApplication(body, member, message.epoch, data, step, protected)
        return self._handshake(verified, now, step)

    def _receive_public(self, message: PublicMessage, now: int) -> StagedProposal | StagedCommit:
        content, state = message.content, self.state
        # §6: "Applications MUST use PrivateMessage to encrypt application messages".
        if content.content_type is ContentType.APPLICATION:
            raise ValidationError(ValidationRule.FRAMING_APPLICATION_ENCRYPTED)
        self._check_header(content.group_id, content.epoch, content.content_type)
        authenticated = message.authenticated()
        if content.sender.sender_type is SenderType.MEMBER:
            leaves = isinstance(content.content, SelfRemove) and is_self_remove_capable(state.tree)
            if not self.config.accept_public_messages and not leaves:
                raise ValidationError(ValidationRule.FRAMING_MEMBER_ENCRYPTS)
            member = state.member(LeafIndex(content.sender.index))
            if member is None:
                raise ValidationError(ValidationRule.FRAMING_SENDER, f"leaf {content.sender.index}")
            key = state.secrets.membership_key
            verify_membership_tag(state.suite, key, message, state.context.encoded)
            signature_key = member.signature_key
        else:
            signature_key = outsider_key(state, self.config, content)
        verified = verify(state.suite, signature_key, authenticated, state.context.encoded)
        if content.sender == Sender.member(state.own_leaf):
            raise OwnMessage(is_from_another_copy=False)
        return self._handshake(verified, now, None)

    def _handshake(
        self, message: VerifiedContent, now: int, step: RatchetStep | None
    ) -> StagedProposal | StagedCommit:
        body, state = message.content.content, self.state
        if isinstance(body, Commit):
            staged = receive_commit(
                state,
                self.config,
                message,
                body,
                pending=self.pending.get,
                known=KnownPSKs.of_member(state, self.epochs, self.psks, self.resumption_psks),
                now=now,
            )
            if self.config.check_commit is not None:
                self.config.check_commit(staged)
            return replace(staged, step=step)
        # §12.1.6: an ExternalInit is never proposed, it comes with an external commit.
        if isinstance(body, bytes | ExternalInit):
            raise ValidationError(ValidationRule.PROPOSAL_ALLOWED)
        if isinstance(body, ReInit):
            validate_reinit(state, self.config, body)
        sender, reference = message.content.sender, message.reference(state.suite)
        if isinstance(body, Add) and sender.sender_type is not SenderType.MEMBER:
            # §10.1, judged at once: so it is never one of those to try out.
            validate_addition(state, self.config, body.key_package, now)
        if isinstance(body, SelfRemove):
            validate_self_removal(state, message, reference, self.pending)
        sent, external = SentProposal(body, sender, reference), external_sender_of(state, sender)
        proposed = StagedProposal(b"", state.epoch, sent, reference, step, external)
        check_proposal(proposed, self.pending, self.config)
        return proposed


def check_proposal(
    staged: StagedProposal, pending: Mapping[bytes, SentProposal], config: GroupConfig
) -> None:
    """Check that its sender may propose this; raises ``ValidationError`` P15 or the application's error.

    §12.4 has every member keep each proposal of the epoch for the commit that may refer to it. With a limit
    nobody fills the memory of the others, or makes them try out thousands of proposals to commit. Whoever
    reads the same messages counts the same, so all keep the same ones.
    """
    senders = [sent.sender for reference, sent in pending.items() if reference != staged.reference]
    if senders.count(staged.sent.sender) >= config.max_pending_proposals:
        raise ValidationError(ValidationRule.PROPOSAL_COUNT, f"sender {staged.sent.sender.index}")
    if config.check_proposal is not None:
        config.check_proposal(staged)
