"""Messages from outside the group: external senders' proposals, and who wants in (RFC 9420 §12.1.8).

Outsiders have no group: what they send is made by functions, of a group id and an epoch that they were told.
"""

from __future__ import annotations

from typing import Final

from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls.config import GroupConfig
from sottovoce.mls.epoch import EpochState
from sottovoce.mls.errors import MisuseError, ValidationError
from sottovoce.mls.external_senders import ExternalSender, ExternalSenders
from sottovoce.mls.framing import Content, FramedContent, MLSMessage, Sender, SenderType, WireFormat
from sottovoce.mls.key_package import KeyPackageBundle
from sottovoce.mls.proposals import (
    Add,
    Commit,
    GroupContextExtensions,
    PreSharedKey,
    Proposal,
    ReInit,
    Remove,
)
from sottovoce.mls.protection import public_message, sign_content
from sottovoce.mls.rules import ValidationRule

EXTERNAL_KINDS: Final = (Add, Remove, PreSharedKey, ReInit, GroupContextExtensions)
"""What an external sender may propose (§12.1.8)."""


def outsider_key(state: EpochState, config: GroupConfig, content: FramedContent) -> bytes:
    """Return the key by which a message from outside is to be signed (§6.1).

    Raises ``ValidationError`` for what an outsider may not send, or this group does not accept.
    """
    body, kind = content.content, content.sender.sender_type
    if kind is SenderType.NEW_MEMBER_COMMIT:
        return _joiner_key(state, config, body)
    if not config.accept_external_proposals:
        raise ValidationError(ValidationRule.PROPOSAL_OUTSIDERS_ACCEPTED)
    if isinstance(body, bytes | Commit):
        # §6.1: for external senders and proposing new members "the content_type of the message MUST be
        # proposal".
        raise ValidationError(ValidationRule.FRAMING_SENDER, "an outsider's commit is that of a joiner")
    if kind is SenderType.NEW_MEMBER_PROPOSAL:
        # §6.1: "the proposal_type of the Proposal MUST be add".
        if not isinstance(body, Add):
            raise ValidationError(ValidationRule.PROPOSAL_OUTSIDER_KIND, type(body).__name__)
        return body.key_package.leaf_node.signature_key
    # §12.1.8: messages with "proposal types other than the above MUST be rejected as malformed".
    if not isinstance(body, EXTERNAL_KINDS):
        raise ValidationError(ValidationRule.PROPOSAL_OUTSIDER_KIND, type(body).__name__)
    sender = external_sender_of(state, content.sender)
    if sender is None:
        raise ValidationError(ValidationRule.FRAMING_EXTERNAL_SENDER, f"number {content.sender.index}")
    return sender.signature_key


def _joiner_key(state: EpochState, config: GroupConfig, body: Content) -> bytes:
    # §6.1: an external joiner signs with the key of the leaf it brings, and sends a commit.
    if not isinstance(body, Commit):
        raise ValidationError(ValidationRule.FRAMING_SENDER, "a joiner sends a commit")
    if not config.accept_external_commits or state.epoch == 0:
        raise ValidationError(ValidationRule.PROPOSAL_EXTERNALS_ACCEPTED)
    if body.path is None:
        raise ValidationError(ValidationRule.PROPOSAL_EXTERNAL_PATH)
    return body.path.leaf_node.signature_key


def external_sender_of(state: EpochState, sender: Sender) -> ExternalSender | None:
    """Return the external sender that a message names, None for any other sender."""
    if sender.sender_type is not SenderType.EXTERNAL:
        return None
    return ExternalSenders.of(state.context.extensions).at(sender.index)


# -- what outsiders send ---------------------------------------------------------------------------------


def propose_externally(
    proposal: Proposal,
    *,
    suite: CipherSuite,
    group_id: bytes,
    epoch: int,
    sender_index: int,
    signature_key_pair: KeyPair,
    authenticated_data: bytes = b"",
) -> bytes:
    """Return an external sender's proposal to a group as an MLSMessage (RFC 9420 §12.1.8).

    ``sender_index`` is the sender's place in the group's :class:`ExternalSenders`. Raises ``MisuseError`` for
    a proposal that comes from members alone.
    """
    if not isinstance(proposal, EXTERNAL_KINDS):
        raise MisuseError(f"{type(proposal).__name__} is proposed by members alone (RFC 9420 §12.1.8)")
    sender = Sender(SenderType.EXTERNAL, sender_index)
    content = FramedContent(group_id, epoch, sender, authenticated_data, proposal)
    return _signed(suite, signature_key_pair.private, content)


def propose_own_addition(
    bundle: KeyPackageBundle, *, group_id: bytes, epoch: int, authenticated_data: bytes = b""
) -> bytes:
    """Return a client's proposal to be added to a group itself, as an MLSMessage (RFC 9420 §12.1.8).

    Once a member commits it, the client joins by Welcome with ``bundle``.
    """
    sender = Sender(SenderType.NEW_MEMBER_PROPOSAL)
    content = FramedContent(group_id, epoch, sender, authenticated_data, Add(bundle.key_package))
    return _signed(bundle.suite, bundle.signature_private_key.reveal(), content)


def _signed(suite: CipherSuite, private_key: bytes, content: FramedContent) -> bytes:
    # §12.1.8: an external proposal "MUST be sent as a PublicMessage object". Neither the GroupContext is
    # signed along (§6.1) nor a membership tag made (§6.2): an outsider knows of neither.
    signed = sign_content(suite, suite.signer(private_key), WireFormat.PUBLIC_MESSAGE, content, b"")
    return MLSMessage(public_message(suite, b"", signed, b"")).encode()
