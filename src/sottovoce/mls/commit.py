"""Making a commit, and working one out that was received (RFC 9420 §12.4.1, §12.4.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from sottovoce.crypto.errors import DecryptionError
from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls import tree_math
from sottovoce.mls.config import GroupConfig
from sottovoce.mls.epoch import EpochState, Member
from sottovoce.mls.errors import UndecryptableMessage, ValidationError
from sottovoce.mls.extensions import Extensions
from sottovoce.mls.framing import ContentAuth, FramedContent, MLSMessage, Sender, SenderType
from sottovoce.mls.group_info import EncryptedGroupSecrets, GroupContext, GroupSecrets, Welcome
from sottovoce.mls.key_package import Random
from sottovoce.mls.key_schedule import (
    KeySchedule,
    confirmed_transcript_hash,
    external_key_pair,
    interim_transcript_hash,
    joiner_secret,
    key_schedule,
    psk_secret,
    welcome_key_and_nonce,
)
from sottovoce.mls.labels import PREFIX, sealer_with_label
from sottovoce.mls.nodes import LeafNode, LeafNodeSource
from sottovoce.mls.proposal_list import (
    Applied,
    SentProposal,
    apply_proposals,
    validate_leaf_in_place,
    validate_result,
    validate_successor,
)
from sottovoce.mls.proposals import Commit, Proposal, ProposalReference, ReInit, ResumptionUsage, UpdatePath
from sottovoce.mls.protection import VerifiedContent, sign_content
from sottovoce.mls.psks import KnownPSKs
from sottovoce.mls.ratchet_tree import RatchetTree
from sottovoce.mls.rules import ValidationRule
from sottovoce.mls.staged import StagedCommit
from sottovoce.mls.tree_math import LeafIndex
from sottovoce.mls.tree_validation import validate_public_key
from sottovoce.mls.treekem import NewPath, PrivateKeys, new_path, open_path, receive_path

EXTERNAL_INIT_CONTEXT = PREFIX + b"external init secret"
"""Exporter context of an external init (RFC 9420 §8.3)."""


@dataclass(frozen=True)
class CommitPlan:
    """What a member wants to commit: proposals by reference, by value, and what surrounds them."""

    by_reference: Sequence[SentProposal]
    by_value: Sequence[Proposal]
    force_path: bool
    authenticated_data: bytes
    welcome_extensions: Extensions
    with_tree: bool
    usage: ResumptionUsage


@dataclass(frozen=True)
class SignedCommit:
    """A commit worked out as far as everything but its way of travelling."""

    staged: StagedCommit
    content: VerifiedContent


@dataclass(frozen=True)
class NextEpoch:
    """The parts from which a new epoch's state follows."""

    tree: RatchetTree
    extensions: Extensions
    init_secret: bytes = field(repr=False)
    commit_secret: bytes = field(repr=False)
    psk_secret: bytes = field(repr=False)

    def provisional_context(self, context: GroupContext, suite: CipherSuite) -> GroupContext:
        """Return the new GroupContext but for its transcript hash: path secrets are bound to it (§12.4.1)."""
        tree_hash = self.tree.tree_hash(suite)
        return replace(context, epoch=context.epoch + 1, tree_hash=tree_hash, extensions=self.extensions)

    def schedule(
        self, suite: CipherSuite, context: GroupContext, interim: bytes, content: VerifiedContent
    ) -> tuple[GroupContext, KeySchedule]:
        """Return the new epoch's context and secrets, once its commit is signed (§8.2, §12.4.2)."""
        confirmed = confirmed_transcript_hash(suite, interim, content.commit_input())
        new = replace(self.provisional_context(context, suite), confirmed_transcript_hash=confirmed)
        joiner = joiner_secret(suite, self.init_secret, self.commit_secret, new.encoded)
        return new, key_schedule(suite, joiner, self.psk_secret, new.encoded)


def confirmation_tag(suite: CipherSuite, schedule: KeySchedule, context: GroupContext) -> bytes:
    """Return the MAC by which a commit's makers show that they know the new epoch, Nh bytes (§8.1)."""
    return suite.mac(schedule.secrets.confirmation_key, context.confirmed_transcript_hash)


def external_init_secret(state: EpochState, kem_output: bytes) -> bytes:
    """Return the init secret that an external joiner chose (§8.3); raises ``UndecryptableMessage``."""
    suite = state.suite
    private = external_key_pair(suite, state.secrets.external_secret).private
    try:
        return suite.hpke_export_from(private, kem_output, b"", EXTERNAL_INIT_CONTEXT, suite.secret_length)
    except DecryptionError as error:
        raise UndecryptableMessage("the external init does not open") from error


def create_commit(
    state: EpochState,
    config: GroupConfig,
    plan: CommitPlan,
    *,
    known: KnownPSKs,
    random: Random,
    now: int,
) -> SignedCommit:
    """Work out a commit of our own (§12.4.1); nothing changes.

    Raises ``ValidationError`` for proposals that may not be committed.
    """
    suite, own = state.suite, state.own_leaf
    by_value = [SentProposal(proposal, Sender.member(own)) for proposal in plan.by_value]
    applied = apply_proposals(
        state, config, [*plan.by_reference, *by_value], committer=own, now=now, usage=plan.usage
    )
    tree = applied.tree
    path = _own_path(state, tree, random) if applied.needs_path or plan.force_path else None
    changed = [index for index, _ in applied.added] + list(applied.updated) + [own]
    validate_result(state, applied, changed)
    secrets = known.find(applied.psks)
    commit_secret = bytes(suite.secret_length) if path is None else path.secrets.commit_secret
    coming = NextEpoch(
        tree, applied.extensions, state.secrets.init_secret, commit_secret, psk_secret(suite, secrets)
    )
    update_path = None
    if path is not None:
        group_context = coming.provisional_context(state.context, suite).encoded
        update_path = path.encrypt(suite, tree, group_context, [index for index, _ in applied.added])
    references = [ProposalReference(sent.reference or b"") for sent in plan.by_reference]
    commit = Commit((*references, *plan.by_value), update_path)
    content = FramedContent(
        state.context.group_id, state.epoch, Sender.member(own), plan.authenticated_data, commit
    )
    signed = sign_content(suite, state.signer, config.handshake_format, content, state.context.encoded)
    context, schedule = coming.schedule(suite, state.context, state.interim_transcript_hash, signed)
    private_keys = _without_blank(state.private_keys, tree) | dict(path.private_keys if path else {})
    after = _next_state(state, coming, context, schedule, private_keys=private_keys, reinit=applied.reinit)
    welcome = _welcome(after, schedule, applied, path, plan) if applied.added else None
    signed = replace(signed, auth=ContentAuth(signed.auth.signature, after.confirmation_tag))
    staged = _staged(state, after, schedule, applied, sender=own, authenticated_data=plan.authenticated_data)
    return SignedCommit(replace(staged, welcome=welcome), signed)


def _own_path(state: EpochState, tree: RatchetTree, random: Random) -> NewPath:
    suite, own = state.suite, state.own_leaf
    leaf = tree.leaf(own)
    if leaf is None:
        raise ValidationError(ValidationRule.PROPOSAL_OWN_UPDATE)
    encryption = suite.derive_key_pair(random(suite.secret_length))
    return new_path(
        suite,
        tree,
        own,
        leaf,
        encryption=encryption,
        path_secret=random(suite.secret_length),
        group_id=state.context.group_id,
        signature_private_key=state.signer,
    )


def _without_blank(private_keys: PrivateKeys, tree: RatchetTree) -> dict[tree_math.NodeIndex, bytes]:
    width = tree_math.node_width(tree.leaf_count)
    return {at: key for at, key in private_keys.items() if at < width and tree.node(at) is not None}


def _next_state(
    state: EpochState,
    coming: NextEpoch,
    context: GroupContext,
    schedule: KeySchedule,
    *,
    private_keys: PrivateKeys,
    reinit: ReInit | None,
    signature_key_pair: KeyPair | None = None,
) -> EpochState:
    tag = confirmation_tag(state.suite, schedule, context)
    return replace(
        state,
        context=context,
        tree=coming.tree,
        signature_key_pair=signature_key_pair or state.signature_key_pair,
        private_keys=private_keys,
        secrets=schedule.secrets,
        interim_transcript_hash=interim_transcript_hash(state.suite, context.confirmed_transcript_hash, tag),
        confirmation_tag=tag,
        reinit=reinit,
    )


def _welcome(
    after: EpochState,
    schedule: KeySchedule,
    applied: Applied,
    path: NewPath | None,
    plan: CommitPlan,
) -> bytes:
    """Make the Welcome for those a commit adds (§12.4.3.1)."""
    suite = after.suite
    group_info = after.group_info(plan.welcome_extensions, with_tree=plan.with_tree, external=False)
    key, nonce = welcome_key_and_nonce(suite, schedule.welcome_secret)
    sealed = suite.seal(key, nonce, b"", group_info.encoded)
    sealer = sealer_with_label(suite, b"Welcome", sealed)
    entries = []
    for index, package in applied.added:
        path_secret = None if path is None else path.secret_for(index)
        secrets = GroupSecrets(schedule.joiner_secret, path_secret, applied.psks).encode()
        kem_output, ciphertext = sealer.seal(package.init_key, secrets)
        entries.append(EncryptedGroupSecrets(package.reference(suite), kem_output, ciphertext))
    return MLSMessage(Welcome(suite.id, tuple(entries), sealed)).encode()


def _staged(
    state: EpochState,
    after: EpochState | None,
    schedule: KeySchedule | None,
    applied: Applied,
    *,
    sender: LeafIndex,
    authenticated_data: bytes,
) -> StagedCommit:
    external = applied.external_init is not None

    def members(indices: Sequence[LeafIndex]) -> tuple[Member, ...]:
        leaves = ((index, applied.tree.leaf(index)) for index in indices)
        return tuple(Member.at(index, leaf) for index, leaf in leaves if leaf is not None)

    return StagedCommit(
        base=state,
        next=after,
        encryption_secret=b"" if schedule is None else schedule.encryption_secret,
        sender=sender,
        is_external=external,
        authenticated_data=authenticated_data,
        added=members([sender] if external else [index for index, _ in applied.added]),
        removed=applied.removed,
        updated=members(applied.updated),
        psks=applied.psks,
        reinit=applied.reinit,
        sender_member=members([sender])[0],
        group_context_extensions=applied.extensions,
    )


# -- a received commit -----------------------------------------------------------------------------------


def receive_commit(
    state: EpochState,
    config: GroupConfig,
    message: VerifiedContent,
    commit: Commit,
    *,
    pending: Callable[[bytes], SentProposal | None],
    known: KnownPSKs,
    now: int,
) -> StagedCommit:
    """Work a received commit out (§12.4.2); nothing changes.

    ``pending`` finds a proposal by its reference. ``message`` is by a member or by a new member.
    """
    suite = state.suite
    member = message.content.sender.sender_type is SenderType.MEMBER
    committer = LeafIndex(message.content.sender.index) if member else None
    proposals = _resolve(commit, message.content.sender, pending)
    applied = apply_proposals(state, config, proposals, committer=committer, now=now)
    sender = _place_path(state, config, applied, committer, commit.path)
    changed = [index for index, _ in applied.added] + list(applied.updated)
    validate_result(state, applied, [*changed, sender])
    authenticated_data = message.content.authenticated_data
    if any(gone.leaf_index == state.own_leaf for gone in applied.removed):
        return _staged(state, None, None, applied, sender=sender, authenticated_data=authenticated_data)
    secrets = known.find(applied.psks)
    init = state.secrets.init_secret
    if applied.external_init is not None:
        init = external_init_secret(state, applied.external_init)
    coming = NextEpoch(
        applied.tree, applied.extensions, init, bytes(suite.secret_length), psk_secret(suite, secrets)
    )
    private_keys: PrivateKeys
    private_keys, signature_key_pair = _own_keys(state, applied, proposals)
    if commit.path is not None:
        commit_secret, private_keys = open_path(
            suite,
            applied.tree,
            sender,
            commit.path,
            own_leaf=state.own_leaf,
            private_keys=private_keys,
            group_context=coming.provisional_context(state.context, suite).encoded,
            added=[index for index, _ in applied.added],
        )
        coming = replace(coming, commit_secret=commit_secret)
    context, schedule = coming.schedule(suite, state.context, state.interim_transcript_hash, message)
    # §12.4.2: compute the tag "and verify that it is the same as the confirmation_tag field".
    tag, key = message.auth.confirmation_tag or b"", schedule.secrets.confirmation_key
    if not suite.verify_mac(key, context.confirmed_transcript_hash, tag):
        raise ValidationError(ValidationRule.FRAMING_CONFIRMATION)
    after = _next_state(
        state,
        coming,
        context,
        schedule,
        private_keys=private_keys,
        reinit=applied.reinit,
        signature_key_pair=signature_key_pair,
    )
    return _staged(state, after, schedule, applied, sender=sender, authenticated_data=authenticated_data)


def _resolve(
    commit: Commit, sender: Sender, pending: Callable[[bytes], SentProposal | None]
) -> list[SentProposal]:
    resolved = []
    for entry in commit.proposals:
        if isinstance(entry, ProposalReference):
            found = pending(entry.reference)
            if found is None:
                raise ValidationError(ValidationRule.PROPOSAL_KNOWN)
            resolved.append(found)
        else:
            resolved.append(SentProposal(entry, sender))
    return resolved


def _place_path(
    state: EpochState,
    config: GroupConfig,
    applied: Applied,
    committer: LeafIndex | None,
    path: UpdatePath | None,
) -> LeafIndex:
    """Put a received path, if any, into the tree; returns its sender's leaf, a new one for a joiner."""
    if path is None:
        # §12.4.3.2: "External Commits MUST contain a path field".
        if committer is None:
            raise ValidationError(ValidationRule.PROPOSAL_EXTERNAL_PATH)
        # §12.4: the path "MUST be populated" unless all proposals are Add, PSK or ReInit.
        if applied.needs_path:
            raise ValidationError(ValidationRule.PROPOSAL_PATH)
        return committer
    tree, leaf = applied.tree, path.leaf_node
    if committer is None:
        _validate_resync(state, config, applied, leaf)
        sender = tree.add(leaf)
    else:
        sender = committer
        old = tree.leaf(committer)
        if old is None:
            raise ValidationError(ValidationRule.FRAMING_SENDER, f"leaf {committer}")
        validate_successor(config, old, leaf)
    validate_leaf_in_place(state, config, leaf, sender, LeafNodeSource.COMMIT)
    _validate_new_keys(state.suite, tree, path)
    receive_path(state.suite, tree, sender, path)
    return sender


def _validate_new_keys(suite: CipherSuite, tree: RatchetTree, path: UpdatePath) -> None:
    for node in path.nodes:
        validate_public_key(suite, node.encryption_key)
    # §12.4.2: "none of the public keys in the UpdatePath appear in any node of the new ratchet tree".
    keys = {path.leaf_node.encryption_key, *(node.encryption_key for node in path.nodes)}
    # An external joiner's leaf is in the tree already.
    present = tree.encryption_keys(apart_from=path.leaf_node)
    if len(keys) != len(path.nodes) + 1 or not keys.isdisjoint(present):
        raise ValidationError(ValidationRule.PATH_KEYS, "a key of the path is not new")


def _validate_resync(state: EpochState, config: GroupConfig, applied: Applied, leaf: LeafNode) -> None:
    # §12.2: "the LeafNode in the path field of the external Commit MUST meet the same criteria as would the
    # LeafNode in an Update for the removed leaf".
    for gone in applied.removed:
        if gone.leaf_index in applied.left:
            continue
        old = state.tree.leaf(gone.leaf_index)
        if old is None or not config.authentication.same_client(old.credential, leaf.credential):
            raise ValidationError(ValidationRule.PROPOSAL_RESYNC, f"leaf {gone.leaf_index}")
        validate_successor(config, old, leaf)


def _own_keys(
    state: EpochState, applied: Applied, proposals: Sequence[SentProposal]
) -> tuple[dict[tree_math.NodeIndex, bytes], KeyPair | None]:
    """Return our private keys after the proposals: an own Update that is committed brings new ones."""
    keys = _without_blank(state.private_keys, applied.tree)
    for sent in proposals:
        if sent.own_update is not None:
            keys[tree_math.leaf_node_index(state.own_leaf)] = sent.own_update.encryption_private_key
            return keys, sent.own_update.signature_key_pair
    return keys, None
