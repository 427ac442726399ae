"""A room's policy, agreed in its GroupContext, and the rules every member checks on every commit.

The server enforces none of this and sees none of it. A commit that breaks a rule is refused by every
client alike, because all of them judge it by the policy of the epoch it ends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from sottovoce.client import cbor
from sottovoce.client.errors import ContentError, PolicyViolation

POLICY_EXTENSION: Final = 0xF0A0
"""GroupContext extension (private use, RFC 9420 §17.3) that holds the policy."""

MAX_NAME_LENGTH: Final = 64  # characters
MAX_TOPIC_LENGTH: Final = 1024  # characters
MAX_ADMINS: Final = 64


class Access(StrEnum):
    """How one gets into a room."""

    OPEN = "open"  # the server publishes the join secret to every account; such a room says so
    INVITE = "invite"  # by link or by being added; the join secret is rotated on removals
    KEY = "key"  # with a key agreed outside, which is fixed until its holders agree another


class PolicyRule(StrEnum):
    """Ids of the rules; they stand in code, errors and tests."""

    JOINER_PSK = "P1"  # an external commit carries exactly the current join secret as its PSK
    JOINER_REMOVES_ONLY_ITSELF = "P2"  # and removes at most the same device's own old leaf
    JOINER_CHANGES_NOTHING_ELSE = "P3"  # and adds nobody and leaves the policy alone
    ADD_BY_MEMBER = "P4"  # members add in open and invited rooms; a room with a key is entered with it
    REMOVE_BY_ADMIN = "P5"  # others are removed by admins, an admin by the owner, one's own leaves by oneself
    ROTATE_ON_REMOVAL = "P6"  # in an invited room a removal rotates the join secret to the new epoch
    POLICY_BY_ADMIN = "P7"  # name, topic and access are changed by admins
    ROLES_BY_OWNER = "P8"  # owner and admins are changed by the owner
    ROTATION_IS_NOW = "P9"  # the secret's epoch stays or is the commit's new one; open and key rooms keep it
    MEMBER_PSK = "P10"  # a member's commit carries no other PSK than the room's
    PROPOSE_LEAVING_ONLY = "P11"  # apart from a commit, a member proposes nothing but its own leaf's removal
    CONTEXT_STAYS = "P12"  # of the group's context, a commit changes the policy and nothing else


@dataclass(frozen=True)
class RoomPolicy:
    """What the members agreed on. ``owner`` and ``admins`` are account keys (32 bytes each).

    An open room has neither: nobody there may remove another account or change what it is.
    ``join_secret_epoch`` is the epoch in which the join secret was rotated last.
    """

    name: str
    topic: str = ""
    access: Access = Access.INVITE
    owner: bytes | None = None
    admins: tuple[bytes, ...] = ()
    join_secret_epoch: int = 0

    def encode(self) -> bytes:
        """Encode as the data of :data:`POLICY_EXTENSION`."""
        return cbor.encode([
            1, self.name, self.topic, str(self.access), self.owner, list(self.admins), self.join_secret_epoch
        ])  # fmt: skip

    @classmethod
    def decode(cls, data: bytes) -> RoomPolicy:
        """Read one; raises :class:`~sottovoce.client.errors.ContentError`."""
        fields = cbor.Fields(cbor.decode(data), "A room's policy")
        fields.uint("its version", 1)
        name = fields.text("its name", MAX_NAME_LENGTH)
        topic = fields.text("its topic", MAX_TOPIC_LENGTH)
        access = fields.text("its access", 16)
        owner = fields.optional_octets("its owner", 32)
        admins = fields.array("its admins", MAX_ADMINS)
        if access not in set(Access) or not all(isinstance(key, bytes) and len(key) == 32 for key in admins):
            raise ContentError("A room's policy is malformed.")
        epoch = fields.uint("its join secret's epoch")
        fields.end()
        return cls(name, topic, Access(access), owner, tuple(admins), epoch)

    @property
    def roles(self) -> tuple[Access, bytes | None, tuple[bytes, ...]]:
        """How one gets in, and who may do what."""
        return self.access, self.owner, self.admins

    def is_admin(self, account_key: bytes) -> bool:
        """Tell whether the account is the owner or an admin."""
        return self.is_owner(account_key) or account_key in self.admins

    def is_owner(self, account_key: bytes) -> bool:
        """Tell whether the account is the owner."""
        return self.owner is not None and account_key == self.owner

    def rotated(self, epoch: int) -> RoomPolicy:
        """Return the policy after the join secret was rotated in ``epoch``."""
        return replace(self, join_secret_epoch=epoch)


@dataclass(frozen=True, slots=True)
class Occupant:
    """Who sits on a leaf: an account by its key (32 bytes), and which of its devices (16 bytes)."""

    account_key: bytes
    device_id: bytes


@dataclass(frozen=True, slots=True)
class Removal:
    """A leaf that goes, and who proposed it: the committer, or whoever sent the proposal it refers to."""

    removed: Occupant
    proposer: Occupant


@dataclass(frozen=True)
class ProposedCommit:
    """What a commit would do, as far as the policy cares.

    ``epoch`` is the one it ends; ``psk_ids`` the ids of all PSKs in it, empty for a resumption PSK;
    ``current_psk_id`` that of the join secret its committer must hold; ``new_policy`` is None where it
    leaves the policy as it is; ``changes_context`` tells whether it changes another extension of the
    GroupContext.
    """

    epoch: int
    committer: Occupant
    is_external: bool
    current_psk_id: bytes
    psk_ids: tuple[bytes, ...] = ()
    added: tuple[Occupant, ...] = ()
    removed: tuple[Removal, ...] = ()
    updated: tuple[Occupant, ...] = ()
    new_policy: RoomPolicy | None = None
    changes_context: bool = False


def check_proposal(*, is_own_departure: bool) -> None:
    """Check a proposal that is sent by itself, to be committed by whoever commits next.

    A commit carries its committer's authority (RFC 9420 §12.4 has it refer to everybody's proposals), so
    what takes any authority is never taken as a proposal. Raises
    :class:`~sottovoce.client.errors.PolicyViolation` for all but a device's own departure.
    """
    _require(
        is_own_departure,
        PolicyRule.PROPOSE_LEAVING_ONLY,
        "A member proposed a change that it has to commit itself.",
    )


def check_commit(policy: RoomPolicy, commit: ProposedCommit) -> None:
    """Check a commit against the policy of the epoch it ends.

    Raises :class:`~sottovoce.client.errors.PolicyViolation` with the rule's id; returns if all hold.
    """
    if commit.is_external:
        _check_external(commit)
        return
    # An Update comes by reference only (RFC 9420 §12.2 forbids a committer's own).
    check_proposal(is_own_departure=not commit.updated)
    _require(
        not commit.changes_context,
        PolicyRule.CONTEXT_STAYS,
        "A commit changes more of the room's context than its policy.",
    )
    _require(
        set(commit.psk_ids) <= {commit.current_psk_id},
        PolicyRule.MEMBER_PSK,
        "A commit carries a pre-shared key that is not this room's.",
    )
    _require(
        not commit.added or policy.access is not Access.KEY,
        PolicyRule.ADD_BY_MEMBER,
        "Somebody was added to a room that is entered with its key only.",
    )
    for removal in commit.removed:
        _check_removal(policy, removal)
    after = commit.new_policy or policy
    _check_rotation(policy, after, commit)
    _check_policy_change(policy, after, commit.committer.account_key)


def _check_external(commit: ProposedCommit) -> None:
    _require(
        commit.psk_ids == (commit.current_psk_id,),
        PolicyRule.JOINER_PSK,
        "Somebody tried to join without the room's current secret.",
    )
    _require(
        len(commit.removed) <= 1 and all(removal.removed == commit.committer for removal in commit.removed),
        PolicyRule.JOINER_REMOVES_ONLY_ITSELF,
        "A device that joined tried to remove another.",
    )
    _require(
        not commit.added and commit.new_policy is None,
        PolicyRule.JOINER_CHANGES_NOTHING_ELSE,
        "A device that joined tried to change the room.",
    )


def _check_removal(policy: RoomPolicy, removal: Removal) -> None:
    removed, proposer = removal.removed.account_key, removal.proposer.account_key
    allowed = removed == proposer or (
        policy.is_owner(proposer) if policy.is_admin(removed) else policy.is_admin(proposer)
    )
    _require(allowed, PolicyRule.REMOVE_BY_ADMIN, "Somebody was removed by a member who may not do that.")


def _check_rotation(before: RoomPolicy, after: RoomPolicy, commit: ProposedCommit) -> None:
    rotated = after.join_secret_epoch == commit.epoch + 1
    if before.access is Access.INVITE:
        _require(
            rotated or not commit.removed,
            PolicyRule.ROTATE_ON_REMOVAL,
            "Somebody was removed, but the secret they can join with was not changed.",
        )
    may_rotate = Access.INVITE in (before.access, after.access)
    _require(
        after.join_secret_epoch == before.join_secret_epoch or (rotated and may_rotate),
        PolicyRule.ROTATION_IS_NOW,
        "A commit names an epoch for the room's secret that is not its own.",
    )


def _check_policy_change(before: RoomPolicy, after: RoomPolicy, committer: bytes) -> None:
    _require(
        (before.owner, before.admins) == (after.owner, after.admins) or before.is_owner(committer),
        PolicyRule.ROLES_BY_OWNER,
        "Owner or admins were changed by somebody who is not the owner.",
    )
    _require(
        (before.name, before.topic, before.access) == (after.name, after.topic, after.access)
        or before.is_admin(committer),
        PolicyRule.POLICY_BY_ADMIN,
        "The room was changed by a member who is no admin.",
    )


def _require(holds: bool, rule: PolicyRule, message: str) -> None:
    if not holds:
        raise PolicyViolation(rule, message)
