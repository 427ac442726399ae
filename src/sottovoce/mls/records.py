"""A group as records: small values under short keys, for a store that is encrypted.

What an operation changes is a few of them, however many members there are. A key's first byte says what
the record holds:

- ``G``: the current epoch, but for its tree and its messages; each commit rewrites it;
- ``T``, node (4 bytes): a node of the ratchet tree that is not blank;
- ``P``, epoch (8 bytes), number (4 bytes): a proposal that waits for a commit, in the order they came;
- ``E``, epoch: what the late messages of a past epoch need, with the leaves that the next commit changed as
  they were: who else was there, the epochs after it and the tree say;
- ``M``, epoch, and a key of :class:`~sottovoce.mls.secret_tree.SecretTree`: secrets of messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.suites import cipher_suite
from sottovoce.errors import PeerError
from sottovoce.mls.credentials import Credential
from sottovoce.mls.epoch import EpochState, Member, MessageEpoch, PastEpoch
from sottovoce.mls.errors import DamagedSnapshot, DecodingError
from sottovoce.mls.extensions import Extensions, encode_extensions, read_extensions
from sottovoce.mls.framing import Sender
from sottovoce.mls.group_info import GroupContext
from sottovoce.mls.key_schedule import EpochSecrets
from sottovoce.mls.nodes import LeafNode, Node, ParentNode
from sottovoce.mls.presentation import Reader, decode, opaque, optional, uint8, uint32, uint64, vector
from sottovoce.mls.proposal_list import OwnUpdate, SentProposal
from sottovoce.mls.proposals import ReInit, encode_proposal, read_proposal
from sottovoce.mls.ratchet_tree import RatchetTree
from sottovoce.mls.secret_tree import RatchetLimits, SecretTree, root_key
from sottovoce.mls.tree_math import (
    LeafIndex,
    NodeIndex,
    is_leaf,
    leaf_node_index,
    node_leaf_index,
    node_width,
)

_VERSION: Final = 3
GROUP: Final = b"G"
_NODE: Final = b"T"
_PROPOSAL: Final = b"P"
_PAST: Final = b"E"
_MESSAGES: Final = b"M"

Changes = dict[bytes, bytes | None]
"""Records to write, None for those to delete."""


@dataclass(frozen=True)
class StoredGroup:
    """All that the records of a group hold."""

    state: EpochState
    epochs: Mapping[int, MessageEpoch]
    pending: tuple[SentProposal, ...] = ()
    join_extensions: Extensions = ()
    is_active: bool = field(default=True)

    def records(self) -> dict[bytes, bytes]:
        """Return every record, private keys and secrets included."""
        records = {GROUP: group_record(self.state, self.join_extensions, self.is_active)}
        tree = self.state.tree
        records |= {_node_key(leaf_node_index(leaf)): node.encoded for leaf, node in tree.members()}
        records |= {_node_key(index): node.encoded for index, node in tree.parents()}
        for number, sent in enumerate(self.pending):
            records[proposal_key(self.state.epoch, number)] = encode_sent(sent)
        for epoch, one in self.epochs.items():
            if epoch != self.state.epoch:
                records[past_key(epoch)] = encode_past(one.past)
            for key, value in one.secret_tree.records().items():
                records[message_key(epoch, key)] = value
        return records

    @classmethod
    def read(cls, records: Mapping[bytes, bytes], limits: RatchetLimits) -> StoredGroup:
        """Make a group again from its records; raises ``DamagedSnapshot``."""
        try:
            return _read_group(records, limits)
        except (PeerError, KeyError) as error:
            raise DamagedSnapshot("the stored state of a group is damaged: join the group again") from error


def proposal_key(epoch: int, number: int) -> bytes:
    """Return the key of the proposal that was the ``number``-th of its epoch, from 0."""
    return _PROPOSAL + uint64(epoch) + uint32(number)


def past_key(epoch: int) -> bytes:
    """Return the key of a past epoch's record."""
    return _PAST + uint64(epoch)


def message_key(epoch: int, inner: bytes) -> bytes:
    """Return the key of a record of an epoch's secret tree."""
    return _MESSAGES + uint64(epoch) + inner


def _node_key(index: NodeIndex) -> bytes:
    return _NODE + uint32(index)


def _tree_changes(base: RatchetTree, tree: RatchetTree) -> Changes:
    changes: Changes = {}
    width = node_width(tree.leaf_count)
    for index in tree.changed_from(base):
        node = tree.node(index) if index < width else None
        changes[_node_key(index)] = None if node is None else node.encoded
    return changes


def commit_changes(past: PastEpoch, base: EpochState, after: EpochState) -> Changes:
    """Return the records that a commit from ``base`` to ``after`` writes, but for secrets of messages.

    ``past`` is what is left of ``base``.
    """
    changes = _tree_changes(base.tree, after.tree)
    changes[GROUP] = group_record(after)
    changes[past_key(base.epoch)] = encode_past(past)
    return changes


# -- the group and its pending proposals ---------------------------------------------------------------


def group_record(state: EpochState, join_extensions: Extensions = (), is_active: bool = True) -> bytes:
    """Encode an epoch without its tree; a few kilobytes, of which the private keys grow with log n."""
    keys = (uint32(index) + opaque(key) for index, key in sorted(state.private_keys.items()))
    return (
        uint8(_VERSION)
        + opaque(state.context.encoded)
        + uint32(state.tree.leaf_count)
        + uint32(state.own_leaf)
        + _encode_key_pair(state.signature_key_pair)
        + vector(keys)
        + state.secrets.encode()
        + opaque(state.interim_transcript_hash)
        + opaque(state.confirmation_tag)
        + optional(None if state.reinit is None else state.reinit.encode_body())
        + encode_extensions(join_extensions)
        + uint8(is_active)
    )


def _read_group(records: Mapping[bytes, bytes], limits: RatchetLimits) -> StoredGroup:
    state, join_extensions, is_active = _read_group_record(records[GROUP], lambda n: _read_tree(records, n))
    epochs = _read_epochs(state, records, limits) if is_active else {}
    return StoredGroup(state, epochs, _read_pending(records, state.epoch), join_extensions, is_active)


def read_next_epoch(base: EpochState, changes: Mapping[bytes, bytes | None]) -> tuple[EpochState, bytes]:
    """Return the epoch that a commit's changes lead to from ``base``, and its encryption secret.

    Raises ``DamagedSnapshot`` unless they are of a commit in ``base``.
    """
    try:
        record = changes.get(GROUP) or b""
        state, _, _ = _read_group_record(record, lambda n: _read_changed_tree(base.tree, changes, n))
        secret = changes.get(message_key(base.epoch + 1, root_key(state.tree.leaf_count)))
    except PeerError as error:
        raise DamagedSnapshot(
            "what is stored of a commit in flight is damaged or of another epoch"
        ) from error
    if secret is None or state.epoch != base.epoch + 1 or state.context.group_id != base.context.group_id:
        raise DamagedSnapshot("what is stored of a commit in flight is not of this epoch")
    return state, secret


def _read_group_record(
    data: bytes, read_tree: Callable[[int], RatchetTree]
) -> tuple[EpochState, Extensions, bool]:
    """Read a group record: (state, join extensions, whether active); ``read_tree`` gets the leaf count."""
    reader = Reader(data)
    if reader.uint8() != _VERSION:
        raise DecodingError("the version of the records is not known")
    context = decode(GroupContext.read, reader.opaque())
    suite, leaf_count, own_leaf = cipher_suite(context.suite_id), reader.uint32(), LeafIndex(reader.uint32())
    signature_key_pair = _read_key_pair(reader)
    private_keys = dict(reader.vector(lambda r: (NodeIndex(r.uint32()), r.opaque())))
    secrets = EpochSecrets(*(reader.opaque() for _ in range(8)))
    interim_transcript_hash, confirmation_tag = reader.opaque(), reader.opaque()
    reinit = reader.optional(ReInit.read_body)
    join_extensions, is_active = read_extensions(reader), bool(reader.uint8())
    reader.finish()
    tree = read_tree(leaf_count)
    if tree.tree_hash(suite) != context.tree_hash:
        raise DecodingError("the stored tree is not the epoch's")
    state = EpochState(
        suite,
        context,
        tree,
        own_leaf,
        signature_key_pair,
        private_keys,
        secrets,
        interim_transcript_hash,
        confirmation_tag,
        reinit,
    )
    return state, join_extensions, is_active


def _read_tree(records: Mapping[bytes, bytes], leaf_count: int) -> RatchetTree:
    return _tree_of(_read_nodes(records), leaf_count)


def _read_changed_tree(
    base: RatchetTree, changes: Mapping[bytes, bytes | None], leaf_count: int
) -> RatchetTree:
    """Read a tree of which ``changes`` have the nodes that ``base`` has not; it shares the others."""
    nodes: dict[NodeIndex, Node | None] = {}
    nodes |= {leaf_node_index(leaf): node for leaf, node in base.members()}
    nodes |= dict(base.parents())
    return _tree_of(nodes | _read_nodes(changes), leaf_count)


def _tree_of(found: Mapping[NodeIndex, Node | None], leaf_count: int) -> RatchetTree:
    present = {index: node for index, node in found.items() if node is not None}
    last = max(present, default=NodeIndex(1))
    # A tree ends with a leaf and is as small as it allows (RFC 9420 §7.7): a damaged length takes no memory.
    if not is_leaf(last) or leaf_count != 1 << node_leaf_index(last).bit_length():
        raise DecodingError("the stored tree has another size than its nodes")
    nodes: list[Node | None] = [None] * node_width(leaf_count)
    for index, node in present.items():
        nodes[index] = node
    return RatchetTree(nodes)


def _read_nodes(records: Mapping[bytes, bytes | None]) -> dict[NodeIndex, Node | None]:
    return {_read_node_key(key): _read_node(key, data) for key, data in records.items() if key[:1] == _NODE}


def _read_node_key(key: bytes) -> NodeIndex:
    return NodeIndex(decode(Reader.uint32, key[1:]))


def _read_node(key: bytes, data: bytes | None) -> Node | None:
    if data is None:
        return None
    return decode(LeafNode.read, data) if is_leaf(_read_node_key(key)) else decode(ParentNode.read, data)


def _read_pending(records: Mapping[bytes, bytes], epoch: int) -> tuple[SentProposal, ...]:
    # Those of the epoch before are left where a commit in flight was taken up after a restart.
    keys = sorted(key for key in records if key.startswith(_PROPOSAL + uint64(epoch)))
    return tuple(decode(_read_sent, records[key]) for key in keys)


def _encode_key_pair(pair: KeyPair) -> bytes:
    return opaque(pair.private) + opaque(pair.public)


def _read_key_pair(reader: Reader) -> KeyPair:
    return KeyPair(reader.opaque(), reader.opaque())


def encode_sent(sent: SentProposal) -> bytes:
    """Encode a proposal that waits for a commit; one of ours with the keys it brings."""
    own = sent.own_update
    private = (
        None if own is None else opaque(own.encryption_private_key) + _encode_key_pair(own.signature_key_pair)
    )
    return (
        opaque(encode_proposal(sent.proposal))
        + sent.sender.encode()
        + opaque(sent.reference or b"")
        + optional(private)
    )


def _read_sent(reader: Reader) -> SentProposal:
    return SentProposal(
        decode(read_proposal, reader.opaque()),
        Sender.read(reader),
        reader.opaque(),
        reader.optional(lambda r: OwnUpdate(r.opaque(), _read_key_pair(r))),
    )


# -- epochs as messages see them -----------------------------------------------------------------------


def encode_past(past: PastEpoch) -> bytes:
    """Encode a past epoch but for its secret tree."""
    former = (
        uint32(leaf) + optional(None if member is None else _encode_member(member))
        for leaf, member in past.former.items()
    )
    return (
        opaque(past.context.encoded)
        + uint32(past.leaf_count)
        + uint32(past.own_leaf)
        + vector(former)
        + opaque(past.sender_data_secret)
        + opaque(past.resumption_psk)
    )


def _encode_member(member: Member) -> bytes:
    return member.credential.encode() + opaque(member.signature_key)


def _read_past(reader: Reader) -> PastEpoch:
    context = decode(GroupContext.read, reader.opaque())
    leaf_count, own_leaf = reader.uint32(), LeafIndex(reader.uint32())
    former = dict(reader.vector(_read_former))
    return PastEpoch(context, leaf_count, own_leaf, former, reader.opaque(), reader.opaque())


def _read_former(reader: Reader) -> tuple[LeafIndex, Member | None]:
    leaf = LeafIndex(reader.uint32())
    return leaf, reader.optional(lambda r: Member(leaf, Credential.read(r), r.opaque()))


def _read_epochs(
    state: EpochState, records: Mapping[bytes, bytes], limits: RatchetLimits
) -> dict[int, MessageEpoch]:
    pasts: dict[int, PastEpoch] = {}
    secrets: dict[int, dict[bytes, bytes]] = {}
    for key, value in records.items():
        if key[:1] == _PAST:
            pasts[decode(Reader.uint64, key[1:])] = decode(_read_past, value)
        elif key[:1] == _MESSAGES:
            secrets.setdefault(Reader(key, 1).uint64(), {})[key[9:]] = value
    # Each past epoch tells what the next commit changed, so none may be missing; and none is to come.
    if sorted(pasts) != list(range(state.epoch - len(pasts), state.epoch)):
        raise DecodingError("the stored epochs of a group do not follow each other")
    pasts[state.epoch] = PastEpoch.of(state)
    if not secrets.keys() <= pasts.keys():
        raise DecodingError("a group has message secrets of an epoch it does not keep")
    epochs = {}
    for epoch, past in pasts.items():
        tree = SecretTree.restore(state.suite, past.leaf_count, secrets.get(epoch, {}), limits)
        epochs[epoch] = MessageEpoch(past, tree)
    return epochs
