"""What an application chooses for its groups: judgement of credentials, padding, caps, policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sottovoce.mls.credentials import AnyBasicCredential, AuthenticationService
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
    ``max_pending_proposals`` is for each sender and epoch, ``max_lifetime`` the seconds in all that an added
    key package may be valid for. ``trace`` gets a line of text for each handshake
    and derivation, never a secret.
    """

    authentication: AuthenticationService = field(default_factory=AnyBasicCredential)
    padding: Callable[[int], int] = bucket_padding
    max_forward_generations: int = 1000
    max_skipped_keys: int = 1000
    max_skipped_keys_per_epoch: int = 10_000
    past_epochs: int = 3
    max_pending_proposals: int = 16
    max_lifetime: int = 400 * 24 * 3600
    accept_public_messages: bool = False
    accept_external_commits: bool = True
    check_commit: Callable[[StagedCommit], None] | None = None
    check_proposal: Callable[[StagedProposal], None] | None = None
    trace: Callable[[str], None] | None = None

    @property
    def limits(self) -> RatchetLimits:
        """The caps on message keys."""
        return RatchetLimits(
            self.max_forward_generations, self.max_skipped_keys, self.max_skipped_keys_per_epoch
        )
