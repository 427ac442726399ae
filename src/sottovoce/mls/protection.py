"""Signing, verifying, encrypting and decrypting framed content (RFC 9420 §6.1 to §6.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sottovoce.crypto.errors import DecryptionError
from sottovoce.crypto.signatures import Signer
from sottovoce.crypto.suites import CipherSuite
from sottovoce.crypto.xor import xor
from sottovoce.mls.errors import UndecryptableMessage, ValidationError
from sottovoce.mls.framing import (
    AuthenticatedContent,
    ContentAuth,
    FramedContent,
    PrivateMessage,
    PublicMessage,
    Sender,
    SenderType,
    WireFormat,
    encode_content,
    group_and_epoch,
    read_content,
)
from sottovoce.mls.key_package import MLS10
from sottovoce.mls.labels import expand_with_label, ref_hash, sign_with_label, verify_with_label
from sottovoce.mls.presentation import Reader, opaque, uint8, uint16, uint32
from sottovoce.mls.rules import ValidationRule
from sottovoce.mls.secret_tree import RatchetStep, SecretTree, ratchet_kind
from sottovoce.mls.tree_math import LeafIndex


@dataclass(frozen=True)
class VerifiedContent:
    """A framed content whose signature has been checked, or that we signed ourselves.

    Made by :func:`verify` and :func:`sign_content` alone: code that acts on content asks for this type.
    """

    wire_format: WireFormat
    content: FramedContent
    auth: ContentAuth

    def reference(self, suite: CipherSuite) -> bytes:
        """Return the ProposalRef of a proposal, Nh bytes (RFC 9420 §5.2)."""
        encoded = AuthenticatedContent(self.wire_format, self.content, self.auth).encode()
        return ref_hash(suite, b"MLS 1.0 Proposal Reference", encoded)

    def commit_input(self) -> bytes:
        """Return ``ConfirmedTranscriptHashInput`` of a commit (RFC 9420 §8.2)."""
        return uint16(self.wire_format) + self.content.encoded + opaque(self.auth.signature)


def _to_be_signed(wire_format: WireFormat, content: FramedContent, group_context: bytes) -> bytes:
    # §6.1: the GroupContext is signed along where the sender knows it.
    knows = content.sender.sender_type in (SenderType.MEMBER, SenderType.NEW_MEMBER_COMMIT)
    signed = uint16(MLS10) + uint16(wire_format) + content.encoded
    return signed + group_context if knows else signed


def sign_content(
    suite: CipherSuite,
    private_key: bytes | Signer,
    wire_format: WireFormat,
    content: FramedContent,
    group_context: bytes,
) -> VerifiedContent:
    """Sign content for the way it will travel; a commit's confirmation tag is added later (§6.1)."""
    signed = _to_be_signed(wire_format, content, group_context)
    signature = sign_with_label(suite, private_key, b"FramedContentTBS", signed)
    return VerifiedContent(wire_format, content, ContentAuth(signature, None))


def verify(
    suite: CipherSuite, public_key: bytes, message: AuthenticatedContent, group_context: bytes
) -> VerifiedContent:
    """Check a signature; raises ``ValidationError`` F04 (§6.1)."""
    signed = _to_be_signed(message.wire_format, message.content, group_context)
    if not verify_with_label(suite, public_key, b"FramedContentTBS", signed, message.auth.signature):
        raise ValidationError(ValidationRule.FRAMING_SIGNATURE)
    return VerifiedContent(message.wire_format, message.content, message.auth)


def membership_tag(
    suite: CipherSuite,
    membership_key: bytes,
    message: AuthenticatedContent | VerifiedContent,
    group_context: bytes,
) -> bytes:
    """Return the MAC that shows a PublicMessage comes from a member, Nh bytes (§6.2)."""
    signed = _to_be_signed(message.wire_format, message.content, group_context)
    return suite.mac(membership_key, signed + message.auth.encode())


def verify_membership_tag(
    suite: CipherSuite, membership_key: bytes, message: PublicMessage, group_context: bytes
) -> None:
    """Check a member's PublicMessage; raises ``ValidationError`` F05 (§6.2)."""
    authenticated = message.authenticated()
    signed = _to_be_signed(authenticated.wire_format, authenticated.content, group_context)
    tag = message.membership_tag or b""
    if not suite.verify_mac(membership_key, signed + message.auth.encode(), tag):
        raise ValidationError(ValidationRule.FRAMING_MEMBERSHIP_TAG)


def public_message(
    suite: CipherSuite, membership_key: bytes, message: VerifiedContent, group_context: bytes
) -> PublicMessage:
    """Frame signed content as a PublicMessage; a member's gets its membership tag (§6.2)."""
    tag = None
    if message.content.sender.sender_type is SenderType.MEMBER:
        tag = membership_tag(suite, membership_key, message, group_context)
    return PublicMessage(message.content, message.auth, tag)


# -- PrivateMessage (§6.3) -----------------------------------------------------------------------------


def _sender_data_key(suite: CipherSuite, secret: bytes, ciphertext: bytes) -> tuple[bytes, bytes]:
    # §6.3.2: the sample is "the first KDF.Nh bytes of the ciphertext".
    sample = ciphertext[: suite.secret_length]
    return (
        expand_with_label(suite, secret, b"key", sample, suite.key_length),
        expand_with_label(suite, secret, b"nonce", sample, suite.nonce_length),
    )


def guarded_nonce(nonce: bytes, reuse_guard: bytes) -> bytes:
    """Return the nonce the AEAD is given: the reuse guard is XORed into its first four bytes (§6.3.1)."""
    return xor(nonce[:4], reuse_guard) + nonce[4:]


def encrypt_content(
    suite: CipherSuite,
    message: VerifiedContent,
    step: RatchetStep,
    sender_data_secret: bytes,
    *,
    reuse_guard: bytes,
    padded_length: Callable[[int], int],
) -> PrivateMessage:
    """Encrypt signed content with the key of ``step`` (§6.3.1).

    ``padded_length`` gives the length in bytes to pad a plaintext of some length to; ``reuse_guard`` is
    4 random bytes.
    """
    content = message.content
    plaintext = encode_content(content.content) + message.auth.encode()
    plaintext = plaintext.ljust(padded_length(len(plaintext)), b"\0")
    header = group_and_epoch(content.group_id, content.epoch) + uint8(content.content_type)
    content_aad = header + opaque(content.authenticated_data)
    key, nonce = step.message_key.key, guarded_nonce(step.message_key.nonce, reuse_guard)
    ciphertext = suite.seal(key, nonce, content_aad, plaintext)
    sender_data = uint32(step.leaf) + uint32(step.generation) + reuse_guard
    encrypted_sender_data = suite.seal(
        *_sender_data_key(suite, sender_data_secret, ciphertext), header, sender_data
    )
    framed = PrivateMessage(
        content.group_id,
        content.epoch,
        content.content_type,
        content.authenticated_data,
        encrypted_sender_data,
        ciphertext,
    )
    framed.__dict__["content_aad"] = content_aad
    return framed


@dataclass(frozen=True)
class SenderData:
    """Who sent a PrivateMessage and with which key (§6.3.2)."""

    leaf: LeafIndex
    generation: int
    reuse_guard: bytes


def open_sender_data(suite: CipherSuite, message: PrivateMessage, sender_data_secret: bytes) -> SenderData:
    """Open the sender data; raises ``UndecryptableMessage`` (§6.3.2)."""
    key, nonce = _sender_data_key(suite, sender_data_secret, message.ciphertext)
    try:
        reader = Reader(suite.open(key, nonce, message.sender_data_aad, message.encrypted_sender_data))
    except DecryptionError as error:
        raise UndecryptableMessage("the message's sender data does not open") from error
    sender = SenderData(LeafIndex(reader.uint32()), reader.uint32(), reader.fixed(4))
    reader.finish()
    return sender


def decrypt_content(
    suite: CipherSuite, message: PrivateMessage, sender: SenderData, secret_tree: SecretTree
) -> tuple[AuthenticatedContent, RatchetStep]:
    """Decrypt a PrivateMessage; returns its content, still to be verified, and the key's step (§6.3.1).

    Raises ``UndecryptableMessage``, ``DecodingError`` or ``ValidationError`` F08. The sender's leaf must
    have been found in the tree.
    """
    step = secret_tree.plan(sender.leaf, ratchet_kind(message.content_type), sender.generation)
    key, nonce = step.message_key.key, guarded_nonce(step.message_key.nonce, sender.reuse_guard)
    try:
        plaintext = suite.open(key, nonce, message.content_aad, message.ciphertext)
    except DecryptionError as error:
        raise UndecryptableMessage("the message does not open with the key it names") from error
    reader = Reader(plaintext)
    body = read_content(reader, message.content_type)
    encoded_body = reader.since(0)
    auth = ContentAuth.read(reader, message.content_type)
    padding = reader.rest()
    # §6.3.1: "A receiver MUST verify that there are no non-zero bytes in the padding field".
    if padding != bytes(len(padding)):
        raise ValidationError(ValidationRule.FRAMING_PADDING)
    member = Sender.member(sender.leaf)
    content = FramedContent(message.group_id, message.epoch, member, message.authenticated_data, body)
    # FramedContent begins as SenderDataAAD does, but for the content type at its end (§6, §6.3.2).
    header = message.sender_data_aad
    content.__dict__["encoded"] = (
        header[:-1] + member.encode() + message.content_aad[len(header) :] + header[-1:] + encoded_body
    )
    return AuthenticatedContent(WireFormat.PRIVATE_MESSAGE, content, auth), step
