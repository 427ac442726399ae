"""Groups that follow another: the successor of a reinitialised one, and a subgroup (RFC 9420 §11.2, §11.3).

Both begin with a commit that injects a resumption PSK of the old group, so nobody but its members joins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sottovoce.mls.credentials import AuthenticationService, Credential
from sottovoce.mls.epoch import EpochState, MessageEpoch, member_at
from sottovoce.mls.errors import MissingPreSharedKey, MisuseError, ValidationError
from sottovoce.mls.group_info import GroupContext
from sottovoce.mls.proposals import PreSharedKeyID, PSKType, ResumptionUsage
from sottovoce.mls.rules import ValidationRule
from sottovoce.mls.tree_math import LeafIndex

if TYPE_CHECKING:
    from sottovoce.mls.group import Group


@dataclass(frozen=True)
class StagedGroup:
    """A new group at epoch 1, and the Welcome to send for it; drop both if another's is accepted.

    ``welcome`` is None for a group of one.
    """

    welcome: bytes | None = field(repr=False)
    group: Group


@dataclass(frozen=True)
class Predecessor:
    """A group as far as one that follows it is held to it."""

    state: EpochState
    epochs: Mapping[int, MessageEpoch]

    def credentials(self, epoch: int) -> list[Credential]:
        """Return the members' credentials in a kept epoch."""
        leaves = map(LeafIndex, range(self.epochs[epoch].past.leaf_count))
        members = (member_at(self.state, self.epochs, epoch, leaf) for leaf in leaves)
        return [member.credential for member in members if member is not None]


def link_in(psks: Sequence[PreSharedKeyID]) -> PreSharedKeyID | None:
    """Return the one PSK of usage reinit or branch in a Welcome; raises ``ValidationError`` W11."""
    links = [
        psk
        for psk in psks
        if psk.psk_type is PSKType.RESUMPTION and psk.usage is not ResumptionUsage.APPLICATION
    ]
    # §12.4.3.1: if a PSK "has type resumption with usage reinit or branch, verify that it is the only such
    # PSK".
    if len(links) > 1:
        raise ValidationError(ValidationRule.WELCOME_LINK)
    return links[0] if links else None


def validate_predecessor(link: PreSharedKeyID | None, predecessor: Predecessor | None) -> None:
    """Check that a Welcome follows the group at hand, or none if none is (§12.4.3.1).

    Raises ``ValidationError`` W12, or ``MissingPreSharedKey``, which names the group that is wanted.
    """
    if link is None:
        if predecessor is not None:
            raise ValidationError(ValidationRule.WELCOME_PREDECESSOR, "it follows none")
        return
    if predecessor is None:
        raise MissingPreSharedKey(link.psk_id, link.group_id, link.epoch)
    old = predecessor.state
    if link.group_id != old.context.group_id:
        raise ValidationError(ValidationRule.WELCOME_PREDECESSOR, "it follows another")
    # §12.4.3.1: "verify that the last Commit to the referenced group contains a ReInit proposal".
    if link.usage is ResumptionUsage.REINIT and (old.reinit is None or link.epoch != old.epoch):
        raise ValidationError(ValidationRule.WELCOME_PREDECESSOR, "the group was not reinitialised there")
    if link.epoch not in predecessor.epochs:
        raise MissingPreSharedKey(link.psk_id, link.group_id, link.epoch)


def validate_following(
    link: PreSharedKeyID,
    predecessor: Predecessor,
    context: GroupContext,
    credentials: Sequence[Credential],
    authentication: AuthenticationService,
) -> None:
    """Check a new group's context and members against the group it follows; raises ``ValidationError``.

    :func:`validate_predecessor` has passed for the link.
    """
    old, before = predecessor.state, predecessor.credentials(link.epoch)
    # §12.4.3.1: "verify that the epoch field in the GroupInfo is equal to 1".
    if context.epoch != 1:
        raise ValidationError(ValidationRule.WELCOME_FIRST_EPOCH, f"epoch {context.epoch}")
    if link.usage is ResumptionUsage.BRANCH:
        # §11.3: "The version and cipher_suite values in the Welcome message are the same as those used by
        # the old group"; §12.4.3.1: a group_id is "unique among the groups" of a client.
        ours, theirs = old.context, context
        if (theirs.version, theirs.suite_id) != (ours.version, ours.suite_id):
            raise ValidationError(ValidationRule.WELCOME_BRANCH)
        if theirs.group_id == ours.group_id:
            raise ValidationError(ValidationRule.WELCOME_BRANCH_ID)
        # §11.3: "Each LeafNode in a new subgroup MUST match some LeafNode in the original group." As it was
        # when it branched off, and as it is: who was removed since still has the PSK of the epoch before.
        now = [member.credential for member in old.members()]
        if not all(_are_among(credentials, parent, authentication) for parent in (before, now)):
            raise ValidationError(ValidationRule.WELCOME_BRANCH_MEMBERS)
        return
    announced = old.reinit
    # §11.2: "The version, cipher_suite, group_id, and extensions fields of the GroupContext object in the
    # Welcome message MUST be the same as the corresponding fields in the ReInit proposal."
    if announced is None or announced != replace(
        announced,
        group_id=context.group_id,
        version=context.version,
        suite_id=context.suite_id,
        extensions=context.extensions,
    ):
        raise ValidationError(ValidationRule.WELCOME_REINIT)
    # §12.4.3.1: "verify that all the members of the old group are also members of the new group"; §12.4.1:
    # it is made "with the same members as the original group".
    if not _are_the_same(credentials, before, authentication):
        raise ValidationError(ValidationRule.WELCOME_REINIT_MEMBERS)


def require_same_members(
    new: Iterable[Credential], old: Iterable[Credential], authentication: AuthenticationService
) -> None:
    """Check what we are about to make of a reinitialised group; raises ``MisuseError``."""
    if not _are_the_same(new, old, authentication):
        raise MisuseError("a successor has the members of the group it follows: a key package of each")


def require_members(
    new: Iterable[Credential], old: Iterable[Credential], authentication: AuthenticationService
) -> None:
    """Check whom we are about to make a subgroup of; raises ``MisuseError``."""
    if not _are_among(new, old, authentication):
        raise MisuseError("a subgroup has members of its parent, and nobody else")


def _are_among(
    new: Iterable[Credential], old: Iterable[Credential], authentication: AuthenticationService
) -> bool:
    before = list(old)
    unlike = set(new) - set(before)
    return all(any(authentication.same_client(one, other) for one in before) for other in unlike)


def _are_the_same(
    new: Iterable[Credential], old: Iterable[Credential], authentication: AuthenticationService
) -> bool:
    """Whether the members pair off: those with equal credentials first, then clients with new ones."""
    after, before = Counter(new), Counter(old)
    left = list((before - after).elements())
    for credential in (after - before).elements():
        match = next((one for one in left if authentication.same_client(one, credential)), None)
        if match is None:
            return False
        left.remove(match)
    return not left
