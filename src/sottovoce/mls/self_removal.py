"""SelfRemove: a proposal to leave that joiners from outside can commit too (draft-ietf-mls-extensions).

It serves in groups all of whose members list its type in their capabilities; elsewhere it is refused. Since
joiners must be able to read it, it travels as a PublicMessage whatever else a group does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls.epoch import EpochState
from sottovoce.mls.errors import MisuseError, ValidationError
from sottovoce.mls.framing import MLSMessage, PublicMessage, Sender, SenderType, WireFormat
from sottovoce.mls.group_info import GroupContext
from sottovoce.mls.proposal_list import SentProposal, is_self_remove_capable
from sottovoce.mls.proposals import SelfRemove
from sottovoce.mls.protection import VerifiedContent, verify
from sottovoce.mls.ratchet_tree import RatchetTree
from sottovoce.mls.rules import ValidationRule
from sottovoce.mls.tree_math import LeafIndex


def require_self_removal(state: EpochState, pending: Mapping[bytes, SentProposal]) -> None:
    """Check that we may propose to leave in this way; raises ``MisuseError``."""
    if not is_self_remove_capable(state.tree):
        raise MisuseError("some members do not support SelfRemove: propose a Remove instead")
    # "A client MUST NOT issue more than one SelfRemove proposal per epoch."
    if _has_left(Sender.member(state.own_leaf), pending):
        raise MisuseError("this member has proposed to leave in this epoch")


def validate_self_removal(
    state: EpochState, message: VerifiedContent, reference: bytes, pending: Mapping[bytes, SentProposal]
) -> None:
    """Check a SelfRemove as it comes; raises ``ValidationError`` P21 or P22."""
    if not is_self_remove_capable(state.tree):
        raise ValidationError(ValidationRule.PROPOSAL_SUPPORTED)
    # "these proposals MUST be sent in an MLS PublicMessage"; "more than one ... per epoch" are none.
    others = {key: sent for key, sent in pending.items() if key != reference}
    if message.wire_format is not WireFormat.PUBLIC_MESSAGE or _has_left(message.content.sender, others):
        raise ValidationError(ValidationRule.PROPOSAL_SELF_REMOVE)


def _has_left(sender: Sender, pending: Mapping[bytes, SentProposal]) -> bool:
    return any(sent.sender == sender and isinstance(sent.proposal, SelfRemove) for sent in pending.values())


def open_self_removals(
    messages: Iterable[bytes], suite: CipherSuite, context: GroupContext, tree: RatchetTree
) -> dict[bytes, LeafIndex]:
    """Verify the SelfRemoves that came with a GroupInfo; returns who leaves by their references.

    "The new joiner MUST validate the SelfRemove Proposal before including it by reference, except that it
    skips the validation of the membership_tag". Raises ``MLSPeerError``.
    """
    found: dict[bytes, LeafIndex] = {}
    for data in messages:
        body = MLSMessage.decode(data).body
        if not isinstance(body, PublicMessage) or not isinstance(body.content.content, SelfRemove):
            raise ValidationError(ValidationRule.PROPOSAL_SELF_REMOVE)
        content = body.content
        if (content.group_id, content.epoch) != (context.group_id, context.epoch):
            raise ValidationError(ValidationRule.FRAMING_GROUP, f"epoch {content.epoch}")
        index = LeafIndex(content.sender.index)
        leaf = tree.leaf(index) if content.sender.sender_type is SenderType.MEMBER else None
        if leaf is None:
            raise ValidationError(ValidationRule.FRAMING_SENDER)
        verified = verify(suite, leaf.signature_key, body.authenticated(), context.encoded)
        found[verified.reference(suite)] = index
    if found and not is_self_remove_capable(tree):
        raise ValidationError(ValidationRule.PROPOSAL_SUPPORTED)
    if len(set(found.values())) != len(found):
        raise ValidationError(ValidationRule.PROPOSAL_ONE_PER_LEAF)
    return found
