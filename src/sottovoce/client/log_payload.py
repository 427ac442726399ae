"""The payload of a commit in a room log: one type byte, then its body.

A message entry's payload is the bare MLSMessage and needs none of this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sottovoce.client.errors import ContentError

_MLS_MESSAGE: Final = b"\x01"
_SEALED_EXTERNAL_COMMIT: Final = b"\x02"


@dataclass(frozen=True)
class MemberCommit:
    """Type 1: a member's commit, an MLSMessage holding a PrivateMessage."""

    message: bytes


@dataclass(frozen=True)
class SealedExternalCommit:
    """Type 2: a joiner's commit, sealed under the join secret of the epoch it ends."""

    sealed: bytes


CommitPayload = MemberCommit | SealedExternalCommit


def encode_commit(commit: CommitPayload) -> bytes:
    """Encode for the log."""
    if isinstance(commit, MemberCommit):
        return _MLS_MESSAGE + commit.message
    return _SEALED_EXTERNAL_COMMIT + commit.sealed


def decode_commit(payload: bytes) -> CommitPayload:
    """Read one; raises :class:`~sottovoce.client.errors.ContentError` for another type or nothing at all."""
    match payload[:1]:
        case b"\x01":
            return MemberCommit(payload[1:])
        case b"\x02":
            return SealedExternalCommit(payload[1:])
        case _:
            raise ContentError("A commit in the log is of an unknown type.")
