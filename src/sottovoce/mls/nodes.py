"""Nodes of the ratchet tree: leaves, parents and what leaves say of themselves (RFC 9420 §7.1, §7.2)."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property, lru_cache
from itertools import pairwise
from struct import Struct
from typing import Final

from sottovoce.crypto.signatures import Signer
from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls.credentials import Credential
from sottovoce.mls.errors import DecodingError
from sottovoce.mls.extensions import (
    DEFAULT_EXTENSION_TYPES,
    Extensions,
    encode_extensions,
    encode_numbers,
    numbers_of,
    read_extensions,
)
from sottovoce.mls.labels import sign_with_label, verify_with_label
from sottovoce.mls.presentation import Reader, opaque, uint8, uint32, uint64, variable_length, vector
from sottovoce.mls.tree_math import LeafIndex

_NOWHERE: Final = LeafIndex(0)
"""Stands where a key package's leaf has no place yet; its signature names none (§7.2)."""


class NodeType(IntEnum):
    """Tag before a node in an encoded tree (RFC 9420 §12.4.3.3)."""

    LEAF = 1
    PARENT = 2


class LeafNodeSource(IntEnum):
    """How a leaf came into the tree (RFC 9420 §7.2)."""

    KEY_PACKAGE = 1
    UPDATE = 2
    COMMIT = 3


_SOURCES: Final[dict[int, LeafNodeSource]] = {source.value: source for source in LeafNodeSource}


@dataclass(frozen=True)
class Capabilities:
    """What a client supports (RFC 9420 §7.2); unknown numbers are kept and never acted upon (§13.5)."""

    versions: tuple[int, ...]
    cipher_suites: tuple[int, ...]
    extensions: tuple[int, ...] = ()
    proposals: tuple[int, ...] = ()
    credentials: tuple[int, ...] = ()

    def encode(self) -> bytes:
        """Encode as ``Capabilities``."""
        lists = (self.versions, self.cipher_suites, self.extensions, self.proposals, self.credentials)
        return b"".join(map(encode_numbers, lists))

    def supports_extension(self, number: int) -> bool:
        """Whether the client lists the extension type, or need not because it is a default one."""
        return number in DEFAULT_EXTENSION_TYPES or number in self._extensions

    def supports_proposal(self, number: int) -> bool:
        """Whether the client lists the proposal type, or need not because it is a default one."""
        # §7.2: the types 0x0001 to 0x0007 are the default ones.
        return 1 <= number <= 7 or number in self._proposals

    # Sets, for a peer's lists may be as long as a message: each would be gone through for each extension.
    @cached_property
    def _extensions(self) -> frozenset[int]:
        return frozenset(self.extensions)

    @cached_property
    def _proposals(self) -> frozenset[int]:
        return frozenset(self.proposals)

    @classmethod
    def read(cls, reader: Reader) -> Capabilities:
        """Read one; equal ones are one object where they are short: most members of a group say the same."""
        lists = reader.opaques(5)
        if sum(map(len, lists)) > _LONGEST_SHARED:
            return cls(*map(numbers_of, lists))
        return _shared_capabilities(*lists)


_LONGEST_SHARED: Final = 512
"""Bytes of capabilities above which nothing is kept of them: a peer must not fill our memory."""


@lru_cache(maxsize=256)
def _shared_capabilities(*lists: bytes) -> Capabilities:
    return Capabilities(*map(_shared_numbers, lists))


@lru_cache(maxsize=256)
def _shared_numbers(octets: bytes) -> tuple[int, ...]:
    return numbers_of(octets)


_LIFETIME: Final = Struct(">QQ")


@dataclass(frozen=True)
class Lifetime:
    """When a key package may be used: Unix times in seconds, both ends included (RFC 9420 §7.2)."""

    not_before: int
    not_after: int

    def encode(self) -> bytes:
        """Encode as ``Lifetime``."""
        return uint64(self.not_before) + uint64(self.not_after)

    @classmethod
    def read(cls, reader: Reader) -> Lifetime:
        """Read one."""
        return cls(*_LIFETIME.unpack(reader.fixed(16)))

    @property
    def total(self) -> int:
        """Seconds from the first moment to the last."""
        return self.not_after - self.not_before

    def covers(self, now: int) -> bool:
        """Whether ``now`` is inside."""
        return self.not_before <= now <= self.not_after


@dataclass(frozen=True)
class LeafLimits:
    """What an application allows of a leaf: seconds to be valid for in all (§7.2), bytes of its encoding."""

    max_lifetime: int
    max_size: int


@dataclass(frozen=True)
class LeafNode:
    """One member: keys, credential, capabilities, and its signature over them (RFC 9420 §7.2).

    ``lifetime`` is there exactly when the source is a key package, ``parent_hash`` exactly when it is
    a commit.
    """

    encryption_key: bytes
    signature_key: bytes
    credential: Credential
    capabilities: Capabilities
    source: LeafNodeSource
    extensions: Extensions
    signature: bytes
    lifetime: Lifetime | None = None
    parent_hash: bytes | None = None

    @cached_property
    def encoded(self) -> bytes:
        """The leaf as it goes into messages and tree hashes."""
        return self._encode_signed_part() + opaque(self.signature)

    def _signed_part(self) -> bytes:
        # The signature comes last: what is before it is a part of the one encoding that is kept.
        length = len(self.signature)
        return self.encoded[: -(length + len(variable_length(length)))]

    def _encode_signed_part(self) -> bytes:
        source = uint8(self.source)
        if self.lifetime is not None:
            source += self.lifetime.encode()
        if self.parent_hash is not None:
            source += opaque(self.parent_hash)
        return (
            opaque(self.encryption_key)
            + opaque(self.signature_key)
            + self.credential.encode()
            + self.capabilities.encode()
            + source
            + encode_extensions(self.extensions)
        )

    @classmethod
    def read(cls, reader: Reader) -> LeafNode:
        """Read one; the bytes it was read from are kept as its encoding."""
        start = reader.position
        encryption_key, signature_key = reader.opaques(2)
        credential, capabilities = Credential.read(reader), Capabilities.read(reader)
        number = reader.uint8()
        source = _SOURCES.get(number)
        lifetime = parent_hash = None
        if source is LeafNodeSource.KEY_PACKAGE:
            lifetime = Lifetime.read(reader)
        elif source is LeafNodeSource.COMMIT:
            parent_hash = reader.opaque()
        elif source is None:
            raise DecodingError(f"a leaf's source is {number}")
        extensions = read_extensions(reader)
        leaf = cls(
            encryption_key,
            signature_key,
            credential,
            capabilities,
            source,
            extensions,
            reader.opaque(),
            lifetime,
            parent_hash,
        )
        leaf.__dict__["encoded"] = reader.since(start)
        return leaf

    def _to_be_signed(self, group_id: bytes, leaf_index: LeafIndex) -> bytes:
        # RFC 9420 §7.2: LeafNodeTBS names the place in the group for every source but a key package.
        if self.source is LeafNodeSource.KEY_PACKAGE:
            return self._signed_part()
        return self._signed_part() + opaque(group_id) + uint32(leaf_index)

    def signed(
        self,
        suite: CipherSuite,
        private_key: bytes | Signer,
        group_id: bytes = b"",
        leaf_index: LeafIndex = _NOWHERE,
    ) -> LeafNode:
        """Return this leaf with its signature made anew, for its place in ``group_id``."""
        content = self._to_be_signed(group_id, leaf_index)
        return replace(self, signature=sign_with_label(suite, private_key, b"LeafNodeTBS", content))

    def verify(self, suite: CipherSuite, group_id: bytes = b"", leaf_index: LeafIndex = _NOWHERE) -> bool:
        """Whether the signature is right for this place in ``group_id`` (RFC 9420 §7.3)."""
        content = self._to_be_signed(group_id, leaf_index)
        return verify_with_label(suite, self.signature_key, b"LeafNodeTBS", content, self.signature)


@dataclass(frozen=True)
class ParentNode:
    """A node between: its key, the hash that ties it to the one above, leaves yet unmerged (§7.1)."""

    encryption_key: bytes
    parent_hash: bytes
    unmerged_leaves: tuple[LeafIndex, ...] = ()

    @cached_property
    def encoded(self) -> bytes:
        """The node as it goes into messages and tree hashes."""
        return (
            opaque(self.encryption_key) + opaque(self.parent_hash) + vector(map(uint32, self.unmerged_leaves))
        )

    @classmethod
    def read(cls, reader: Reader) -> ParentNode:
        """Read one; raises ``DecodingError`` unless the unmerged leaves rise strictly."""
        start = reader.position
        key, parent_hash = reader.opaque(), reader.opaque()
        unmerged = tuple(LeafIndex(index) for index in reader.vector(Reader.uint32))
        # RFC 9420 §7.1: "the unmerged_leaves vector MUST be sorted in increasing order".
        if any(one >= next_one for one, next_one in pairwise(unmerged)):
            raise DecodingError("a parent node's unmerged leaves do not rise strictly")
        node = cls(key, parent_hash, unmerged)
        node.__dict__["encoded"] = reader.since(start)
        return node

    def with_unmerged(self, leaf: LeafIndex) -> ParentNode:
        """Return this node with ``leaf`` among its unmerged leaves."""
        unmerged = list(self.unmerged_leaves)
        insort(unmerged, leaf)
        return ParentNode(self.encryption_key, self.parent_hash, tuple(unmerged))


Node = LeafNode | ParentNode
