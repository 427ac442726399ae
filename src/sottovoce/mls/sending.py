"""From what a member wants to send to a staged result (RFC 9420 §6, §12.1, §12.4.1); nothing changes here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sottovoce.crypto.secret import Secret
from sottovoce.mls.commit import CommitPlan, create_commit
from sottovoce.mls.config import GroupConfig
from sottovoce.mls.details import ProtectedContent
from sottovoce.mls.epoch import EpochState, MessageEpoch
from sottovoce.mls.extensions import Extensions
from sottovoce.mls.framing import Content, FramedContent, MLSMessage, Sender, WireFormat
from sottovoce.mls.key_package import KeyPackage, Random
from sottovoce.mls.own_proposals import ProposalChoice
from sottovoce.mls.proposal_list import OwnUpdate, SentProposal
from sottovoce.mls.proposals import (
    Add,
    GroupContextExtensions,
    PreSharedKey,
    PreSharedKeyID,
    Proposal,
    ReInit,
    Remove,
    ResumptionUsage,
    SelfRemove,
)
from sottovoce.mls.protection import VerifiedContent, encrypt_content, public_message, sign_content
from sottovoce.mls.psks import KnownPSKs, ResumptionPSK, name_external, name_resumption
from sottovoce.mls.receiving import check_proposal
from sottovoce.mls.secret_tree import SecretTree, ratchet_kind
from sottovoce.mls.self_removal import require_self_removal
from sottovoce.mls.staged import StagedCommit, StagedMessage, StagedProposal
from sottovoce.mls.tree_math import LeafIndex


def sign_own(
    state: EpochState, content: Content, authenticated_data: bytes, wire_format: WireFormat
) -> VerifiedContent:
    """Frame and sign content of our own for the way it will travel (§6.1)."""
    context, sender = state.context, Sender.member(state.own_leaf)
    framed = FramedContent(context.group_id, context.epoch, sender, authenticated_data, content)
    return sign_content(state.suite, state.signer, wire_format, framed, context.encoded)


def encrypt_own(
    state: EpochState, tree: SecretTree, config: GroupConfig, message: VerifiedContent, random: Random
) -> StagedMessage:
    """Encrypt signed content of our own with the next key of our ratchet (§6.3)."""
    content_type = message.content.content_type
    step = tree.plan_next(state.own_leaf, ratchet_kind(content_type))
    if config.trace is not None:
        line = f"{content_type.name.lower()} key, generation {step.generation}"
        config.trace_step(state.suite, state.epoch, line)
    reuse_guard = random(4)
    private = encrypt_content(
        state.suite,
        message,
        step,
        state.secrets.sender_data_secret,
        reuse_guard=reuse_guard,
        padded_length=config.padding,
    )
    protected = ProtectedContent(private, message, step, reuse_guard)
    return StagedMessage(MLSMessage(private).encode(), state.epoch, step, protected)


@dataclass(frozen=True)
class CommitRequest:
    """What a member asks to be committed, and how."""

    add: Sequence[KeyPackage | bytes] = ()
    remove: Sequence[LeafIndex] = ()
    psks: Mapping[bytes, Secret] = field(default_factory=dict, repr=False)
    resumption_psks: Sequence[ResumptionPSK] = ()
    group_context_extensions: Extensions | None = None
    reinit: ReInit | None = None
    force_path: bool = True
    include_pending: bool = True
    with_tree: bool = True
    welcome_group_info_extensions: Extensions = ()
    authenticated_data: bytes = b""
    usage: ResumptionUsage = ResumptionUsage.APPLICATION

    def by_value(self, state: EpochState, pending: Sequence[SentProposal], random: Random) -> list[Proposal]:
        """Return what is asked for as proposals; a PSK that a pending one names is not named again."""
        suite = state.suite
        proposals: list[Proposal] = [Add(key_package_of(package)) for package in self.add]
        proposals += map(Remove, self.remove)
        named = {_name(sent.proposal.psk) for sent in pending if isinstance(sent.proposal, PreSharedKey)}
        psks = name_external(self.psks, suite, random)
        psks += [name_resumption(psk, suite, random, self.usage) for psk in self.resumption_psks]
        proposals += [PreSharedKey(psk) for psk in psks if _name(psk) not in named]
        if self.group_context_extensions is not None:
            proposals.append(GroupContextExtensions(tuple(self.group_context_extensions)))
        if self.reinit is not None:
            proposals.append(self.reinit)
        return proposals


def _name(psk: PreSharedKeyID) -> tuple[bytes, bytes, int]:
    return psk.psk_id, psk.group_id, psk.epoch


@dataclass(frozen=True)
class Author:
    """All that sending a handshake message looks at, and does not change."""

    state: EpochState
    epochs: Mapping[int, MessageEpoch]
    pending: Mapping[bytes, SentProposal]
    config: GroupConfig
    random: Random = field(repr=False)

    def propose(
        self, proposal: Proposal, authenticated_data: bytes, own_update: OwnUpdate | None = None
    ) -> StagedProposal:
        """Sign and frame a proposal (§12.1); raises what the limits and the application's check raise."""
        wire_format = self.config.handshake_format
        if isinstance(proposal, SelfRemove):
            require_self_removal(self.state, self.pending)
            wire_format = WireFormat.PUBLIC_MESSAGE
        message = sign_own(self.state, proposal, authenticated_data, wire_format)
        data, sending = self._frame(message)
        reference = message.reference(self.state.suite)
        sent = SentProposal(proposal, message.content.sender, reference, own_update)
        step = None if sending is None else sending.step
        staged = StagedProposal(data, self.state.epoch, sent, reference, step)
        check_proposal(staged, self.pending, self.config)
        return staged

    def commit(self, request: CommitRequest, now: int) -> StagedCommit:
        """Work a commit out, with those of the pending proposals that can stand in it (§12.4.1)."""
        state, config = self.state, self.config
        pending = list(self.pending.values()) if request.include_pending else []
        by_value = request.by_value(state, pending, self.random)
        known = KnownPSKs.of_member(state, self.epochs, request.psks, request.resumption_psks)
        referred = ProposalChoice(state, config, by_value, known, now).choose(pending) if pending else []
        plan = CommitPlan(
            referred,
            by_value,
            request.force_path,
            request.authenticated_data,
            request.welcome_group_info_extensions,
            request.with_tree,
            request.usage,
        )
        made = create_commit(state, config, plan, known=known, random=self.random, now=now)
        data, sending = self._frame(made.content)
        staged = replace(made.staged, message=data, send_step=sending)
        if config.check_commit is not None:
            config.check_commit(staged)
        return staged

    def _frame(self, message: VerifiedContent) -> tuple[bytes, StagedMessage | None]:
        state = self.state
        if message.wire_format is WireFormat.PRIVATE_MESSAGE:
            tree = self.epochs[state.epoch].secret_tree
            sending = encrypt_own(state, tree, self.config, message, self.random)
            return sending.message, sending
        key = state.secrets.membership_key
        return MLSMessage(public_message(state.suite, key, message, state.context.encoded)).encode(), None


def key_package_of(key_package: KeyPackage | bytes) -> KeyPackage:
    """Return the key package of an MLSMessage, or the one given; raises ``DecodingError``."""
    return key_package if isinstance(key_package, KeyPackage) else KeyPackage.from_message(key_package)
