"""What is known of a PrivateMessage beside its content, for whoever wants to look inside (RFC 9420 §6.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sottovoce.crypto.aead import TAG_LENGTH
from sottovoce.mls.framing import (
    AuthenticatedContent,
    ContentType,
    PrivateMessage,
    encode_content,
)
from sottovoce.mls.protection import VerifiedContent, guarded_nonce
from sottovoce.mls.secret_tree import RatchetStep
from sottovoce.mls.tree_math import LeafIndex


@dataclass(frozen=True, slots=True)
class MessageDetails:
    """How one PrivateMessage is protected; never a key, and nothing that a key could be computed from.

    ``nonce`` (12 bytes) is the one the AEAD was given. The reuse guard, four random bytes XORed into the
    beginning of the ratchet's nonce (§6.3.1), is not here: so the ratchet's own, which §9.2 has deleted after
    use, does not follow from these details. All lengths are in bytes; ``ciphertext_length`` includes the tag.
    """

    group_id: bytes
    epoch: int
    content_type: ContentType
    leaf: LeafIndex
    generation: int
    nonce: bytes
    authenticated_data_length: int
    signature_length: int
    padding_length: int
    encrypted_sender_data_length: int
    ciphertext_length: int


class ProtectedContent(NamedTuple):
    """A PrivateMessage beside its content; cheap to make for each message, and asked for few."""

    message: PrivateMessage
    content: AuthenticatedContent | VerifiedContent
    step: RatchetStep
    reuse_guard: bytes

    def __repr__(self) -> str:
        return "<protected content>"

    def details(self) -> MessageDetails:
        """Return what is not secret of it."""
        message, auth = self.message, self.content.auth
        plaintext_length = len(encode_content(self.content.content.content)) + len(auth.encode())
        return MessageDetails(
            group_id=message.group_id,
            epoch=message.epoch,
            content_type=message.content_type,
            leaf=self.step.leaf,
            generation=self.step.generation,
            nonce=guarded_nonce(self.step.message_key.nonce, self.reuse_guard),
            authenticated_data_length=len(message.authenticated_data),
            signature_length=len(auth.signature),
            padding_length=len(message.ciphertext) - TAG_LENGTH - plaintext_length,
            encrypted_sender_data_length=len(message.encrypted_sender_data),
            ciphertext_length=len(message.ciphertext),
        )
