"""What an application chooses for its groups: judgement of credentials, padding, caps, policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls.credentials import AnyBasicCredential, AuthenticationService
from sottovoce.mls.framing import WireFormat
from sottovoce.mls.nodes import LeafLimits
from sottovoce.mls.secret_tree import RatchetLimits

if TYPE_CHECKING:
    from sottovoce.mls.staged import StagedCommit, StagedProposal

BUCKETS: Final = (256, 1024, 4096, 16384, 65536)
"""Lengths in bytes that :func:`bucket_padding` pads a plaintext to."""


def bucket_padding(length: int) -> int:
    """Return the smallest bucket that holds ``length`` bytes, or the next multiple of the largest."""
    fitting = (bucket for bucket in BUCKETS if length <= bucket)
    return next(fitting, -(-length // BUCKETS[-1]) * BUCKETS[-1])


def no_padding(length: int) -> int:
    """Return ``length``: nothing is hidden. For comparisons with other implementations."""
    return length


@dataclass(frozen=True)
class GroupConfig:
    """The choices of one application; the defaults are safe ones.

    ``check_commit`` sees each commit, one's own too, before it can be merged, and refuses it by raising a
    ``PeerError``. ``check_proposal`` does so for each proposal: a commit refers to the proposals of others,
    so what its sender may not ask for is to be refused here, before somebody with more rights commits it.
    ``max_pending_proposals`` is for each sender and epoch, ``max_lifetime`` the seconds in all that a leaf
    may be valid for, of whom one adds and of who is there when one joins, ``max_leaf_size`` its bytes.
    ``trace`` gets a line of text for each handshake and derivation, never a secret.

    ``send_public_handshakes`` sends proposals and commits as PublicMessage, whose readers need
    ``accept_public_messages``. ``accept_external_proposals`` lets in what the group's external senders
    propose, and whoever proposes to be added itself: ``check_proposal`` is to say who may.
    ``accept_reinit`` lets a member close the group in favour of a successor.
    """

    authentication: AuthenticationService = field(default_factory=AnyBasicCredential)
    padding: Callable[[int], int] = bucket_padding
    max_forward_generations: int = 1000
    max_skipped_keys: int = 1000
    max_skipped_keys_per_epoch: int = 10_000
    past_epochs: int = 3
    max_pending_proposals: int = 16
    max_lifetime: int = 400 * 24 * 3600
    max_leaf_size: int = 16 * 1024
    accept_public_messages: bool = False
    accept_external_commits: bool = True
    accept_external_proposals: bool = False
    accept_reinit: bool = False
    send_public_handshakes: bool = False
    check_commit: Callable[[StagedCommit], None] | None = None
    check_proposal: Callable[[StagedProposal], None] | None = None
    trace: Callable[[str], None] | None = None

    @property
    def limits(self) -> RatchetLimits:
        """The caps on message keys."""
        return RatchetLimits(
            self.max_forward_generations, self.max_skipped_keys, self.max_skipped_keys_per_epoch
        )

    @property
    def leaf_limits(self) -> LeafLimits:
        """The caps on leaves."""
        return LeafLimits(self.max_lifetime, self.max_leaf_size)

    @property
    def handshake_format(self) -> WireFormat:
        """How proposals and commits of ours travel."""
        return WireFormat.PUBLIC_MESSAGE if self.send_public_handshakes else WireFormat.PRIVATE_MESSAGE

    def trace_step(self, suite: CipherSuite, epoch: int, line: str) -> None:
        """Tell ``trace`` of a step."""
        if self.trace is not None:
            self.trace(f"mls {suite.name} epoch {epoch}: {line}")


DEFAULT_CONFIG: Final = GroupConfig()
"""What a group has that was given no other."""
