"""The rules of a room log, pure: what may be stored next, and where the room stands afterwards.

The order of the checks is part of the rules: an id that is stored already is answered with its earlier seq,
also when the epoch has passed; then the roster; then the epoch; then the turn (docs/protocol.md, *Room log*).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from sottovoce.link.parts import EntryKind, ErrorCode
from sottovoce.server.errors import Refused

INITIAL_HASH: Final = bytes(32)
"""The chain's hash before the first entry."""

PAST_EPOCHS: Final = 3
"""Messages are accepted for the current epoch and this many before it."""

_sha256: Final = hashlib.sha256
_OCTETS: Final = {kind: kind.octet for kind in EntryKind}


@dataclass(frozen=True, slots=True)
class RoomPosition:
    """Where a room stands: ``row`` is its place in the store, ``first`` the oldest seq kept, ``epoch`` None
    before its group is founded, ``addition_epoch`` the newest epoch that began with an addition.
    """

    row: int
    room_id: bytes
    epoch: int | None
    addition_epoch: int
    head: int
    head_hash: bytes
    first: int

    @property
    def oldest_epoch_accepted(self) -> int:
        """The oldest epoch a message may be of: every device in the roster then can read it."""
        return max((self.epoch or 0) - PAST_EPOCHS, self.addition_epoch, 0)


def next_hash(head_hash: bytes, kind: EntryKind, payload: bytes) -> bytes:
    """``H(n) = SHA-256(H(n-1) || kind || SHA-256(payload))``, 32 bytes."""
    return _sha256(head_hash + _OCTETS[kind] + _sha256(payload).digest()).digest()


def unknown_room() -> Refused:
    """No room has this id."""
    return Refused(ErrorCode.UNKNOWN_ROOM, "there is no such room")


def stale_epoch(epoch: int | None) -> Refused:
    """The epoch named is over, or not yet begun; ``epoch`` is the room's."""
    return Refused(
        ErrorCode.STALE_EPOCH, "the room is in another epoch: catch up, then try again", epoch=epoch
    )


def check_member(*, is_member: bool) -> None:
    """Refuse who is not in the roster."""
    if not is_member:
        raise Refused(ErrorCode.NOT_A_MEMBER, "this device is not in the room")


def check_commit_epoch(position: RoomPosition, epoch: int) -> None:
    """One commit per epoch, the first wins: it must end the current one (RFC 9750 §5.2)."""
    if position.epoch is None or epoch != position.epoch:
        raise stale_epoch(position.epoch)


def check_superseding(
    *, commit_epoch: int | None, epoch: int, is_member: bool, was_member: bool, retry_after: float | None
) -> None:
    """A superseding commit ends the epoch that the contestable commit it names has ended, and is from a
    device that was in the room before that commit and still is.

    ``commit_epoch``: of the commit it names, None where that is not contestable (any more).
    ``retry_after``: seconds until this device may supersede again in this room, None for now.
    """
    check_member(is_member=is_member)
    if commit_epoch is None or commit_epoch != epoch or not was_member:
        raise Refused(ErrorCode.NOT_ALLOWED, "this commit cannot be superseded: catch up, or join again")
    if retry_after is not None:
        raise Refused(
            ErrorCode.RATE_LIMITED,
            "this device has superseded commits of this room too often",
            retry_after=retry_after,
        )


def check_turn(retry_after: float | None) -> None:
    """Refuse a commit while another connection holds the turn, which it may for ``retry_after`` seconds."""
    if retry_after is not None:
        raise Refused(ErrorCode.TURN_TAKEN, "another device has the turn to commit", retry_after=retry_after)


def check_joiner(device: int, *, is_member: bool, added: set[int], removed: set[int], own: set[int]) -> None:
    """Who is not in the roster may commit only to join: it adds itself alone, and removes at most devices of
    its own account (``own``), as RFC 9420 §12.4.3.2 lets an external commit do.
    """
    if not is_member and (added != {device} or not removed <= own):
        check_member(is_member=False)
