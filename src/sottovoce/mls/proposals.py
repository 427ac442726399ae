"""Proposals and commits as they travel (RFC 9420 §12.1, §12.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import ClassVar

from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls.errors import DecodingError
from sottovoce.mls.extensions import Extensions, encode_extensions, read_extensions
from sottovoce.mls.key_package import MLS10, KeyPackage
from sottovoce.mls.nodes import LeafNode
from sottovoce.mls.presentation import Reader, opaque, optional, uint8, uint16, uint32, uint64, vector
from sottovoce.mls.runs import read_run
from sottovoce.mls.tree_math import LeafIndex


class ProposalType(IntEnum):
    """Registered proposal types (RFC 9420 §17.4)."""

    ADD = 1
    UPDATE = 2
    REMOVE = 3
    PSK = 4
    REINIT = 5
    EXTERNAL_INIT = 6
    GROUP_CONTEXT_EXTENSIONS = 7
    SELF_REMOVE = 0x000A
    """Of draft-ietf-mls-extensions: no default type, so it is to be among a leaf's capabilities."""


class PSKType(IntEnum):
    """Where a pre-shared key comes from (RFC 9420 §8.4)."""

    EXTERNAL = 1
    RESUMPTION = 2


class ResumptionUsage(IntEnum):
    """What a resumption PSK is used for (RFC 9420 §8.4)."""

    APPLICATION = 1
    REINIT = 2
    BRANCH = 3


@dataclass(frozen=True)
class PreSharedKeyID:
    """The name of a pre-shared key within one commit (RFC 9420 §8.4).

    An external one has ``psk_id``; a resumption one has usage, group and epoch. ``nonce`` is Nh bytes.
    """

    psk_type: PSKType
    nonce: bytes = field(repr=False)
    psk_id: bytes = b""
    usage: ResumptionUsage = ResumptionUsage.APPLICATION
    group_id: bytes = b""
    epoch: int = 0

    def encode(self) -> bytes:
        """Encode as ``PreSharedKeyID``."""
        if self.psk_type is PSKType.EXTERNAL:
            return uint8(self.psk_type) + opaque(self.psk_id) + opaque(self.nonce)
        resumption = uint8(self.usage) + opaque(self.group_id) + uint64(self.epoch)
        return uint8(self.psk_type) + resumption + opaque(self.nonce)

    @classmethod
    def read(cls, reader: Reader) -> PreSharedKeyID:
        """Read one."""
        kind = reader.uint8()
        if kind == PSKType.EXTERNAL:
            psk_id = reader.opaque()
            return cls(PSKType.EXTERNAL, reader.opaque(), psk_id)
        if kind != PSKType.RESUMPTION:
            raise DecodingError(f"a pre-shared key's type is {kind}")
        usage = reader.uint8()
        if usage not in (1, 2, 3):
            raise DecodingError(f"a resumption PSK's usage is {usage}")
        group_id, epoch = reader.opaque(), reader.uint64()
        return cls(PSKType.RESUMPTION, reader.opaque(), b"", ResumptionUsage(usage), group_id, epoch)


@dataclass(frozen=True)
class Add:
    """Add the client of a key package (§12.1.1)."""

    proposal_type: ClassVar = ProposalType.ADD
    key_package: KeyPackage

    def encode_body(self) -> bytes:
        """Encode without the type."""
        return self.key_package.encoded

    @classmethod
    def read_body(cls, reader: Reader) -> Add:
        """Read what follows the type."""
        return cls(KeyPackage.read(reader))


@dataclass(frozen=True)
class Update:
    """Replace the sender's own leaf (§12.1.2)."""

    proposal_type: ClassVar = ProposalType.UPDATE
    leaf_node: LeafNode

    def encode_body(self) -> bytes:
        """Encode without the type."""
        return self.leaf_node.encoded

    @classmethod
    def read_body(cls, reader: Reader) -> Update:
        """Read what follows the type."""
        return cls(LeafNode.read(reader))


@dataclass(frozen=True)
class Remove:
    """Remove the member at a leaf (§12.1.3)."""

    proposal_type: ClassVar = ProposalType.REMOVE
    removed: LeafIndex

    def encode_body(self) -> bytes:
        """Encode without the type."""
        return uint32(self.removed)

    @classmethod
    def read_body(cls, reader: Reader) -> Remove:
        """Read what follows the type."""
        return cls(LeafIndex(reader.uint32()))


@dataclass(frozen=True)
class PreSharedKey:
    """Mix a pre-shared key into the next epoch (§12.1.4)."""

    proposal_type: ClassVar = ProposalType.PSK
    psk: PreSharedKeyID

    def encode_body(self) -> bytes:
        """Encode without the type."""
        return self.psk.encode()

    @classmethod
    def read_body(cls, reader: Reader) -> PreSharedKey:
        """Read what follows the type."""
        return cls(PreSharedKeyID.read(reader))


@dataclass(frozen=True)
class ReInit:
    """Close the group in favour of a new one with other parameters (§12.1.5)."""

    proposal_type: ClassVar = ProposalType.REINIT
    group_id: bytes
    version: int
    suite_id: int
    extensions: Extensions

    @classmethod
    def to(cls, suite: CipherSuite, group_id: bytes, extensions: Extensions = ()) -> ReInit:
        """Return the proposal to go on in ``group_id``, of MLS 1.0 and ``suite``."""
        return cls(group_id, MLS10, suite.id, tuple(extensions))

    def encode_body(self) -> bytes:
        """Encode without the type."""
        return (
            opaque(self.group_id)
            + uint16(self.version)
            + uint16(self.suite_id)
            + encode_extensions(self.extensions)
        )

    @classmethod
    def read_body(cls, reader: Reader) -> ReInit:
        """Read what follows the type."""
        return cls(reader.opaque(), reader.uint16(), reader.uint16(), read_extensions(reader))


@dataclass(frozen=True)
class ExternalInit:
    """Let an external joiner set the next epoch's init secret (§12.1.6)."""

    proposal_type: ClassVar = ProposalType.EXTERNAL_INIT
    kem_output: bytes

    def encode_body(self) -> bytes:
        """Encode without the type."""
        return opaque(self.kem_output)

    @classmethod
    def read_body(cls, reader: Reader) -> ExternalInit:
        """Read what follows the type."""
        return cls(reader.opaque())


@dataclass(frozen=True)
class GroupContextExtensions:
    """Replace the extensions of the GroupContext (§12.1.7)."""

    proposal_type: ClassVar = ProposalType.GROUP_CONTEXT_EXTENSIONS
    extensions: Extensions

    def encode_body(self) -> bytes:
        """Encode without the type."""
        return encode_extensions(self.extensions)

    @classmethod
    def read_body(cls, reader: Reader) -> GroupContextExtensions:
        """Read what follows the type."""
        return cls(read_extensions(reader))


@dataclass(frozen=True)
class SelfRemove:
    """Remove the sender, in an external commit too (draft-ietf-mls-extensions)."""

    proposal_type: ClassVar = ProposalType.SELF_REMOVE

    def encode_body(self) -> bytes:
        """Encode without the type: nothing."""
        return b""

    @classmethod
    def read_body(cls, reader: Reader) -> SelfRemove:  # noqa: ARG003  # as all proposals are read
        """Read what follows the type: nothing."""
        return cls()


Proposal = Add | Update | Remove | PreSharedKey | ReInit | ExternalInit | GroupContextExtensions | SelfRemove
PROPOSALS: dict[int, type[Proposal]] = {
    kind.proposal_type: kind
    for kind in (Add, Update, Remove, PreSharedKey, ReInit, ExternalInit, GroupContextExtensions, SelfRemove)
}


def encode_proposal(proposal: Proposal) -> bytes:
    """Encode ``Proposal``: type, then body (RFC 9420 §12.1)."""
    return uint16(proposal.proposal_type) + proposal.encode_body()


def read_proposal(reader: Reader) -> Proposal:
    """Read ``Proposal``; a type of no known form cannot be read and raises ``DecodingError``."""
    number = reader.uint16()
    if number not in PROPOSALS:
        raise DecodingError(f"a proposal of type {number} cannot be read")
    return PROPOSALS[number].read_body(reader)


@dataclass(frozen=True)
class ProposalReference:
    """A proposal named by its hash, Nh bytes (§12.4)."""

    reference: bytes


HPKECiphertext = tuple[bytes, bytes]
"""KEM output and ciphertext (§7.6)."""


def _ciphertext(kem_output: bytes, ciphertext: bytes) -> HPKECiphertext:
    return kem_output, ciphertext


@dataclass(frozen=True)
class PathNode:
    """A new key on the path, and its secret for each node of the copath's resolution (§7.6)."""

    encryption_key: bytes
    encrypted_path_secret: Sequence[HPKECiphertext]

    @cached_property
    def encoded(self) -> bytes:
        """The node as ``UpdatePathNode``."""
        pairs = self.encrypted_path_secret
        return opaque(self.encryption_key) + vector([opaque(kem) + opaque(sealed) for kem, sealed in pairs])

    @classmethod
    def read(cls, reader: Reader) -> PathNode:
        """Read one."""
        return cls(reader.opaque(), read_run(reader, 2, _ciphertext))


@dataclass(frozen=True)
class UpdatePath:
    """The committer's new leaf and the new nodes above it, lowest first (§7.6)."""

    leaf_node: LeafNode
    nodes: tuple[PathNode, ...]

    @cached_property
    def encoded(self) -> bytes:
        """The path as ``UpdatePath``."""
        return self.leaf_node.encoded + vector(node.encoded for node in self.nodes)

    @classmethod
    def read(cls, reader: Reader) -> UpdatePath:
        """Read one."""
        return cls(LeafNode.read(reader), tuple(reader.vector(PathNode.read)))


def _read_proposal_or_reference(reader: Reader) -> Proposal | ProposalReference:
    kind = reader.uint8()
    if kind == 1:
        return read_proposal(reader)
    if kind == 2:
        return ProposalReference(reader.opaque())
    raise DecodingError(f"a commit's entry is of kind {kind}")


@dataclass(frozen=True)
class Commit:
    """Proposals, by value or by reference, and the committer's new path (RFC 9420 §12.4)."""

    proposals: tuple[Proposal | ProposalReference, ...]
    path: UpdatePath | None

    @cached_property
    def encoded(self) -> bytes:
        """The commit as ``Commit``."""
        entries = (
            b"\x02" + opaque(entry.reference)
            if isinstance(entry, ProposalReference)
            else b"\x01" + encode_proposal(entry)
            for entry in self.proposals
        )
        return vector(entries) + optional(None if self.path is None else self.path.encoded)

    @classmethod
    def read(cls, reader: Reader) -> Commit:
        """Read one."""
        return cls(tuple(reader.vector(_read_proposal_or_reference)), reader.optional(UpdatePath.read))
