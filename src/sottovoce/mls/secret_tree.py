"""The secret tree and the message ratchets at its leaves (RFC 9420 §9).

A secret is deleted as soon as what follows from it has been derived (§9.2). Nodes are opened only on
the way to a leaf that is used; what is still to be opened, each ratchet and each skipped key is one
small record, so that the store writes what changed and nothing else. A :class:`RatchetStep` is planned
without a change and applied when its message is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls import tree_math
from sottovoce.mls.errors import (
    DamagedSnapshot,
    DecodingError,
    GenerationTooFar,
    KeyConsumed,
    MisuseError,
    StaleStaging,
)
from sottovoce.mls.framing import ContentType
from sottovoce.mls.labels import derive_tree_secret, expand_with_label
from sottovoce.mls.presentation import Reader, opaque, uint8, uint32, uint64
from sottovoce.mls.tree_math import LeafIndex, NodeIndex

HANDSHAKE: Final = 0
APPLICATION: Final = 1
MAX_GENERATION: Final = 0xFFFF_FFFF
_LABELS: Final = (b"handshake", b"application")


@dataclass(frozen=True)
class RatchetLimits:
    """How much a sender can make us derive and keep (RFC 9420 §9.2, §15.3)."""

    max_forward_generations: int = 1000
    max_skipped_keys: int = 1000
    max_skipped_keys_per_epoch: int = 10_000


@dataclass(frozen=True)
class MessageKey:
    """Key and nonce of one message (RFC 9420 §9.1)."""

    key: bytes = field(repr=False)
    nonce: bytes = field(repr=False)


@dataclass
class Ratchet:
    """One sender's chain: the secret of the next generation, and keys skipped on the way."""

    generation: int
    secret: bytes = field(repr=False)
    skipped: dict[int, MessageKey] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class RatchetStep:
    """The use of one generation of one ratchet, planned."""

    leaf: LeafIndex
    kind: int
    generation: int
    message_key: MessageKey = field(repr=False)
    start: int
    """Generation the ratchet stood at when this was planned."""
    next_secret: bytes | None = field(repr=False)
    """Secret of the generation after this one; None where a skipped key is used."""
    passed: Mapping[int, bytes] = field(repr=False)
    """Secrets of the generations passed over; their keys are derived once the message has opened."""


def ratchet_kind(content_type: ContentType) -> int:
    """Return which of a leaf's two ratchets a content type uses (§9.1)."""
    return APPLICATION if content_type is ContentType.APPLICATION else HANDSHAKE


class SecretTree:
    """One epoch's message secrets, the unopened nodes and the ratchets of the leaves in use."""

    __slots__ = ("_changes", "_leaf_count", "_limits", "_nodes", "_ratchets", "_skipped_count", "_suite")

    def __init__(
        self, suite: CipherSuite, leaf_count: int, encryption_secret: bytes | None, limits: RatchetLimits
    ) -> None:
        self._suite = suite
        self._leaf_count = leaf_count
        self._limits = limits
        self._nodes: dict[NodeIndex, bytes] = {}
        self._ratchets: dict[tuple[LeafIndex, int], Ratchet] = {}
        self._changes: set[_Place] = set()
        self._skipped_count = 0
        if encryption_secret is not None:
            self._put_node(tree_math.root(leaf_count), encryption_secret)

    def __repr__(self) -> str:
        counts = f"{len(self._ratchets)} ratchets, {self._skipped_count} skipped keys"
        return f"SecretTree({self._leaf_count} leaves, {counts})"

    @property
    def skipped_count(self) -> int:
        """How many skipped keys are kept, over all senders."""
        return self._skipped_count

    # -- planning: no change -----------------------------------------------------------------------

    def plan_next(self, leaf: LeafIndex, kind: int) -> RatchetStep:
        """Plan the use of a ratchet's next generation, to send with it."""
        ratchet = self._ratchet(leaf, kind)
        if ratchet.generation > MAX_GENERATION:
            raise MisuseError("this epoch's last message is sent: commit to begin another")
        return self._plan(ratchet, leaf, kind, ratchet.generation)

    def plan(self, leaf: LeafIndex, kind: int, generation: int) -> RatchetStep:
        """Plan the use of ``generation``.

        Raises ``GenerationTooFar`` before anything is derived, and ``KeyConsumed`` for a key that is gone.
        """
        return self._plan(self._ratchet(leaf, kind), leaf, kind, generation)

    def _plan(self, ratchet: Ratchet, leaf: LeafIndex, kind: int, generation: int) -> RatchetStep:
        if generation < ratchet.generation:
            if generation not in ratchet.skipped:
                raise KeyConsumed(f"the key of generation {generation} of leaf {leaf} is used or dropped")
            return RatchetStep(
                leaf, kind, generation, ratchet.skipped[generation], ratchet.generation, None, {}
            )
        if generation - ratchet.generation > self._limits.max_forward_generations:
            raise GenerationTooFar(f"generation {generation} of leaf {leaf} is too far ahead")
        secret, passed = ratchet.secret, {}
        for number in range(ratchet.generation, generation):
            passed[number] = secret
            secret = self._tree_secret(secret, b"secret", number)
        key = self._message_key(secret, generation)
        following = self._tree_secret(secret, b"secret", generation)
        return RatchetStep(leaf, kind, generation, key, ratchet.generation, following, passed)

    def _message_key(self, secret: bytes, generation: int) -> MessageKey:
        suite = self._suite
        return MessageKey(
            derive_tree_secret(suite, secret, b"key", generation, suite.key_length),
            derive_tree_secret(suite, secret, b"nonce", generation, suite.nonce_length),
        )

    def _tree_secret(self, secret: bytes, label: bytes, generation: int) -> bytes:
        return derive_tree_secret(self._suite, secret, label, generation, self._suite.secret_length)

    def _ratchet(self, leaf: LeafIndex, kind: int) -> Ratchet:
        existing = self._ratchets.get((leaf, kind))
        return existing if existing is not None else self._open_leaf(leaf)[1][kind]

    def _open_leaf(self, leaf: LeafIndex) -> tuple[dict[NodeIndex, bytes | None], tuple[Ratchet, Ratchet]]:
        """Derive the way to a leaf: (nodes that change, its two ratchets)."""
        if leaf >= self._leaf_count:
            raise KeyConsumed(f"the secret tree has no leaf {leaf}")
        way = [tree_math.leaf_node_index(leaf)]
        while way[-1] not in self._nodes:
            if way[-1] == tree_math.root(self._leaf_count):
                raise KeyConsumed(f"the secret tree holds nothing for leaf {leaf}")
            way.append(tree_math.parent(way[-1]))
        top = way[-1]
        secret, changes = self._nodes[top], {top: None}
        nodes: dict[NodeIndex, bytes | None] = dict(changes)
        for parent, child in zip(way[::-1], way[-2::-1], strict=False):
            goes_left = child == tree_math.left(parent)
            sides = [self._expand(secret, b"tree", side) for side in (b"left", b"right")]
            secret = sides[0 if goes_left else 1]
            nodes[tree_math.sibling(child)] = sides[1 if goes_left else 0]
        handshake, application = (Ratchet(0, self._expand(secret, label, b"")) for label in _LABELS)
        return nodes, (handshake, application)

    def _expand(self, secret: bytes, label: bytes, context: bytes) -> bytes:
        return expand_with_label(self._suite, secret, label, context, self._suite.secret_length)

    # -- applying ----------------------------------------------------------------------------------

    def apply(self, step: RatchetStep) -> None:
        """Carry a planned step out: delete what it used (§9.2); raises ``StaleStaging`` if that is gone."""
        self.check(step)
        place = step.leaf, step.kind
        ratchet = self._ratchets.get(place) or self._put_leaf(step.leaf)[step.kind]
        if step.next_secret is None:
            self._drop_skipped(step.leaf, step.kind, step.generation)
            return
        ratchet.generation, ratchet.secret = step.generation + 1, step.next_secret
        self._changes.add(place)
        if not step.passed:
            return
        for generation, secret in step.passed.items():
            ratchet.skipped[generation] = self._message_key(secret, generation)
            self._changes.add((step.leaf, step.kind, generation))
        self._skipped_count += len(step.passed)
        while ratchet.skipped and (
            len(ratchet.skipped) > self._limits.max_skipped_keys
            or self._skipped_count > self._limits.max_skipped_keys_per_epoch
        ):
            self._drop_skipped(step.leaf, step.kind, min(ratchet.skipped))

    def check(self, step: RatchetStep) -> None:
        """Raise ``StaleStaging`` unless ``step`` can still be applied; change nothing."""
        ratchet = self._ratchets.get((step.leaf, step.kind))
        generation = 0 if ratchet is None else ratchet.generation
        used = step.next_secret is None and (ratchet is None or step.generation not in ratchet.skipped)
        if used or (step.next_secret is not None and generation != step.start):
            raise StaleStaging("the sender's ratchet has moved on: process the message again")

    def is_applied(self, step: RatchetStep) -> bool:
        """Whether a step planned by :meth:`plan_next` has been carried out."""
        ratchet = self._ratchets.get((step.leaf, step.kind))
        return ratchet is not None and ratchet.generation > step.generation

    def _put_leaf(self, leaf: LeafIndex) -> tuple[Ratchet, Ratchet]:
        nodes, ratchets = self._open_leaf(leaf)
        for index, secret in nodes.items():
            self._put_node(index, secret)
        for kind, ratchet in enumerate(ratchets):
            self._ratchets[leaf, kind] = ratchet
            self._changes.add((leaf, kind))
        return ratchets

    def _put_node(self, index: NodeIndex, secret: bytes | None) -> None:
        if secret is None:
            del self._nodes[index]
        else:
            self._nodes[index] = secret
        self._changes.add((index,))

    def _drop_skipped(self, leaf: LeafIndex, kind: int, generation: int) -> None:
        del self._ratchets[leaf, kind].skipped[generation]
        self._skipped_count -= 1
        self._changes.add((leaf, kind, generation))

    # -- records -----------------------------------------------------------------------------------

    def take_changes(self) -> dict[bytes, bytes | None]:
        """Return the records changed since the last call, None for those to delete."""
        taken = {_key(place): self._record(place) for place in self._changes}
        self._changes = set()
        return taken

    def records(self) -> dict[bytes, bytes]:
        """Return every record."""
        places: list[_Place] = [(index,) for index in self._nodes]
        for (leaf, kind), ratchet in self._ratchets.items():
            places.append((leaf, kind))
            places += ((leaf, kind, generation) for generation in ratchet.skipped)
        found = {_key(place): self._record(place) for place in places}
        return {key: value for key, value in found.items() if value is not None}

    def _record(self, place: _Place) -> bytes | None:
        if len(place) == 1:
            return self._nodes.get(place[0])
        ratchet = self._ratchets[place[0], place[1]]
        if len(place) == 2:
            return uint64(ratchet.generation) + opaque(ratchet.secret)
        skipped = ratchet.skipped.get(place[2])
        return None if skipped is None else opaque(skipped.key) + opaque(skipped.nonce)

    @classmethod
    def restore(
        cls, suite: CipherSuite, leaf_count: int, records: Mapping[bytes, bytes], limits: RatchetLimits
    ) -> SecretTree:
        """Make the tree again from its records; raises ``DamagedSnapshot``."""
        tree = cls(suite, leaf_count, None, limits)
        try:
            for key in sorted(records):
                tree._restore_record(Reader(key), Reader(records[key]))
        except (DecodingError, KeyError) as error:
            raise DamagedSnapshot("a stored ratchet record is damaged: join the group again") from error
        return tree

    def _restore_record(self, key: Reader, value: Reader) -> None:
        # Sorted, the records of nodes come first, then ratchets, then skipped keys.
        what = key.fixed(1)
        if what == b"N":
            self._nodes[NodeIndex(key.uint32())] = value.rest()
            return
        place = LeafIndex(key.uint32()), key.uint8()
        if what == b"R":
            self._ratchets[place] = Ratchet(value.uint64(), value.opaque())
        else:
            self._ratchets[place].skipped[key.uint32()] = MessageKey(value.opaque(), value.opaque())
            self._skipped_count += 1


_Place = tuple[NodeIndex] | tuple[LeafIndex, int] | tuple[LeafIndex, int, int]
"""Where a record belongs: an unopened node, a leaf's ratchet of a kind, or a skipped generation of it."""


def _key(place: _Place) -> bytes:
    if len(place) == 1:
        return b"N" + uint32(place[0])
    if len(place) == 2:
        return b"R" + uint32(place[0]) + uint8(place[1])
    return b"S" + uint32(place[0]) + uint8(place[1]) + uint32(place[2])


def root_key(leaf_count: int) -> bytes:
    """Return the key of the record that a tree not used yet has: its root, the encryption secret."""
    return _key((tree_math.root(leaf_count),))
