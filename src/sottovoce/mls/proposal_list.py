"""The proposals of one commit: which may stand together, and what they do (RFC 9420 §12.2, §12.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sottovoce.crypto.key_pair import KeyPair
from sottovoce.mls.config import GroupConfig
from sottovoce.mls.epoch import EpochState, Member
from sottovoce.mls.errors import ValidationError
from sottovoce.mls.extensions import Extensions
from sottovoce.mls.external_senders import validate_external_senders
from sottovoce.mls.framing import Sender, SenderType
from sottovoce.mls.key_package import KeyPackage
from sottovoce.mls.nodes import LeafNode, LeafNodeSource
from sottovoce.mls.proposals import (
    Add,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    PreSharedKeyID,
    Proposal,
    ProposalType,
    ReInit,
    Remove,
    ResumptionUsage,
    SelfRemove,
    Update,
)
from sottovoce.mls.ratchet_tree import RatchetTree
from sottovoce.mls.rules import ValidationRule
from sottovoce.mls.tree_math import LeafIndex
from sottovoce.mls.tree_validation import (
    validate_group_support,
    validate_leaf_alone,
    validate_public_key,
    validate_uniqueness,
)


@dataclass(frozen=True)
class OwnUpdate:
    """The private halves of an Update that this member proposed."""

    encryption_private_key: bytes = field(repr=False)
    signature_key_pair: KeyPair


@dataclass(frozen=True)
class SentProposal:
    """A proposal with its sender; ``reference`` is its ProposalRef unless the commit holds it by value."""

    proposal: Proposal
    sender: Sender
    reference: bytes | None = None
    own_update: OwnUpdate | None = None


@dataclass(frozen=True)
class Applied:
    """What a list of proposals made of an epoch's tree and context; the path is not in yet."""

    tree: RatchetTree
    extensions: Extensions
    added: tuple[tuple[LeafIndex, KeyPackage], ...]
    removed: tuple[Member, ...]
    updated: tuple[LeafIndex, ...]
    psks: tuple[PreSharedKeyID, ...]
    left: frozenset[LeafIndex]
    """Those of the removed who removed themselves."""
    external_init: bytes | None
    reinit: ReInit | None
    needs_path: bool


def validate_reinit(state: EpochState, config: GroupConfig, reinit: ReInit) -> None:
    """Check a ReInit by itself (§12.1.5); raises ``ValidationError`` P19 or P20."""
    # §12.1.5: it "is invalid if the version field is less than the version for the current group".
    if reinit.version < state.context.version:
        raise ValidationError(ValidationRule.PROPOSAL_REINIT_VERSION, f"version {reinit.version}")
    if not config.accept_reinit:
        raise ValidationError(ValidationRule.PROPOSAL_REINIT_ACCEPTED)


def _validate_kinds(
    state: EpochState, config: GroupConfig, proposals: Sequence[SentProposal], *, external: bool
) -> None:
    """Check which proposals may stand in a commit of a member, or of an external joiner (§12.2)."""
    kinds = [type(sent.proposal) for sent in proposals]
    if kinds.count(GroupContextExtensions) > 1:
        raise ValidationError(ValidationRule.PROPOSAL_EXTENSIONS_ONCE)
    if SelfRemove in kinds:
        _validate_self_removals(state, proposals)
    if not external:
        # §12.2: the list is invalid if "It contains an ExternalInit proposal", or "a ReInit proposal
        # together with any other proposal".
        if ExternalInit in kinds:
            raise ValidationError(ValidationRule.PROPOSAL_ALLOWED)
        for sent in proposals:
            if isinstance(sent.proposal, ReInit):
                validate_reinit(state, config, sent.proposal)
                if len(kinds) > 1:
                    raise ValidationError(ValidationRule.PROPOSAL_REINIT_ALONE)
        return
    # §12.2: an external commit has exactly one ExternalInit, at most one Remove, PSKs, nothing else and
    # nothing by reference; but for SelfRemoves, which draft-ietf-mls-extensions adds.
    allowed = set(kinds) <= {ExternalInit, Remove, PreSharedKey, SelfRemove}
    by_value = all(sent.reference is None for sent in proposals if not isinstance(sent.proposal, SelfRemove))
    if not allowed or not by_value or kinds.count(ExternalInit) != 1 or kinds.count(Remove) > 1:
        raise ValidationError(ValidationRule.PROPOSAL_EXTERNAL)


def is_self_remove_capable(tree: RatchetTree) -> bool:
    """Whether every member lists the type of SelfRemove."""
    return all(leaf.capabilities.supports_proposal(ProposalType.SELF_REMOVE) for leaf in tree.leaves())


def _validate_self_removals(state: EpochState, proposals: Sequence[SentProposal]) -> None:
    # §12.2: the list is invalid if it "contains a Proposal with a non-default proposal type that is not
    # supported by some members of the group".
    if not is_self_remove_capable(state.tree):
        raise ValidationError(ValidationRule.PROPOSAL_SUPPORTED)
    # draft-ietf-mls-extensions: they "are only allowed in a Commit by reference".
    for sent in proposals:
        if isinstance(sent.proposal, SelfRemove) and sent.reference is None:
            raise ValidationError(ValidationRule.PROPOSAL_SELF_REMOVE)


def _validate_targets(
    state: EpochState, proposals: Sequence[SentProposal], committer: LeafIndex | None
) -> None:
    """Check whom Updates and Removes touch (§12.2)."""
    touched: set[LeafIndex] = set()
    for sent in proposals:
        proposal = sent.proposal
        if isinstance(proposal, Remove):
            leaf = proposal.removed
            if state.tree.leaf(leaf) is None:
                raise ValidationError(ValidationRule.PROPOSAL_REMOVE_MEMBER, f"leaf {leaf}")
        elif isinstance(proposal, Update):
            if sent.sender.sender_type is not SenderType.MEMBER:
                raise ValidationError(ValidationRule.PROPOSAL_UPDATE_SENDER)
            leaf = LeafIndex(sent.sender.index)
        elif isinstance(proposal, SelfRemove):
            leaf = LeafIndex(sent.sender.index)
        else:
            continue
        # §12.2: "It contains an Update proposal generated by the committer", "a Remove proposal that
        # removes the committer", "multiple Update and/or Remove proposals that apply to the same leaf".
        if leaf == committer:
            raise ValidationError(ValidationRule.PROPOSAL_OWN_UPDATE)
        if leaf in touched:
            raise ValidationError(ValidationRule.PROPOSAL_ONE_PER_LEAF, f"leaf {leaf}")
        touched.add(leaf)


def _validate_psks(
    state: EpochState, proposals: Sequence[SentProposal], usage: ResumptionUsage
) -> tuple[PreSharedKeyID, ...]:
    psks = tuple(sent.proposal.psk for sent in proposals if isinstance(sent.proposal, PreSharedKey))
    for psk in psks:
        # §12.1.4: usage reinit and branch stand in the first commit of a group that follows another, and
        # nowhere else; "psk_nonce is not of length KDF.Nh" is invalid.
        wanted = psk.usage in (ResumptionUsage.APPLICATION, usage)
        if not wanted or len(psk.nonce) != state.suite.secret_length:
            raise ValidationError(ValidationRule.PROPOSAL_PSK_FORM)
    # §12.2: no "multiple PreSharedKey proposals that reference the same PreSharedKeyID". The nonce is a part
    # of it: if two members propose one key, both proposals are committed.
    if len(set(psks)) != len(psks):
        raise ValidationError(ValidationRule.PROPOSAL_PSK_ONCE)
    return psks


def validate_leaf_in_place(
    state: EpochState, config: GroupConfig, leaf: LeafNode, index: LeafIndex, source: LeafNodeSource
) -> None:
    """Check a leaf that comes by Update or with a path for ``index`` (§7.3)."""
    if leaf.source is not source:
        raise ValidationError(ValidationRule.LEAF_SOURCE, f"leaf {index}")
    if not leaf.verify(state.suite, state.context.group_id, index):
        raise ValidationError(ValidationRule.LEAF_SIGNATURE, f"leaf {index}")
    validate_leaf_alone(leaf, config.leaf_limits)
    validate_public_key(state.suite, leaf.encryption_key)
    config.authentication.validate(leaf.credential, leaf.signature_key)


def validate_successor(config: GroupConfig, old: LeafNode, new: LeafNode) -> None:
    """Check that a leaf is followed by one of the same client with a new key (§5.3.1, §7.3)."""
    if old.encryption_key == new.encryption_key:
        raise ValidationError(ValidationRule.LEAF_KEY_FRESH)
    if not config.authentication.same_client(old.credential, new.credential):
        raise ValidationError(ValidationRule.CREDENTIAL_SUCCESSOR)


def apply_proposals(
    state: EpochState,
    config: GroupConfig,
    proposals: Sequence[SentProposal],
    *,
    committer: LeafIndex | None,
    now: int,
    usage: ResumptionUsage = ResumptionUsage.APPLICATION,
) -> Applied:
    """Validate a commit's proposals and apply them to a copy of the epoch's tree (§12.2, §12.3).

    ``committer`` is None for an external commit. ``now`` is Unix time in seconds. ``usage`` is another one
    only in the first commit, our own, of a group that follows another (§11.2, §11.3).
    """
    _validate_kinds(state, config, proposals, external=committer is None)
    _validate_targets(state, proposals, committer)
    psks = _validate_psks(state, proposals, usage)
    tree, extensions = state.tree.copy(), state.context.extensions
    removed: list[Member] = []
    updated: list[LeafIndex] = []
    added: list[tuple[LeafIndex, KeyPackage]] = []
    external_init = reinit = None
    # §12.3: GroupContextExtensions first, then Updates, Removes and Adds in their order.
    for sent in proposals:
        if isinstance(sent.proposal, GroupContextExtensions):
            extensions = sent.proposal.extensions
            validate_external_senders(extensions, state.context.extensions, config.authentication)
        elif isinstance(sent.proposal, ExternalInit):
            external_init = sent.proposal.kem_output
        elif isinstance(sent.proposal, ReInit):
            reinit = sent.proposal
    for sent in proposals:
        if isinstance(sent.proposal, Update):
            index = LeafIndex(sent.sender.index)
            _update(state, config, tree, index, sent.proposal.leaf_node)
            updated.append(index)
    # draft-ietf-mls-extensions: SelfRemoves "are processed after Update proposals and before Remove
    # proposals".
    left = [LeafIndex(sent.sender.index) for sent in proposals if isinstance(sent.proposal, SelfRemove)]
    for index in [*left, *(sent.proposal.removed for sent in proposals if isinstance(sent.proposal, Remove))]:
        removed += [Member.at(at, leaf) for at, leaf in ((index, tree.leaf(index)),) if leaf is not None]
        tree.remove(index)
    for sent in proposals:
        if isinstance(sent.proposal, Add):
            package = sent.proposal.key_package
            validate_addition(state, config, package, now)
            added.append((tree.add(package.leaf_node), package))
    # §12.4: a path may be left out only if there are proposals and none but Add, PSK and ReInit.
    needs_path = not all(isinstance(sent.proposal, Add | PreSharedKey | ReInit) for sent in proposals)
    return Applied(
        tree,
        extensions,
        tuple(added),
        tuple(removed),
        tuple(updated),
        psks,
        frozenset(left),
        external_init,
        reinit,
        needs_path or not proposals,
    )


def _update(
    state: EpochState, config: GroupConfig, tree: RatchetTree, index: LeafIndex, leaf: LeafNode
) -> None:
    old = tree.leaf(index)
    if old is None:
        raise ValidationError(ValidationRule.PROPOSAL_UPDATE_SENDER, f"leaf {index}")
    validate_leaf_in_place(state, config, leaf, index, LeafNodeSource.UPDATE)
    validate_successor(config, old, leaf)
    tree.update(index, leaf)


def validate_addition(state: EpochState, config: GroupConfig, package: KeyPackage, now: int) -> None:
    """Check a key package by which a client is to be added, apart from the other members (§7.3, §10.1)."""
    package.validate(state.suite, now, config.authentication)
    validate_leaf_alone(package.leaf_node, config.leaf_limits)
    for key in (package.init_key, package.leaf_node.encryption_key):
        validate_public_key(state.suite, key)


def validate_result(state: EpochState, applied: Applied, changed: Sequence[LeafIndex]) -> None:
    """Check the tree that a whole commit makes: keys unique, everyone able to take part (§7.3, §12.4.2)."""
    validate_uniqueness(applied.tree)
    whole = applied.extensions != state.context.extensions
    validate_group_support(applied.tree, state.suite, applied.extensions, None if whole else changed)
