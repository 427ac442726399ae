"""What describes a group at one epoch, and what a Welcome carries (RFC 9420 §8.1, §12.4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from sottovoce.crypto.signatures import Signer
from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls.extensions import Extensions, encode_extensions, read_extensions
from sottovoce.mls.labels import sign_with_label, verify_with_label
from sottovoce.mls.presentation import Reader, opaque, optional, uint16, uint32, uint64, vector
from sottovoce.mls.proposals import PreSharedKeyID
from sottovoce.mls.runs import Run, read_run
from sottovoce.mls.tree_math import LeafIndex


@dataclass(frozen=True)
class GroupContext:
    """What all members agree on at an epoch, and every secret is bound to (RFC 9420 §8.1)."""

    version: int
    suite_id: int
    group_id: bytes
    epoch: int
    tree_hash: bytes
    confirmed_transcript_hash: bytes
    extensions: Extensions

    @cached_property
    def encoded(self) -> bytes:
        """The context as ``GroupContext``."""
        return (
            uint16(self.version)
            + uint16(self.suite_id)
            + opaque(self.group_id)
            + uint64(self.epoch)
            + opaque(self.tree_hash)
            + opaque(self.confirmed_transcript_hash)
            + encode_extensions(self.extensions)
        )

    @classmethod
    def read(cls, reader: Reader) -> GroupContext:
        """Read one."""
        return cls(
            reader.uint16(),
            reader.uint16(),
            reader.opaque(),
            reader.uint64(),
            reader.opaque(),
            reader.opaque(),
            read_extensions(reader),
        )


@dataclass(frozen=True)
class GroupInfo:
    """A member's signed statement of an epoch: for Welcomes and external joins (RFC 9420 §12.4.3)."""

    group_context: GroupContext
    extensions: Extensions
    confirmation_tag: bytes
    signer: LeafIndex
    signature: bytes

    @cached_property
    def _signed_part(self) -> bytes:
        return (
            self.group_context.encoded
            + encode_extensions(self.extensions)
            + opaque(self.confirmation_tag)
            + uint32(self.signer)
        )

    @cached_property
    def encoded(self) -> bytes:
        """The statement as ``GroupInfo``."""
        return self._signed_part + opaque(self.signature)

    @classmethod
    def read(cls, reader: Reader) -> GroupInfo:
        """Read one; the bytes that are signed, the whole tree perhaps, are kept as they were read."""
        start = reader.position
        context, extensions = GroupContext.read(reader), read_extensions(reader)
        confirmation_tag, signer = reader.opaque(), LeafIndex(reader.uint32())
        signed_part = reader.since(start)
        group_info = cls(context, extensions, confirmation_tag, signer, reader.opaque())
        group_info.__dict__["_signed_part"] = signed_part
        return group_info

    def signed(self, suite: CipherSuite, private_key: bytes | Signer) -> GroupInfo:
        """Return this with its signature made anew."""
        signature = sign_with_label(suite, private_key, b"GroupInfoTBS", self._signed_part)
        return replace(self, signature=signature)

    def verify(self, suite: CipherSuite, public_key: bytes) -> bool:
        """Whether the signature is right for the signer's key."""
        return verify_with_label(suite, public_key, b"GroupInfoTBS", self._signed_part, self.signature)


@dataclass(frozen=True, repr=False)
class GroupSecrets:
    """What one new member gets in a Welcome (RFC 9420 §12.4.3.1)."""

    joiner_secret: bytes
    path_secret: bytes | None
    psks: tuple[PreSharedKeyID, ...]

    def __repr__(self) -> str:
        return "GroupSecrets(<redacted>)"

    def encode(self) -> bytes:
        """Encode as ``GroupSecrets``."""
        path_secret = None if self.path_secret is None else opaque(self.path_secret)
        return opaque(self.joiner_secret) + optional(path_secret) + vector(psk.encode() for psk in self.psks)

    @classmethod
    def read(cls, reader: Reader) -> GroupSecrets:
        """Read one."""
        return cls(reader.opaque(), reader.optional(Reader.opaque), tuple(reader.vector(PreSharedKeyID.read)))


@dataclass(frozen=True)
class EncryptedGroupSecrets:
    """GroupSecrets sealed to the init key of one key package."""

    new_member: bytes
    """KeyPackageRef, Nh bytes."""
    kem_output: bytes
    ciphertext: bytes

    def encode(self) -> bytes:
        """Encode as ``EncryptedGroupSecrets``."""
        return opaque(self.new_member) + opaque(self.kem_output) + opaque(self.ciphertext)


@dataclass(frozen=True)
class Welcome:
    """How members just added learn the group's secrets (RFC 9420 §12.4.3.1)."""

    suite_id: int
    secrets: Sequence[EncryptedGroupSecrets]
    encrypted_group_info: bytes

    @cached_property
    def encoded(self) -> bytes:
        """The message as ``Welcome``."""
        secrets = vector(one.encode() for one in self.secrets)
        return uint16(self.suite_id) + secrets + opaque(self.encrypted_group_info)

    @classmethod
    def read(cls, reader: Reader) -> Welcome:
        """Read one."""
        return cls(reader.uint16(), read_run(reader, 3, EncryptedGroupSecrets), reader.opaque())

    def secrets_for(self, new_member: bytes) -> EncryptedGroupSecrets | None:
        """Return what is sealed to the key package of that reference, None where nothing is."""
        if isinstance(self.secrets, Run):
            return self.secrets.find(0, new_member)
        return next((one for one in self.secrets if one.new_member == new_member), None)
