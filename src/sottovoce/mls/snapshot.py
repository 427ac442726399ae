"""A group as bytes, for a store that is encrypted.

Two parts, because they change at different rates: the *epoch snapshot*, which a commit or a proposal
changes, and *records*, small values under short keys, of which a message changes a few. A record's key
is the epoch (8 bytes) and what it holds: ``E`` a past epoch's static part, else a record of that epoch's
secret tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
from sottovoce.mls.presentation import Reader, decode, opaque, optional, uint8, uint32, uint64, vector
from sottovoce.mls.proposal_list import OwnUpdate, SentProposal
from sottovoce.mls.proposals import ReInit, encode_proposal, read_proposal
from sottovoce.mls.ratchet_tree import RatchetTree
from sottovoce.mls.secret_tree import RatchetLimits, SecretTree
from sottovoce.mls.tree_math import LeafIndex, NodeIndex

_VERSION = 2
STATIC_PART = b"E"


@dataclass(frozen=True)
class EpochSnapshot:
    """What the epoch snapshot holds."""

    state: EpochState
    pending: tuple[SentProposal, ...] = ()
    join_extensions: Extensions = ()
    is_active: bool = field(default=True)

    def encode(self) -> bytes:
        """Encode, private keys and secrets included."""
        return (
            uint8(_VERSION)
            + _encode_state(self.state)
            + vector(_encode_sent(sent) for sent in self.pending)
            + encode_extensions(self.join_extensions)
            + uint8(self.is_active)
        )

    @classmethod
    def decode(cls, data: bytes) -> EpochSnapshot:
        """Read what :meth:`encode` wrote; raises ``DamagedSnapshot``."""
        try:
            return decode(cls._read, data)
        except PeerError as error:
            raise DamagedSnapshot("the stored state of a group is damaged: join the group again") from error

    @classmethod
    def _read(cls, reader: Reader) -> EpochSnapshot:
        if reader.uint8() != _VERSION:
            raise DecodingError("the snapshot's version is not known")
        state = _read_state(reader)
        return cls(state, tuple(reader.vector(_read_sent)), read_extensions(reader), bool(reader.uint8()))


def _encode_state(state: EpochState) -> bytes:
    keys = (uint32(index) + opaque(key) for index, key in sorted(state.private_keys.items()))
    return (
        opaque(state.context.encoded)
        + opaque(state.tree.encode())
        + uint32(state.own_leaf)
        + _encode_key_pair(state.signature_key_pair)
        + vector(keys)
        + state.secrets.encode()
        + opaque(state.interim_transcript_hash)
        + opaque(state.confirmation_tag)
        + optional(None if state.reinit is None else state.reinit.encode_body())
    )


def _read_state(reader: Reader) -> EpochState:
    context = decode(GroupContext.read, reader.opaque())
    tree = RatchetTree.decode(reader.opaque())
    own_leaf, signature_key_pair = LeafIndex(reader.uint32()), _read_key_pair(reader)
    private_keys = dict(reader.vector(lambda r: (NodeIndex(r.uint32()), r.opaque())))
    secrets = EpochSecrets(*(reader.opaque() for _ in range(8)))
    return EpochState(
        cipher_suite(context.suite_id),
        context,
        tree,
        own_leaf,
        signature_key_pair,
        private_keys,
        secrets,
        reader.opaque(),
        reader.opaque(),
        reader.optional(ReInit.read_body),
    )


def _encode_key_pair(pair: KeyPair) -> bytes:
    return opaque(pair.private) + opaque(pair.public)


def _read_key_pair(reader: Reader) -> KeyPair:
    return KeyPair(reader.opaque(), reader.opaque())


def _encode_sent(sent: SentProposal) -> bytes:
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


def encode_past(past: PastEpoch) -> bytes:
    """Encode a past epoch's static part."""
    roster = (
        uint32(member.leaf_index) + member.credential.encode() + opaque(member.signature_key)
        for member in past.roster.values()
    )
    return (
        opaque(past.context.encoded)
        + uint32(past.leaf_count)
        + uint32(past.own_leaf)
        + vector(roster)
        + opaque(past.sender_data_secret)
        + opaque(past.resumption_psk)
    )


def _read_past(reader: Reader) -> PastEpoch:
    context = decode(GroupContext.read, reader.opaque())
    leaf_count, own_leaf = reader.uint32(), LeafIndex(reader.uint32())
    members = reader.vector(lambda r: Member(LeafIndex(r.uint32()), Credential.read(r), r.opaque()))
    roster = {member.leaf_index: member for member in members}
    return PastEpoch(context, leaf_count, own_leaf, roster, reader.opaque(), reader.opaque())


def record_key(epoch: int, inner: bytes) -> bytes:
    """Return a record's key: epoch, then what it holds."""
    return uint64(epoch) + inner


def restore_message_epochs(
    state: EpochState, records: Mapping[bytes, bytes], limits: RatchetLimits
) -> dict[int, MessageEpoch]:
    """Make every epoch's message secrets again from the records; raises ``DamagedSnapshot``."""
    by_epoch: dict[int, dict[bytes, bytes]] = {}
    for key, value in records.items():
        by_epoch.setdefault(int.from_bytes(key[:8], "big"), {})[key[8:]] = value
    found: dict[int, MessageEpoch] = {}
    for epoch in sorted({*by_epoch, state.epoch}):
        inner = by_epoch.get(epoch, {})
        static = inner.pop(STATIC_PART, None)
        if epoch == state.epoch:
            past = PastEpoch.of(state)
        elif static is not None and epoch < state.epoch:
            past = _decode_past(static)
        else:
            raise DamagedSnapshot("the stored records of a group do not fit its state: join the group again")
        tree = SecretTree.restore(state.suite, past.leaf_count, inner, limits)
        found[epoch] = MessageEpoch(past, tree)
    return found


def _decode_past(data: bytes) -> PastEpoch:
    try:
        return decode(_read_past, data)
    except PeerError as error:
        raise DamagedSnapshot("a stored past epoch is damaged: join the group again") from error
