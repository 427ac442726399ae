"""What a member proposes of itself, and which received proposals it commits (RFC 9420 §12.1, §12.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sottovoce.crypto.key_pair import KeyPair
from sottovoce.errors import PeerError
from sottovoce.mls.config import GroupConfig
from sottovoce.mls.credentials import Credential
from sottovoce.mls.epoch import EpochState
from sottovoce.mls.errors import NotAMember
from sottovoce.mls.framing import Sender
from sottovoce.mls.key_package import Random
from sottovoce.mls.nodes import LeafNodeSource
from sottovoce.mls.proposal_list import (
    OwnUpdate,
    SentProposal,
    apply_proposals,
    validate_result,
)
from sottovoce.mls.proposals import Proposal, ReInit, Remove, SelfRemove, Update
from sottovoce.mls.psks import KnownPSKs


def new_update(
    state: EpochState,
    credential: Credential | None,
    signature_key_pair: KeyPair | None,
    random: Random,
) -> tuple[Update, OwnUpdate]:
    """Return an Update of our own leaf with a new encryption key, and its private halves (§12.1.2)."""
    suite = state.suite
    old = state.tree.leaf(state.own_leaf)
    if old is None:
        raise NotAMember("this member was removed: join again")
    signature = signature_key_pair or state.signature_key_pair
    encryption = suite.derive_key_pair(random(suite.secret_length))
    leaf = replace(
        old,
        encryption_key=encryption.public,
        signature_key=signature.public,
        credential=credential or old.credential,
        source=LeafNodeSource.UPDATE,
        lifetime=None,
        parent_hash=None,
    ).signed(suite, signature.private, state.context.group_id, state.own_leaf)
    return Update(leaf), OwnUpdate(encryption.private, signature)


@dataclass(frozen=True)
class ProposalChoice:
    """What a commit of ours holds by value, and with what its pre-shared keys are found."""

    state: EpochState
    config: GroupConfig
    by_value: Sequence[Proposal]
    known: KnownPSKs
    now: int

    def choose(self, pending: Sequence[SentProposal]) -> list[SentProposal]:
        """Return those of the received proposals that can be committed, in their order.

        §12.2: a committer leaves out what would make its commit invalid, so nobody can stop the others
        from committing by a proposal. Who leaves of itself comes first, then Removes, then the others, later
        ones before earlier, and a ReInit, which stands alone, after everything else.
        """
        chosen = [sent for sent in pending if not self._of_ourselves(sent)]
        if self._fits(chosen):
            return chosen
        fitting: list[SentProposal] = []
        leaves = [sent for sent in chosen if isinstance(sent.proposal, SelfRemove)]
        removes = [sent for sent in chosen if isinstance(sent.proposal, Remove)]
        reinits = [sent for sent in chosen if isinstance(sent.proposal, ReInit)]
        firsts_and_last = (SelfRemove, Remove, ReInit)
        others = [sent for sent in reversed(chosen) if not isinstance(sent.proposal, firsts_and_last)]
        for sent in leaves + removes + others + reinits:
            if self._fits([*fitting, sent]):
                fitting.append(sent)
        return [sent for sent in chosen if sent in fitting]

    def _of_ourselves(self, sent: SentProposal) -> bool:
        # §12.2: a committer neither updates nor removes itself by proposal.
        removes = isinstance(sent.proposal, Remove) and sent.proposal.removed == self.state.own_leaf
        leaves = isinstance(sent.proposal, SelfRemove) and sent.sender == Sender.member(self.state.own_leaf)
        return removes or leaves or sent.own_update is not None

    def _fits(self, referred: Sequence[SentProposal]) -> bool:
        state = self.state
        by_value = [SentProposal(one, Sender.member(state.own_leaf)) for one in self.by_value]
        try:
            applied = apply_proposals(
                state, self.config, [*referred, *by_value], committer=state.own_leaf, now=self.now
            )
            validate_result(state, applied, [*(at for at, _ in applied.added), *applied.updated])
            self.known.find(applied.psks)
        except PeerError:
            return False
        return True
